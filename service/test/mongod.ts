import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoMemoryServer } from 'mongodb-memory-server-core';
import type { TestProject } from 'vitest/node';
import { openMongod } from '../src/development/mongod.ts';
import { findMongod } from '../src/development/mongod-binary.ts';

declare module 'vitest' {
  interface ProvidedContext {
    mongodb_uri: string;
  }
}

/** One real mongod for all tests of a run; each test file uses its own database. */
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

/** A mongod that is not a replica set. */
export const startStandalone = async (): Promise<{ uri: string } & AsyncDisposable> => {
  const { signal } = new AbortController();
  const { path, version } = await findMongod({
    cache_dir: join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'trunkline'),
    search_path: process.env.PATH ?? '',
    say: () => {},
    signal,
  });
  const server = await MongoMemoryServer.create({
    binary: { systemBinary: path, version },
    instance: { ip: '127.0.0.1' },
  });
  return {
    uri: server.getUri('trunkline'),
    [Symbol.asyncDispose]: async () => void (await server.stop()),
  };
};
