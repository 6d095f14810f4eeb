import { AccessToken } from 'livekit-server-sdk';
import { systemClock } from '../../src/clock.ts';
import { openSandbox } from '../../src/sandbox/server.ts';
import { createMemoryShelf } from '../../src/sandbox/shelf.ts';
import { bought } from '../../src/sandbox/twilio-numbers.ts';
import { type SeededNumber, seedAccount, seedNumber } from '../../src/sandbox/twilio-seed.ts';
import {
  type Content,
  hideFields,
  mapStrings,
  type RecordedExchange,
  type Recording,
  readJson,
  SECRET,
} from './recording.ts';

/** Sends the recorded requests to the stand-ins in the same order, and returns where their answers differ. */
export const replay = async ({ account_sid, exchanges }: Recording): Promise<string[]> => {
  const sandbox = await openSandbox({ shelf: createMemoryShelf(), clock: systemClock, port: 0 });
  try {
    const account = await seedAccount(sandbox.shelf, [], { sid: account_sid });
    for (const number of numbersIn(exchanges)) await seedNumber(sandbox.shelf, account, number);
    const { api_key, api_secret } = sandbox.livekit;
    const token = new AccessToken(api_key, api_secret);
    token.addSIPGrant({ admin: true });
    const authorizations = {
      twilio: `Basic ${Buffer.from(`${account.sid}:${account.auth_token}`).toString('base64')}`,
      livekit: `Bearer ${await token.toJwt()}`,
    };
    /** Maps ids of the recording to those of the stand-in. */
    const ids = new Map<string, string>();
    const here = (text: string): string =>
      [...ids].reduce((changed, [recorded, drawn]) => changed.replaceAll(recorded, drawn), text);

    const differences: string[] = [];
    for (const [n, exchange] of exchanges.entries()) {
      const { vendor, method, path, status, answer } = exchange;
      const response = await fetch(urlOf(sandbox.url, exchange, here), {
        method,
        headers: {
          Authorization: authorizations[vendor],
          ...(exchange.host && { 'X-Forwarded-Host': exchange.host }),
          ...(method === 'POST' && { 'Content-Type': types[vendor] }),
        },
        ...(method === 'POST' && { body: bodyOf(exchange, here) }),
      });
      const said = hideFields(readJson(await response.text()));
      if (status === undefined) continue;
      const where = `${n + 1}. ${vendor} ${method} ${path}`;
      if (response.status !== status) differences.push(`${where}: ${status} was answered, and here ${response.status}`);
      else differences.push(...compare(answer, said, { ids, here }).map((difference) => `${where}: ${difference}`));
    }
    return differences;
  } finally {
    await sandbox.close();
  }
};

const types = {
  twilio: 'application/x-www-form-urlencoded',
  livekit: 'application/json',
} as const;

/** The recording has no real passwords; the stand-in requires one that Twilio would accept. */
const PASSWORD = 'A-password-of-25-letters-1';

const urlOf = (base: string, { path, query }: RecordedExchange, here: (text: string) => string): string => {
  const search = new URLSearchParams(mapStrings(query, here) as Record<string, string>).toString();
  return `${base}${here(path)}${search && `?${search}`}`;
};

const bodyOf = ({ vendor, request }: RecordedExchange, here: (text: string) => string): string => {
  const asked = mapStrings(request, (text) => (text === SECRET ? PASSWORD : here(text)));
  return vendor === 'twilio' ? new URLSearchParams(asked as Record<string, string>).toString() : JSON.stringify(asked);
};

/** The account's numbers, as first seen. */
const numbersIn = (exchanges: readonly RecordedExchange[]): SeededNumber[] => {
  const seen = new Map<string, SeededNumber>();
  for (const { answer } of exchanges) {
    const numbers = Reflect.get(Object(answer), 'incoming_phone_numbers');
    for (const number of Array.isArray(numbers) ? numbers : []) {
      const fields = Object.keys(bought).filter((name) => name in number);
      if (seen.has(number.phone_number)) continue;
      seen.set(number.phone_number, {
        phone_number: number.phone_number,
        ...Object.fromEntries(fields.map((name) => [name, number[name]])),
      });
    }
  }
  return [...seen.values()];
};

const ID = /^(?:([A-Z]{2})[0-9a-f]{32}|(ST|SDR)_\w+)$/;
const kindOf = (text: string): string | undefined => ID.exec(text)?.slice(1).find(Boolean);
/** Times differ from day to day. */
const isTime = (path: string) => /(date_created|date_updated|created_?at|updated_?at)$/i.test(path);

interface Ids {
  ids: Map<string, string>;
  here(text: string): string;
}

const compare = (recorded: Content, said: Content, known: Ids, path = ''): string[] => {
  const at = path || 'the answer';
  if (isThing(recorded) && isThing(said)) {
    const names = [...new Set([...Object.keys(recorded), ...Object.keys(said)])];
    return names.flatMap((name) => {
      const inside = path ? `${path}.${name}` : name;
      if (!(name in said)) return [`${inside} is missing here`];
      if (!(name in recorded)) return [`${inside} is here alone`];
      return compare(recorded[name], said[name], known, inside);
    });
  }
  if (typeof recorded === 'string' && typeof said === 'string') {
    if (isTime(path)) return [];
    const kind = kindOf(recorded);
    if (kind !== undefined && kind === kindOf(said)) {
      const drawn = known.ids.get(recorded);
      if (drawn === undefined) known.ids.set(recorded, said);
      return drawn === undefined || drawn === said ? [] : [`${at} is ${recorded}, and here another one`];
    }
    return known.here(recorded) === said
      ? []
      : [`${at} was ${JSON.stringify(recorded)}, and is ${JSON.stringify(said)}`];
  }
  return recorded === said ? [] : [`${at} was ${JSON.stringify(recorded)}, and is ${JSON.stringify(said)}`];
};

const isThing = (value: Content): value is Record<string, Content> => typeof value === 'object' && value !== null;
