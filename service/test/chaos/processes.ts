import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import mongoose from 'mongoose';
import { findMongod } from '../../src/development/mongod-binary.ts';
import { drawApiKey } from '../../src/organizations/raw-key.ts';
import { type Caller, createCaller } from '../open-service.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
const sandboxMain = join(import.meta.dirname, 'sandbox-process.ts');
// Hundreds of processes start from the same files, so each file is compiled once.
const compiled = join(tmpdir(), 'trunkline-compile-cache');

/** A process that a test has started, with its output line by line. */
export interface Started {
  child: ChildProcess;
  lines: string[];
  /** Resolves with the first line that matches; rejects if the process exits before. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends the signal, and resolves with the exit code once the process has exited. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  /** Resolves with the exit code once the process exits by itself. */
  exit(): Promise<number | null>;
}

const all = new Set<ChildProcess>();
const endAll = () => {
  for (const child of all) child.kill('SIGKILL');
};
// Started processes end with the tests, even if those are interrupted.
process.on('exit', endAll);
process.on('SIGTERM', endAll);
process.on('disconnect', endAll);

export const start = (
  command: string,
  args: string[],
  env: Record<string, string> = {},
  options: Pick<SpawnOptions, 'cwd' | 'uid' | 'gid' | 'detached'> = {},
): Started => {
  const child = spawn(command, args, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: homedir(), NODE_COMPILE_CACHE: compiled, ...env },
  });
  all.add(child);
  const lines: string[] = [];
  const watchers = new Set<() => void>();
  const ended = once(child, 'exit').finally(() => all.delete(child));
  // Only then has all of its output been read.
  let isRead = false;
  const read = once(child, 'close').then(() => {
    isRead = true;
    for (const watcher of watchers) watcher();
  });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const watcher of watchers) watcher();
    });
  }
  return {
    child,
    lines,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const watcher = () => {
          const match = lines.map((line) => pattern.exec(line)).find((found) => found !== null);
          if (match) resolve(match);
          else if (isRead) reject(new Error(`${command} ended:\n${lines.join('\n')}`));
          else return;
          watchers.delete(watcher);
        };
        watchers.add(watcher);
        watcher();
      }),
    exit: async () => {
      await read;
      return child.exitCode;
    },
    end: async (signal = 'SIGKILL') => {
      if (child.exitCode === null && child.signalCode === null) {
        // Like Ctrl-C in a terminal: child processes of the command get the signal too.
        if (options.detached && child.pid) process.kill(-child.pid, signal);
        else child.kill(signal);
      }
      await ended;
      return child.exitCode;
    },
  };
};

/** The database of a chaos test: a replica set with this many members, each a process. */
export interface Cluster {
  uri: string;
  client: mongoose.mongo.MongoClient;
  close(): Promise<void>;
}

export const startCluster = async (members: number): Promise<Cluster> => {
  const cache_dir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'trunkline');
  const { signal } = new AbortController();
  const { path } = await findMongod({ cache_dir, search_path: process.env.PATH ?? '', say: () => {}, signal });
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-chaos-'));
  const hosts: string[] = [];
  const started: Started[] = [];
  for (let member = 0; member < members; member++) {
    const port = await freePort();
    const dbpath = await mkdtemp(join(folder, 'member-'));
    started.push(
      start(path, [
        '--replSet',
        'chaos',
        '--port',
        String(port),
        '--bind_ip',
        '127.0.0.1',
        '--dbpath',
        dbpath,
        '--wiredTigerCacheSizeGB',
        '0.25',
      ]),
    );
    hosts.push(`127.0.0.1:${port}`);
  }
  await Promise.all(started.map((mongod) => mongod.line(/Waiting for connections/)));
  const first = await mongoose.mongo.MongoClient.connect(`mongodb://${hosts[0]}/?directConnection=true`);
  const config = {
    _id: 'chaos',
    members: hosts.map((host, _id) => ({ _id, host })),
    settings: { electionTimeoutMillis: 2000 },
  };
  await first.db('admin').command({ replSetInitiate: config });
  await first.close();
  const uri = `mongodb://${hosts.join(',')}/chaos?replicaSet=chaos`;
  const client = await mongoose.mongo.MongoClient.connect(uri);
  return {
    uri,
    client,
    close: async () => {
      await client.close();
      await Promise.all(started.map((mongod) => mongod.end()));
      await rm(folder, { recursive: true, force: true });
    },
  };
};

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('There is no free port');
  return address.port;
};

