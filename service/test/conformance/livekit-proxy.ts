import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler } from 'express';
import { systemClock } from '../../src/clock.ts';
import { createFaults, type Faults } from '../../src/sandbox/faults.ts';
import { serve } from '../../src/sandbox/stand-in.ts';

export interface LiveKitProxy {
  url: string;
  faults: Faults;
  close(): Promise<void>;
}

/** A proxy in front of a real server that passes calls on unchanged, unless told to hold or drop them. */
export const openLiveKitProxy = async (target: string): Promise<LiveKitProxy> => {
  const faults = createFaults();
  const forward = async (req: express.Request) => {
    const { authorization = '', 'content-type': type = '' } = req.headers;
    const headers = { Authorization: authorization, 'Content-Type': type };
    const response = await fetch(target + req.originalUrl, { method: 'POST', headers, body: req.body });
    const text = await response.text();
    const isJson = response.headers.get('content-type') === 'application/json';
    return { status: response.status, body: isJson ? JSON.parse(text) : text };
  };
  // If the server is gone, the connection is closed too.
  const hangUp: ErrorRequestHandler = (_error, req, _res, _next) => void req.socket.destroy();
  const app = express();
  app.use(express.raw({ type: () => true }));
  app.post('/twirp/livekit.SIP/:method', (req, res, next) =>
    serve(`livekit.${req.params.method}`, forward, { faults, clock: systemClock })(req, res, next),
  );
  app.use(hangUp);

  const server = await new Promise<ReturnType<typeof app.listen>>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
};
