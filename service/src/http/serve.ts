import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ConnectionSettings, guardConnections } from './connections.ts';

export interface Listening {
  port: number;
  /** Accepts no new connections; resolves when all requests in progress are answered. */
  finish(): Promise<void>;
  /** Closes all connections at once. */
  cut(): void;
}

export interface ListenOptions {
  host: string;
  port: number;
  /** The setting that chooses the port. */
  setting: string;
  connections: ConnectionSettings;
}

export const listen = async (
  listener: RequestListener,
  { host, port, setting, connections }: ListenOptions,
): Promise<Listening> => {
  const { keep_alive_ms, request_timeout_ms, max_connections } = connections;
  const server = createServer({
    keepAliveTimeout: keep_alive_ms,
    requestTimeout: request_timeout_ms,
    headersTimeout: request_timeout_ms,
    connectionsCheckingInterval: Math.min(1000, request_timeout_ms / 2),
  });
  server.maxConnections = max_connections;
  guardConnections(server, listener, connections);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }).catch((error: unknown) => {
    throw isPortInUse(error)
      ? new Error(`Port ${port} is in use. Stop what uses it, or set ${setting} to another.`, { cause: error })
      : error;
  });
  return {
    port: (server.address() as AddressInfo).port,
    finish: () => finish(server),
    cut: () => server.closeAllConnections(),
  };
};

/** Whether `listen`, or Node itself, failed because another program has the port. */
export const isPortInUse = (error: unknown): boolean =>
  error instanceof Error &&
  (('code' in error && error.code === 'EADDRINUSE') || (error.cause !== undefined && isPortInUse(error.cause)));

/** Closes kept-alive connections as soon as their request is answered. */
const finish = async (server: Server): Promise<void> => {
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearInterval(idle);
};
