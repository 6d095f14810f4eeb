import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

// What goes into the image, into a folder: the service compiled, with its production dependencies alone.
const [target] = process.argv.slice(2);
if (target === undefined) {
  console.error(
    'Usage: node service/image.ts <folder>\n\nThe folder must not exist, or be empty. --dependencies in its place only installs.',
  );
  process.exit(1);
}
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

// Of the package of the reference page, what is served, and the file that it is found by. The rest is 40 MB.
if (target !== '--dependencies') {
  const scalar = join(resolve(target), 'node_modules/@scalar/api-reference/dist');
  for (const name of readdirSync(scalar)) {
    if (name !== 'browser' && name !== 'index.js') rmSync(join(scalar, name), { recursive: true });
  }
  for (const name of readdirSync(scalar, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.map')) rmSync(join(scalar, name));
  }
}
