import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';

/** Signed by an unknown authority; their keys protect nothing. Valid until 2126. */
export const certificate = (name: 'authority' | 'localhost' | 'self-signed' | 'other-name'): string =>
  readFileSync(join(import.meta.dirname, `fixtures/certificates/${name}.pem`), 'utf8');

export interface SipServer extends AsyncDisposable {
  port: number;
  /** The requests received. */
  asked: string[];
}

export interface SipServerOptions {
  transport: 'tls' | 'tcp' | 'udp';
  certificate?: string;
  /** The answer to a request; undefined: none. By default it accepts, as livekit-sip does. */
  answer?: ((request: string) => string) | undefined;
}

export const answering =
  (status: string) =>
  (request: string): string => {
    const kept = request.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/i.test(line));
    return `SIP/2.0 ${status}\r\n${kept.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`;
  };

/** A SIP server on a free port of this machine that gives the same answer to every request. */
export const openSipServer = async ({ transport, ...options }: SipServerOptions): Promise<SipServer> => {
  const answer = 'answer' in options ? options.answer : answering('200 OK');
  const asked: string[] = [];
  if (transport === 'udp') {
    const socket = createSocket('udp4', (message, { address, port }) => {
      asked.push(String(message));
      if (answer) socket.send(answer(String(message)), port, address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return {
      port: socket.address().port,
      asked,
      [Symbol.asyncDispose]: async () => void (await new Promise<void>((resolve) => socket.close(resolve))),
    };
  }
  const sockets = new Set<Socket>();
  const serve = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      asked.push(String(chunk));
      if (answer) socket.write(answer(String(chunk)));
    });
  };
  const pem = options.certificate ?? certificate('localhost');
  const server = transport === 'tls' ? createTlsServer({ cert: pem, key: pem }, serve) : createTcpServer(serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
