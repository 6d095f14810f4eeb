import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { openSandbox, type Sandbox } from '../src/sandbox/server.ts';
import { createMemoryShelf } from '../src/sandbox/shelf.ts';
import type { TurnedClock } from './turned-clock.ts';

/** Answers instead of the sandbox and returns true, or returns false. */
type Intercept = (call: { method: string; url: URL }, res: ServerResponse) => boolean;

export interface Gateway extends AsyncDisposable {
  /** The sandbox, reached through this gateway. */
  sandbox: Sandbox;
  intercept: Intercept;
}

/** A server in front of a sandbox that can give answers the stand-ins would not. */
export const openGateway = async (clock: TurnedClock): Promise<Gateway> => {
  const sandbox = await openSandbox({ shelf: createMemoryShelf(), clock, port: 0 });

  const pass = async (req: IncomingMessage, res: ServerResponse) => {
    const { authorization = '', 'content-type': type = '' } = req.headers;
    const body = req.method === 'POST' ? await text(req) : null;
    const answer = await fetch(new URL(req.url ?? '/', sandbox.url), {
      method: req.method ?? 'GET',
      headers: { authorization, ...(type && { 'content-type': type }) },
      body,
    });
    res.writeHead(answer.status, { 'Content-Type': answer.headers.get('content-type') ?? 'text/plain' });
    res.end(await answer.text());
  };
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', 'http://gateway');
    if (!gateway.intercept({ method: req.method ?? '', url }, res)) void pass(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const gateway: Gateway = {
    sandbox: { ...sandbox, url, livekit: { ...sandbox.livekit, url } },
    intercept: () => false,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await sandbox.close();
    },
  };
  return gateway;
};
