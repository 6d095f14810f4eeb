import { spawnSync } from 'node:child_process';
import { lutimesSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

// What goes into the image, into a folder: the service compiled, with its production dependencies alone. Of two folders
// the second gets what changes with the lock file alone, for a layer of its own.
const [target, dependencies] = process.argv.slice(2);
if (target === undefined) {
  console.error(
    'Usage: node service/image.ts <folder> [<folder of the dependencies>]\n\nThe folders must not exist, or be empty. --dependencies in their place only installs.',
  );
  process.exit(1);
}
/** Nobody asks when a file of the image was made. */
const MADE = new Date('2026-01-01T00:00:00Z');
const install = [
  'install',
  '--frozen-lockfile',
  '--filter',
  '@trunkline/service...',
  '--filter',
  'trunkline-workspace',
];
const build = [
  // Only what the first step has installed is there.
  ['--config.verify-deps-before-run=false', '--filter', '@trunkline/service...', 'run', 'build'],
  ['--filter', '@trunkline/service', 'deploy', '--prod', '--config.package-import-method=copy', resolve(target)],
];
for (const step of target === '--dependencies' ? [install] : [install, ...build]) {
  const { status, error } = spawnSync('pnpm', step, { cwd: resolve(import.meta.dirname, '..'), stdio: 'inherit' });
  if (error)
    console.error(`pnpm does not start: ${error.message}. Install it, or run this as npx -y pnpm image <folder>.`);
  if (status !== 0) process.exit(status ?? 1);
}

if (target !== '--dependencies') {
  const modules = join(resolve(target), 'node_modules');
  // Of the package of the reference page, what is served, and the file that it is found by. The rest is 40 MB.
  const scalar = join(modules, '@scalar/api-reference/dist');
  for (const name of readdirSync(scalar)) {
    if (name !== 'browser' && name !== 'index.js') rmSync(join(scalar, name), { recursive: true });
  }
  for (const name of readdirSync(scalar, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.map')) rmSync(join(scalar, name));
  }
  // What pnpm notes for its next run: when, and where. Here is none.
  for (const name of ['.modules.yaml', '.pnpm-workspace-state-v1.json']) rmSync(join(modules, name));
  if (dependencies !== undefined) {
    const own = join(resolve(dependencies), 'node_modules');
    mkdirSync(resolve(dependencies), { recursive: true });
    renameSync(modules, own);
    // The packages of this repository change with the source.
    mkdirSync(join(modules, '.pnpm'), { recursive: true });
    for (const name of readdirSync(join(own, '.pnpm'))) {
      if (name.startsWith('@trunkline+')) renameSync(join(own, '.pnpm', name), join(modules, '.pnpm', name));
    }
  }
  // A layer is the same where its files are, and their times are a part of them: also where another machine installs.
  for (const folder of [target, dependencies ?? []].flat()) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
      lutimesSync(join(entry.parentPath, entry.name), MADE, MADE);
    lutimesSync(folder, MADE, MADE);
  }
}
