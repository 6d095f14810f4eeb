import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { MongoMemoryServer } from 'mongodb-memory-server-core';
import mongoose from 'mongoose';
import { untilAborted } from '../database/abort.ts';
import { findMongod, type Search } from './mongod-binary.ts';

export interface EmbeddedMongod {
  uri: string;
  version: string;
  /** The folder of its data. */
  folder: string;
  close(): Promise<void>;
}

export interface MongodOptions extends Search {
  /** Each server version has its own folder within this one, so that no version opens another's files. */
  data_dir: string;
}

const run = promisify(execFile);
const REPLICA_SET = 'trunkline';
const PRIMARY_WITHIN_MS = 30_000;

/** Starts a mongod as a replica set of one member. Its data survives a restart. It ends with this process. */
export const openMongod = async ({ data_dir, ...search }: MongodOptions): Promise<EmbeddedMongod> => {
  const binary = await findMongod(search);
  const folder = join(data_dir, `mongod-${binary.version}`);
  await mkdir(folder, { recursive: true });
  if (await isInUse(folder)) throw new Error(doesNotStart(data_dir));
  const server = await MongoMemoryServer.create({
    binary: { systemBinary: binary.path, version: binary.version },
    instance: { dbPath: folder, replSet: REPLICA_SET, ip: '127.0.0.1', storageEngine: 'wiredTiger' },
    // In its own process group, so that Ctrl-C reaches only this process, which stops mongod last.
    spawn: { detached: true },
  }).catch((error: unknown) => {
    throw new Error(doesNotStart(data_dir), { cause: error });
  });
  const close = async () => void (await server.stop({ doCleanup: false }));
  const host = `127.0.0.1:${server.instanceInfo?.port}`;
  try {
    await untilAborted(search.signal, beReplicaSet(host));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    uri: `mongodb://${host}/trunkline?replicaSet=${REPLICA_SET}`,
    version: binary.version,
    folder,
    close,
  };
};

const doesNotStart = (data_dir: string): string =>
  `The embedded mongod did not start. If another Trunkline is using ${data_dir}, stop it, or set DATA_DIR.`;

/** Whether a mongod uses this folder: its lock file has the process id, and is empty once mongod has ended. */
const isInUse = async (folder: string): Promise<boolean> => {
  const pid = (await readFile(join(folder, 'mongod.lock'), 'utf8').catch(() => '')).trim();
  if (!/^[0-9]+$/.test(pid)) return false;
  // After a crash, another program may have this id.
  const { stdout } = await run('ps', ['-p', pid, '-o', 'comm=']).catch(() => ({ stdout: '' }));
  return stdout.includes('mongod');
};

/** Makes the server its own primary. Existing data names the port of the last start, so the change is forced. */
const beReplicaSet = async (host: string): Promise<void> => {
  const client = await mongoose.mongo.MongoClient.connect(`mongodb://${host}/?directConnection=true`);
  try {
    const admin = client.db('admin');
    const config = { _id: REPLICA_SET, members: [{ _id: 0, host }] };
    await admin.command({ replSetInitiate: config }).catch(async (error: unknown) => {
      if (!(error instanceof mongoose.mongo.MongoServerError && error.codeName === 'AlreadyInitialized')) throw error;
      const { config: kept } = await admin.command({ replSetGetConfig: 1 });
      await admin.command({
        replSetReconfig: { ...kept, members: [{ ...kept.members[0], host }], version: kept.version + 1 },
        force: true,
      });
    });
    for (const until = Date.now() + PRIMARY_WITHIN_MS; ; await wait(20)) {
      const { isWritablePrimary } = await admin.command({ hello: 1 });
      if (isWritablePrimary) return;
      if (Date.now() > until) throw new Error(`The embedded mongod at ${host} did not become primary`);
    }
  } finally {
    await client.close();
  }
};
