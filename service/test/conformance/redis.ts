import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, start } from '../chaos/processes.ts';
import { onPath } from './path.ts';

/** The first redis-server on the PATH. */
export const findRedis = async (environment: NodeJS.ProcessEnv): Promise<string> => {
  const [path] = await onPath('redis-server', environment);
  if (path === undefined) {
    throw new Error('No redis-server: put it on the PATH (Debian: apt-get install redis-server).');
  }
  return path;
};

export interface Redis {
  /** As in 127.0.0.1:6379. */
  address: string;
  port: number;
  kill(): Promise<unknown>;
  /** Starts it again on the same port after a `kill`, with its data or empty. */
  restart(options?: { empty: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** A Redis on a free local port. Its data survives a kill, unless it `forgets`. */
export const startRedis = async (binary: string, { forgets = false } = {}): Promise<Redis> => {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-redis-'));
  const open = async () => {
    const keeping = forgets ? [] : ['--appendonly', 'yes', '--appendfsync', 'always'];
    const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
    const server = start(binary, [...place, '--save', '', ...keeping]);
    await server.line(/Ready to accept connections/);
    return server;
  };
  let server = await open();
  return {
    address: `127.0.0.1:${port}`,
    port,
    kill: () => server.end('SIGKILL'),
    restart: async ({ empty } = { empty: false }) => {
      if (empty) await rm(join(folder, 'appendonlydir'), { recursive: true });
      server = await open();
    },
    close: async () => {
      await server.end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
};
