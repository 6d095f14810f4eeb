import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openMongod } from '../src/development/mongod.ts';

declare module 'vitest' {
  interface ProvidedContext {
    mongodb_uri: string;
  }
}

/** One real mongod for all tests of a run; each test file takes a database of its own. */
export const setup = (project: TestProject): Promise<() => Promise<void>> =>
  openForRun((uri) => project.provide('mongodb_uri', uri));

export const openForRun = async (provide: (mongodb_uri: string) => void): Promise<() => Promise<void>> => {
  const data_dir = await mkdtemp(join(tmpdir(), 'trunkline-test-'));
  const mongod = await openMongod({
    data_dir,
    cache_dir: join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'trunkline'),
    search_path: process.env.PATH ?? '',
    say: (line) => console.log(line),
    signal: new AbortController().signal,
  });
  provide(mongod.uri);
  return async () => {
    await mongod.close();
    await rm(data_dir, { recursive: true, force: true });
  };
};
