import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { type Breach, openJudge } from './judge.ts';

export interface JudgingProxy {
  url: string;
  /** Everything that passed although the documents do not allow it. */
  breaches: Breach[];
  close(): Promise<void>;
}

/** A proxy in front of the stand-ins that checks Twilio's requests and answers against the documents in a folder. */
export const openJudgingProxy = async (target: string, folder: string): Promise<JudgingProxy> => {
  const judge = openJudge(folder);
  const breaches: Breach[] = [];

  const app = express();
  app.use(express.raw({ type: () => true, limit: '10mb' }));
  app.use(async (req, res) => {
    const asked = {
      method: req.method,
      url: new URL(req.originalUrl, target),
      headers: req.headers,
      body: Buffer.isBuffer(req.body) ? req.body.toString() : '',
    };
    const isOfTwilio = !asked.url.pathname.startsWith('/twirp/');
    if (isOfTwilio) breaches.push(...judge.request(asked));
    const { host, connection, 'content-length': length, ...headers } = req.headers;
    const answer = await fetch(asked.url, {
      method: asked.method,
      headers: headers as Record<string, string>,
      ...(asked.body && { body: asked.body }),
    }).catch(() => undefined);
    // The stand-in hung up, so the proxy does too.
    if (answer === undefined) return void req.socket.destroy();
    const { status } = answer;
    const type = answer.headers.get('content-type');
    const body = await answer.text();
    if (isOfTwilio) breaches.push(...judge.answer(asked, { status, type, body }));
    res.status(status);
    if (type) res.setHeader('Content-Type', type);
    res.end(body);
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    breaches,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
};
