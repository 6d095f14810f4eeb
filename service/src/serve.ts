import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { describeProblem, Problem } from '@trunkline/contracts';

/** Longer than a load balancer keeps an idle connection (AWS: 60 s), so that it never sends into a closed one. */
const KEEP_ALIVE_MS = 65_000;
/** Who takes longer to send a request is cut off. */
const REQUEST_WITHIN_MS = 30_000;

export interface Listening {
  port: number;
  /** Takes no new connections; resolves when those under way are answered. */
  finish(): Promise<void>;
  /** Cuts off what is still there. */
  cut(): void;
}

export const listen = async (
  listener: RequestListener,
  { host, port, setting }: { host: string; port: number; setting: string },
): Promise<Listening> => {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_WITHIN_MS }, listener);
  server.on('clientError', answerUnreadable);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }).catch((error: unknown) => {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw taken
      ? new Error(`Port ${port} is in use. Stop what uses it, or set ${setting} to another.`, { cause: error })
      : error;
  });
  return {
    port: (server.address() as AddressInfo).port,
    finish: () => finish(server),
    cut: () => server.closeAllConnections(),
  };
};

/** Connections that are kept alive end when their request is answered. */
const finish = async (server: Server): Promise<void> => {
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearInterval(idle);
};

/** What Node's parser refuses, answered as a problem like any other: absurd headers, broken requests, slow ones. */
const answerUnreadable = (error: NodeJS.ErrnoException, socket: Duplex): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const body = JSON.stringify({
    ...describeProblem(new Problem('invalid_request', 'The request cannot be read as HTTP. Check its headers.'), ''),
    status,
  });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
};
