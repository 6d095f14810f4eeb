import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { assert, property, stringMatching } from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findMongod } from '../../../service/src/development/mongod-binary.ts';
import { run } from '../../test/tiers/command.ts';
import { INFRA } from '../../test/tiers/project.ts';
import { MAKE_USER, SERVICE_USER, servicePasswordOf, uriOf } from './connection.ts';

it('composes a URI for DocumentDB, with TLS and without retryable writes', () => {
  const uri = new URL(uriOf({ host: 'cluster.example', username: 'trunkline', password: 'p?ss w&rd', poolSize: 20 }));
  expect(uri).toMatchObject({
    protocol: 'mongodb:',
    host: 'cluster.example:27017',
    pathname: '/trunkline',
    username: 'trunkline',
  });
  expect(Object.fromEntries(uri.searchParams)).toMatchObject({
    tls: 'true',
    tlsCAFile: '/etc/ssl/certs/rds-global-bundle.pem',
    retryWrites: 'false',
    replicaSet: 'rs0',
    maxPoolSize: '20',
  });
});

it('carries any password that DocumentDB accepts through the URI unchanged', async () => {
  await assert(
    property(stringMatching(/^[!#-.0-?A-~]{16,100}$/), (password) => {
      const uri = new URL(uriOf({ host: 'cluster.example', username: 'trunkline', password, poolSize: 1 }));
      expect(decodeURIComponent(uri.password)).toBe(password);
    }),
  );
});

const SERVICE = join(INFRA, '../service');
const { MongoClient } = createRequire(join(SERVICE, 'package.json'))('mongoose').mongo;
const MASTER = { user: 'trunkline', pwd: 'a-long-password-of-the-database' };

let mongod: ChildProcess;
let folder: string;
let host: string;
const uri = (user: string, password: string) => `mongodb://${user}:${password}@${host}/trunkline?authSource=admin`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-user-'));
  const port = await freePort();
  host = `127.0.0.1:${port}`;
  const { path } = await findMongod({
    cache_dir: join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'trunkline'),
    search_path: process.env.PATH ?? '',
    say: () => undefined,
    signal: new AbortController().signal,
  });
  mongod = spawn(path, ['--auth', '--dbpath', folder, '--port', `${port}`, '--bind_ip', '127.0.0.1'], {
    stdio: 'ignore',
  });
  const client = await connected(`mongodb://${host}/`);
  await client.db('admin').command({ createUser: MASTER.user, pwd: MASTER.pwd, roles: ['root'] });
  await client.close();
});
afterAll(async () => {
  const gone = once(mongod, 'exit');
  mongod.kill('SIGKILL');
  await gone;
  await rm(folder, { recursive: true, force: true });
});

/** Runs what the container runs, with the packages of the image. */
const makeUser = (masterPassword: string, ...options: string[]) =>
  run(process.execPath, [...options, '-e', MAKE_USER], {
    cwd: SERVICE,
    env: {
      DATABASE_ADMIN_URI: uri(MASTER.user, masterPassword),
      MONGODB_URI: uri(SERVICE_USER, servicePasswordOf(masterPassword)),
    },
  });

it('creates a user for the service that can read and write only its own database', async () => {
  const { exit, printed } = await makeUser(MASTER.pwd);
  expect(exit, printed).toBe(0);
  const client = await connected(uri(SERVICE_USER, servicePasswordOf(MASTER.pwd)));
  await client.db('trunkline').collection('numbers').createIndex({ number: 1 });
  await client.db('trunkline').collection('numbers').insertOne({ number: '+14155550100' });
  await expect(client.db('another').collection('numbers').insertOne({})).rejects.toMatchObject({ code: 13 });
  await expect(client.db('admin').command({ usersInfo: 1 })).rejects.toMatchObject({ code: 13 });
  await client.close();
});

it('creates one user when two tasks start at once and neither finds one', async () => {
  const admin = await connected(uri(MASTER.user, MASTER.pwd));
  await admin.db('admin').command({ dropUser: SERVICE_USER });
  await admin.close();
  const together = join(folder, 'together.cjs');
  await writeFile(together, TOGETHER);
  const tasks = await Promise.all([1, 2].map(() => makeUser(MASTER.pwd, '--require', together)));
  expect(tasks.map(({ exit, printed }) => [exit, printed.trim()])).toEqual(
    Array(2).fill([0, 'The service has its user.']),
  );
  await (await connected(uri(SERVICE_USER, servicePasswordOf(MASTER.pwd)))).close();
});

it('changes the user’s password when the master’s password changes', async () => {
  const admin = await connected(uri(MASTER.user, MASTER.pwd));
  await admin.db('admin').command({ updateUser: MASTER.user, pwd: 'another-password-of-the-database' });
  await admin.close();
  const { exit, printed } = await makeUser('another-password-of-the-database');
  expect(exit, printed).toBe(0);
  await (await connected(uri(SERVICE_USER, servicePasswordOf('another-password-of-the-database')))).close();
});

it('fails without printing a password when the master user is refused', async () => {
  const { exit, printed } = await makeUser('a-wrong-password-of-the-database');
  expect(exit).toBe(1);
  expect(printed).toContain('The service gets no user');
  expect(printed).not.toContain('password-of-the-database');
});

/** Holds both tasks back until each has found no user. */
const TOGETHER = `
const { readdirSync, writeFileSync } = require('node:fs');
const { Db } = require(require.resolve('mongoose', { paths: [process.cwd()] })).mongo;
const { command } = Db.prototype;
Db.prototype.command = async function (order, ...rest) {
  if (order.createUser) {
    writeFileSync(__dirname + '/' + process.pid + '.waits', '');
    while (readdirSync(__dirname).filter((name) => name.endsWith('.waits')).length < 2)
      await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return command.call(this, order, ...rest);
};
`;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

const connected = async (at: string) => {
  for (const until = Date.now() + 60_000; ; await wait(50)) {
    try {
      return await MongoClient.connect(at, { serverSelectionTimeoutMS: 5000 });
    } catch (error) {
      if (Date.now() > until || Object(error).code === 18) throw error;
    }
  }
};
