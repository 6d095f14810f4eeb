import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import type { Clock } from '../clock.ts';
import { createControls } from './controls.ts';
import { createFaults, type Faults } from './faults.ts';
import { createLiveKitStandIn } from './livekit-stand-in.ts';
import type { Shelf } from './shelf.ts';
import { createTwilioStandIn } from './twilio-stand-in.ts';

export interface SandboxOptions {
  shelf: Shelf;
  clock: Clock;
  port: number;
}

export interface Sandbox {
  url: string;
  shelf: Shelf;
  faults: Faults;
  livekit: { url: string; api_key: string; api_secret: string; sip_host: string };
  close(): Promise<void>;
}

/** Never called: the stand-ins take no calls. */
const SIP_HOST = 'sandbox.sip.invalid';
const API_KEY = 'sandbox';
const API_SECRET = 'sandbox-secret-of-thirty-two-letters';

/** Serves stand-ins for Twilio's REST API and LiveKit's SIP API on one local port, in the vendors' own wire formats. */
export const openSandbox = async ({ shelf, clock, port }: SandboxOptions): Promise<Sandbox> => {
  const faults = createFaults();
  const app = express();
  app.disable('x-powered-by');
  app.use(refuseOtherSites);
  app.use('/sandbox', createControls({ shelf, faults }));
  app.use(createTwilioStandIn({ shelf, faults, clock }));
  app.use(createLiveKitStandIn({ shelf, faults, clock, api_key: API_KEY, api_secret: API_SECRET }));

  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    shelf,
    faults,
    livekit: { url, api_key: API_KEY, api_secret: API_SECRET, sip_host: SIP_HOST },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
};

/** Refuses web pages of other sites: in a browser on this machine they can reach the port too. */
const refuseOtherSites: RequestHandler = (req, res, next) => {
  const own = ['127.0.0.1', 'localhost', '[::1]'].map((host) => `${host}:${req.socket.localPort}`);
  const { host = '', origin } = req.headers;
  // Any port, since a tunnel may use another: a page cannot choose the Host that its browser sends.
  const isHere = /^(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?$/i.test(host);
  const isOwnPage = [host, ...own].some((name) => origin === `http://${name}`);
  if (isHere && (origin === undefined || isOwnPage)) return next();
  res
    .status(403)
    .json({ error: `The sandbox is for this machine only: call it at http://${own[0]}, not from a web page.` });
};
