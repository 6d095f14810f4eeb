import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** A copy of the repository, installed but not built. */
    tree: string;
    /** What `pnpm pack` produces from it. */
    tarball: string;
  }
}

export const run = promisify(execFile);

const root = resolve(import.meta.dirname, '../../..');

export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-clients-'));
  const tree = join(folder, 'tree');
  const tarball = join(folder, 'contracts.tgz');
  await copyTree(tree);
  await run('pnpm', ['pack', '--out', tarball], { cwd: join(tree, 'contracts') });
  project.provide('tree', tree);
  project.provide('tarball', tarball);
  return () => rm(folder, { recursive: true, force: true });
};

/**
 * Everything in git, or that git would add, with the installed packages. Links between the repository's packages lead
 * to the copies.
 */
export const copyTree = async (tree: string): Promise<void> => {
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  const files = stdout
    .split('\0')
    .filter((file) => /^(\.changeset|\.github|contracts|service|infra)\/|^[^/]+$/.test(file));
  for (const folder of new Set(files.map(dirname))) await mkdir(join(tree, folder), { recursive: true });
  await Promise.all(files.map((file) => cp(join(root, file), join(tree, file))));
  for (const folder of ['.', 'contracts', 'infra']) {
    await symlink(join(root, folder, 'node_modules'), join(tree, folder, 'node_modules'));
  }
  await mkdir(join(tree, 'service/node_modules/@trunkline'), { recursive: true });
  await symlink('../../../contracts', join(tree, 'service/node_modules/@trunkline/contracts'));
  const others = await readdir(join(root, 'service/node_modules'));
  for (const name of others.filter((other) => other !== '@trunkline' && !other.startsWith('.'))) {
    await symlink(join(root, 'service/node_modules', name), join(tree, 'service/node_modules', name));
  }
};
