import { redact } from '../../src/vendors/redact.ts';
import type { Exchange } from './recorder.ts';
import type { AcceptanceSettings } from './settings.ts';

/** A form or JSON as an object, otherwise the text. */
export type Content = unknown;

export interface RecordedExchange {
  vendor: Exchange['vendor'];
  method: string;
  host?: string;
  path: string;
  query: Record<string, string>;
  request: Content;
  /** Absent if no answer came. */
  status?: number;
  answer?: Content;
}

/** The requests to the vendors in one run, and their answers, without anything private. */
export interface Recording {
  account_sid: string;
  phone_number: string;
  sip_host: string;
  exchanges: RecordedExchange[];
}

export const SECRET = '[secret]';
const ACCOUNT = `AC${'0'.repeat(32)}`;
const NUMBER = '+15550100000';
const SIP_HOST = 'sip.example.com';

/**
 * Replaces everything secret or private: passwords, Twilio's ids, phone numbers, hosts, and names that people gave. The
 * same value gets the same replacement everywhere. Throws if anything private is left.
 */
export const recordingOf = (exchanges: readonly Exchange[], settings: AcceptanceSettings): Recording => {
  const { account_sid, user, secret, phone_number, livekit } = settings;
  const read = exchanges.map(readExchange);
  const secrets = [secret, livekit.api_secret, livekit.api_key, ...read.flatMap(({ request }) => secretsIn(request))];
  const sids = new Map([[account_sid, ACCOUNT]]);
  const numbers = new Map([[phone_number, NUMBER]]);
  const named = (names: Map<string, string>, real: string, draw: (n: number) => string): string => {
    const known = names.get(real);
    if (known !== undefined) return known;
    const drawn = draw(names.size);
    names.set(real, drawn);
    return drawn;
  };
  const cleanText = (text: string): string =>
    text
      .replaceAll(/\b[A-Z]{2}[0-9a-fA-F]{32}\b/g, (sid) =>
        named(sids, sid, (n) => sid.slice(0, 2) + n.toString(16).padStart(32, '0')),
      )
      // In a URL, the plus is encoded.
      .replaceAll(/(\+|%2B)([1-9][0-9]{6,14})\b/gi, (_, plus: string, digits: string) =>
        named(numbers, `+${digits}`, (n) => `+1555010${String(n).padStart(4, '0')}`).replace('+', plus),
      )
      .replaceAll(livekit.sip_host.toLowerCase(), SIP_HOST);
  const clean = (value: Content) => mapStrings(hideFields(value), cleanText);

  const named_anew = read.map(
    ({ path, query, request, answer, ...rest }): RecordedExchange => ({
      ...rest,
      path: cleanText(path),
      query: clean(query) as Record<string, string>,
      request: clean(request),
      ...(answer !== undefined && { answer: clean(answer) }),
    }),
  );
  // All at once, because it searches for many spellings.
  const cleaned = redact(JSON.stringify(named_anew), secrets);
  requireClean(cleaned, {
    'the account': account_sid,
    'the user': user,
    'the secret': secret,
    "LiveKit's key": livekit.api_key,
    "LiveKit's secret": livekit.api_secret,
    'the number': phone_number.slice(-7),
    'the SIP host': livekit.sip_host,
  });
  return { account_sid: ACCOUNT, phone_number: NUMBER, sip_host: SIP_HOST, exchanges: JSON.parse(cleaned) };
};

const readExchange = ({ vendor, method, host, path, body, answer }: Exchange): RecordedExchange => {
  const url = new URL(path, 'http://vendor');
  return {
    vendor,
    method,
    ...(host !== undefined && { host }),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    request: vendor === 'twilio' ? Object.fromEntries(new URLSearchParams(body)) : readJson(body),
    ...(answer && { status: answer.status, answer: readJson(answer.body) }),
  };
};

export const readJson = (text: string): Content => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** In both vendors' spellings. */
const isSecret = (key: string) => /password|secret|auth_?token|^pin$/i.test(key);
const isWritten = (key: string) => /^friendly_?name$/i.test(key);

/** Hides what a field's name reveals as private: secrets, names that people gave, and their URLs. */
export const hideFields = (value: Content, key = ''): Content => {
  if (Array.isArray(value)) return value.map((one) => hideFields(one, key));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, hideFields(one, name)]));
  if (typeof value !== 'string' || value === '') return value;
  if (isSecret(key)) return SECRET;
  if (isWritten(key) && !value.startsWith('trunkline ')) return 'a name';
  const { hostname = '' } = URL.parse(value) ?? {};
  return /^https?:/.test(value) && !hostname.endsWith('.twilio.com') ? 'https://example.com/' : value;
};

const secretsIn = (value: Content, key = ''): string[] => {
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, one]) => secretsIn(one, name));
  return typeof value === 'string' && isSecret(key) ? [value] : [];
};

export const mapStrings = (value: Content, change: (text: string) => string): Content => {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((one) => mapStrings(one, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, mapStrings(one, change)]));
};

/** In any spelling: `(555) 123-4567` is the number, too. */
const requireClean = (text: string, privates: Record<string, string>): void => {
  const bare = (it: string) => it.toLowerCase().replaceAll(/[ ().-]/g, '');
  for (const [what, hidden] of Object.entries(privates)) {
    if (hidden !== '' && bare(text).includes(bare(hidden)))
      throw new Error(`The recording is not kept: it still holds ${what}. Report this.`);
  }
};
