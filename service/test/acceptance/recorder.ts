import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { AcceptanceSettings } from './settings.ts';

/** One request of the service to a vendor, and the answer. */
export interface Exchange {
  vendor: 'twilio' | 'livekit';
  method: string;
  /** Twilio's host. LiveKit's is always the project's. */
  host?: string;
  /** With the query. */
  path: string;
  /** A form, or JSON. */
  body: string;
  /** Absent if no answer came. */
  answer?: { status: number; type: string; body: string };
}

export interface Recorder extends AsyncDisposable {
  /** The URLs to use instead of Twilio's and LiveKit's. */
  twilio_url: string;
  livekit_url: string;
  /** In the order of the requests. */
  exchanges: Exchange[];
  clear(): void;
}

/** Longer than the service itself waits. */
const GIVEN_UP_MS = 60_000;

/** A proxy between the service and both vendors that records what passes, without credentials. */
export const openRecorder = async ({ twilio_api_url, livekit }: AcceptanceSettings): Promise<Recorder> => {
  const exchanges: Exchange[] = [];
  const twilio = await open((req) => {
    const host = String(req.headers['x-forwarded-host'] ?? 'api.twilio.com');
    if (!twilio_api_url && !/^([a-z0-9-]+\.)+twilio\.com$/.test(host)) throw new Error(`${host} is not Twilio's`);
    return { vendor: 'twilio', host, to: twilio_api_url ?? `https://${host}` };
  }, exchanges);
  const livekit_base = livekit.url.replace(/^ws/i, 'http').replace(/\/+$/, '');
  const switchboard = await open(() => ({ vendor: 'livekit', to: livekit_base }), exchanges);
  return {
    twilio_url: twilio.url,
    livekit_url: switchboard.url,
    exchanges,
    clear: () => void exchanges.splice(0),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([twilio.close(), switchboard.close()]);
    },
  };
};

interface Target {
  vendor: Exchange['vendor'];
  host?: string;
  to: string;
}

const open = async (targetOf: (req: IncomingMessage) => Target, exchanges: Exchange[]) => {
  const pass = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { to, ...target } = targetOf(req);
    const path = req.url ?? '/';
    const method = req.method ?? 'GET';
    const body = await text(req);
    const exchange: Exchange = { ...target, method, path, body };
    exchanges.push(exchange);
    const { authorization = '', 'content-type': type = '', 'user-agent': agent = '' } = req.headers;
    const answered = await fetch(`${to}${path}`, {
      method,
      headers: {
        Authorization: authorization,
        'User-Agent': agent,
        Accept: 'application/json',
        ...(type && { 'Content-Type': type }),
        ...(target.host && { 'X-Forwarded-Host': target.host }),
      },
      ...(body && { body }),
      redirect: 'manual',
      signal: AbortSignal.timeout(GIVEN_UP_MS),
    });
    const said = await answered.text();
    const answer_type = answered.headers.get('content-type') ?? '';
    exchange.answer = { status: answered.status, type: answer_type, body: said };
    const handed_on = ['content-type', 'retry-after', 'twilio-request-id', 'date'];
    for (const name of handed_on) {
      const value = answered.headers.get(name);
      if (value !== null) res.setHeader(name, value);
    }
    res.writeHead(answered.status).end(said);
  };
  const server = createServer((req, res) => {
    // If the vendor does not answer, neither does the proxy.
    pass(req, res).catch(() => req.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
