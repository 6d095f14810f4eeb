import twilio from 'twilio';
import type { Faults } from '../../src/sandbox/faults.ts';
import { openSandbox } from '../../src/sandbox/server.ts';
import { createMemoryShelf, type Shelf } from '../../src/sandbox/shelf.ts';
import { type SeededNumber, seedAccount } from '../../src/sandbox/twilio-seed.ts';
import { createTwilio, type TwilioAccount } from '../../src/vendors/twilio.ts';
import { createTurnedClock, type TurnedClock } from '../turned-clock.ts';

/** An account at Twilio or its stand-in, with the service's client and with plain requests. */
export interface Account {
  account_sid: string;
  twilio: TwilioAccount;
  /** The same account with a wrong token. */
  stranger: TwilioAccount;
  /** Reads a path below the account in the 2010 API, with its own or another token. */
  get(path: string, token?: string): Promise<{ status: number; body: any }>;
  /** One of its numbers, if it has any. */
  owned(): Promise<{ phone_number: string; number_sid: string } | undefined>;
  close(): Promise<void>;
}

export interface StandInAccount extends Account {
  shelf: Shelf;
  faults: Faults;
  clock: TurnedClock;
  /** Another account at the same stand-in. */
  newAccount(numbers?: readonly SeededNumber[]): Promise<Account>;
}

const WRONG_TOKEN = 'f'.repeat(32);

const createAccount = (url: string | undefined, account_sid: string, auth_token: string) => {
  const connect = createTwilio({ url, timeout_ms: 10_000, measureCall: (_call, run) => run() });
  const credentials = { provider: 'twilio', account_sid } as const;
  return {
    account_sid,
    twilio: connect({ ...credentials, auth_token }),
    stranger: connect({ ...credentials, auth_token: WRONG_TOKEN }),
    get: async (path: string, token = auth_token) => {
      const Authorization = `Basic ${Buffer.from(`${account_sid}:${token}`).toString('base64')}`;
      const resource = `${url ?? 'https://api.twilio.com'}/2010-04-01/Accounts/${account_sid}${path}`;
      const response = await fetch(resource, { headers: { Authorization } });
      return { status: response.status, body: await response.json() };
    },
  };
};

export const openStandInAccount = async (numbers: readonly SeededNumber[] = NUMBERS): Promise<StandInAccount> => {
  const clock = createTurnedClock();
  const sandbox = await openSandbox({ shelf: createMemoryShelf(), clock, port: 0 });
  const { shelf, faults } = sandbox;
  const newAccount = async (owned: readonly SeededNumber[] = []): Promise<Account> => {
    const { sid, auth_token } = await seedAccount(shelf, owned);
    return {
      ...createAccount(sandbox.url, sid, auth_token),
      owned: async () => {
        const things = await shelf.list<{ sid: string; account_sid: string; phone_number: string }>('twilio.number');
        const own = things.find(({ account_sid }) => account_sid === sid);
        return own && { phone_number: own.phone_number, number_sid: own.sid };
      },
      close: async () => {},
    };
  };
  return { ...(await newAccount(numbers)), shelf, faults, clock, newAccount, close: sandbox.close };
};

const NUMBERS = ['+15550000001', '+15550000002'].map((phone_number) => ({ phone_number }));

/** An account at Twilio itself, from TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN. */
export const openRealAccount = async (): Promise<Account> => {
  const { TWILIO_ACCOUNT_SID: account_sid = '', TWILIO_AUTH_TOKEN: auth_token = '' } = process.env;
  return {
    ...createAccount(undefined, account_sid, auth_token),
    owned: async () => {
      const [number] = await twilio(account_sid, auth_token).incomingPhoneNumbers.list({ limit: 1 });
      return number && { phone_number: number.phoneNumber, number_sid: number.sid };
    },
    close: async () => {},
  };
};
