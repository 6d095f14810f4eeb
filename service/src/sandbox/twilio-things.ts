import { randomBytes } from 'node:crypto';
import type { Request } from 'express';
import type { Clock } from '../clock.ts';
import type { Shelf } from './shelf.ts';
import type { Reply } from './stand-in.ts';
import type { TwilioAccountState } from './twilio-accounts.ts';
import { type Region, TwilioRefusal } from './twilio-wire.ts';

/** A thing that Twilio stores. Dates are stored in ISO 8601, whatever the format of the answer. */
export interface Thing {
  sid: string;
  account_sid: string;
  [field: string]: unknown;
}

/** An authenticated call. */
export interface Asked {
  account: TwilioAccountState;
  /** What the account has in this Region. */
  things: Things;
  region: Region;
  host: string;
  params: Record<string, string>;
  form: Partial<Record<string, string>>;
  req: Request;
}

export type Route = (
  call: string,
  method: 'get' | 'post' | 'delete',
  path: string,
  act: (asked: Asked) => Promise<Reply>,
) => void;

/** Serves the calls of one resource. `shelf` holds what all accounts and Regions share. */
export type Serve = (route: Route, shared: { shelf: Shelf; clock: Clock }) => void;

type Things = ReturnType<typeof createThings>;

/** What an account has in a Region. Anything else answers 404, as at Twilio. */
export const createThings = (
  { shelf, clock }: { shelf: Shelf; clock: Clock },
  account: TwilioAccountState,
  region: Region,
  path: string,
) => {
  const now = () => new Date(clock.now()).toISOString();
  return {
    list: async (kind: string, where: Partial<Thing> = {}): Promise<Thing[]> => {
      const wanted = Object.entries({ ...where, account_sid: account.sid });
      const things = await shelf.list<Thing>(kindIn(region, kind));
      return things.filter((thing) => wanted.every(([field, value]) => thing[field] === value));
    },
    find: async (kind: string, id = ''): Promise<Thing> => {
      const thing = await shelf.get<Thing>(kindIn(region, kind), id);
      if (thing?.account_sid !== account.sid) throw TwilioRefusal.notFound(path);
      return thing;
    },
    make: async (kind: string, prefix: string, fields: object): Promise<Thing> => {
      const thing = {
        sid: drawSid(prefix),
        account_sid: account.sid,
        ...fields,
        date_created: now(),
        date_updated: now(),
      };
      await shelf.put(kindIn(region, kind), thing.sid, thing);
      return thing;
    },
    change: async (kind: string, thing: Thing, fields: object): Promise<Thing> => {
      const changed = { ...thing, ...fields, date_updated: now() };
      await shelf.put(kindIn(region, kind), thing.sid, changed);
      return changed;
    },
    drop: async (kind: string, { sid }: Thing): Promise<Reply> => {
      await shelf.remove(kindIn(region, kind), sid);
      return { status: 204 };
    },
  };
};

/** Regions share nothing. */
export const kindIn = (region: Region, kind: string): string =>
  region === 'us1' ? `twilio.${kind}` : `twilio.${region}.${kind}`;

export const drawSid = (prefix: string): string => prefix + randomBytes(16).toString('hex');
