import express, { type Request, type Router } from 'express';
import type { Clock } from '../clock.ts';
import type { Faults } from './faults.ts';
import type { Shelf } from './shelf.ts';
import { type Reply, serve } from './stand-in.ts';
import { authenticate, serveAccounts } from './twilio-accounts.ts';
import { serveCallerIds } from './twilio-caller-ids.ts';
import { serveCredentialLists } from './twilio-credential-lists.ts';
import { serveNumbers } from './twilio-numbers.ts';
import { serveNumbersOfTrunks } from './twilio-numbers-of-trunks.ts';
import { serveOriginationUrls } from './twilio-origination-urls.ts';
import { servePermissions } from './twilio-permissions.ts';
import { serveRoutes } from './twilio-routes.ts';
import { createThings, type Route } from './twilio-things.ts';
import { serveTrunks } from './twilio-trunks.ts';
import { hostOf, regionOf, TwilioRefusal } from './twilio-wire.ts';

export interface TwilioStandInOptions {
  shelf: Shelf;
  faults: Faults;
  clock: Clock;
}

/**
 * The part of Twilio's REST API that routes numbers to a trunk. It enforces Twilio's rules, and answers as Twilio's
 * OpenAPI documents say (twilio/twilio-oai 2.6.7), with Twilio's error codes. It takes no calls.
 */
export const createTwilioStandIn = ({ shelf, faults, clock }: TwilioStandInOptions): Router => {
  const router = express.Router();
  router.use(express.urlencoded({ extended: false }));

  const route: Route = (call, method, path, act) => {
    const answer = async (req: Request): Promise<Reply> => {
      try {
        const params = req.params as Record<string, string>;
        const host = hostOf(req);
        const region = regionOf(host);
        const { authorization } = req.headers;
        const account = await authenticate({ authorization, region, named: params.account, call }, shelf);
        const things = createThings({ shelf, clock }, account, region, req.path);
        return await act({ account, things, region, host, params, form: req.body ?? {}, req });
      } catch (error) {
        if (error instanceof TwilioRefusal) return error.reply;
        throw error;
      }
    };
    router[method](path, serve(`twilio.${call}`, answer, { faults, clock }));
  };

  for (const serveResource of [
    serveAccounts,
    serveNumbers,
    serveTrunks,
    serveOriginationUrls,
    serveNumbersOfTrunks,
    servePermissions,
    serveCredentialLists,
    serveCallerIds,
    serveRoutes,
  ]) {
    serveResource(route, { shelf, clock });
  }

  router.all(['/2010-04-01/{*path}', '/v1/{*path}', '/v2/{*path}'], (req, res) => {
    const { status, body } = TwilioRefusal.notFound(req.path).reply;
    res.status(status).setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
  });

  return router;
};