/** The sandbox in its own process, controlled over HTTP. */
export interface SandboxProcess {
  url: string;
  account: { sid: string; auth_token: string; numbers: string[] };
  world(): Promise<Record<'twilio' | 'livekit', Record<string, Record<string, any>[]>>>;
  fault(fault: object): Promise<void>;
  clear(): Promise<void>;
  release(): Promise<void>;
  /** Resolves once this many calls are held. */
  holding(count?: number): Promise<void>;
  close(): Promise<unknown>;
}

export const startSandbox = async (numbers: number): Promise<SandboxProcess> => {
  const sandbox = start(process.execPath, [sandboxMain, String(numbers)]);
  const [, json = ''] = await sandbox.line(/^ready (.*)$/);
  const { url, account } = JSON.parse(json);
  const control = async (method: string, path: string, body?: object) => {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(`${url}/sandbox${path}`, {
      method,
      ...(body && { headers, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`The sandbox answered ${response.status}: ${await response.text()}`);
    return response;
  };
  return {
    url,
    account,
    world: async () => (await control('GET', '/')).json() as never,
    fault: async (fault) => void (await control('POST', '/faults', fault)),
    clear: async () => void (await control('DELETE', '/faults')),
    release: async () => void (await control('POST', '/release')),
    holding: async (count = 1) => void (await control('GET', `/holding?count=${count}`)),
    close: () => sandbox.end(),
  };
};

const API_KEY = drawApiKey();
const ENCRYPTION_KEYS = `chaos:${Buffer.alloc(32, 9).toString('base64')}`;

/** The service's production settings, with the sandbox as its providers. */
export const productionSettings = (sandbox: SandboxProcess, mongodb_uri: string) => ({
  NODE_ENV: 'production',
  HOST: '127.0.0.1',
  PORT: '0',
  METRICS_PORT: '0',
  MONGODB_URI: mongodb_uri,
  LIVEKIT_URL: sandbox.url,
  LIVEKIT_API_KEY: 'sandbox',
  LIVEKIT_API_SECRET: 'sandbox-secret-of-thirty-two-letters',
  LIVEKIT_SIP_HOST: 'sandbox.sip.invalid',
  TWILIO_API_URL: sandbox.url,
  ENCRYPTION_KEYS,
  BOOTSTRAP_API_KEY: API_KEY,
});

export interface ServiceProcess extends Started {
  url: string;
  /** The admin of the first organization. */
  caller: Caller;
}

/** The service as in production, against the sandbox, with short times so that tests take less than seconds. */
export const startService = async (
  sandbox: SandboxProcess,
  mongodb_uri: string,
  environment: Record<string, string> = {},
): Promise<ServiceProcess> =>
  whenReady(
    start(process.execPath, [main], {
      ...productionSettings(sandbox, mongodb_uri),
      RATE_LIMIT_RPS: '100000',
      RECONCILE_INTERVAL_SECONDS: '0.1',
      LEASE_SECONDS: '1.5',
      PROVIDER_TIMEOUT_SECONDS: '0.5',
      ...environment,
    }),
  );

/** Resolves once the service is ready. */
export const whenReady = async (service: Started): Promise<ServiceProcess> => {
  const [, port] = await service.line(/"port":(\d+).*"msg":"ready"/);
  const url = `http://127.0.0.1:${port}`;
  const me = await fetch(`${url}/api/me`, { headers: { 'X-API-Key': API_KEY } });
  const { data } = (await me.json()) as { data: { organization_id: string } };
  return { ...service, url, caller: createCaller({ url, apiKey: API_KEY, organizationId: data.organization_id }) };
};

/** Checks repeatedly until the condition holds. */
export const until = async (what: string, isSo: () => Promise<boolean>, within_ms = 120_000): Promise<void> => {
  for (const end = Date.now() + within_ms; !(await isSo()); await wait(50)) {
    if (Date.now() > end) throw new Error(`Not within ${within_ms} ms: ${what}`);
  }
};
