import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Twilio and LiveKit that cost nothing: every call succeeds after the set delay. Only what is changed or read later is
 * kept. A process of its own, so that its work does not count as the service's.
 */
let delay_ms = 0;
/** How many calls a second each Twilio account accepts. Beyond that it answers 429. */
let calls_per_second = Number.POSITIVE_INFINITY;
const taken = new Map<string, number>();

/** Whether this call exceeds its account's limit in this second. */
const isTooMany = (authorization: string | undefined): boolean => {
  if (!authorization?.startsWith('Basic ')) return false;
  const second = `${authorization} ${Math.floor(Date.now() / 1000)}`;
  const count = (taken.get(second) ?? 0) + 1;
  taken.set(second, count);
  return count > calls_per_second;
};

const sid = (prefix: string) => prefix + randomBytes(16).toString('hex');
const id = (prefix: string) => prefix + randomBytes(6).toString('hex');

/** What was sent, under the field names of the answer. */
type Sent = Record<string, any>;

const made = new Map<string, Sent>();
const keep = (thing: Sent): Sent => {
  made.set(thing.sipTrunkId ?? thing.sipDispatchRuleId ?? thing.sip_dispatch_rule_id, thing);
  return thing;
};
/** Renames fields as LiveKit's answers do. */
const snakeCased = (value: any): any =>
  Array.isArray(value)
    ? value.map(snakeCased)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value).map(([name, it]) => [
            name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
            snakeCased(it),
          ]),
        )
      : value;
/** Unwraps lists, which an update sends as `{ set }`. */
const set = (update: Sent): Sent =>
  Object.fromEntries(Object.entries(update).map(([name, value]) => [name, value?.set ?? value]));

/** A provider answers with what it was sent. The service reads no other fields. */
const answers: readonly [pattern: RegExp, answer: (sent: Sent, url: URL) => object][] = [
  [/^GET .*\/Trunks$/, () => ({ trunks: [], meta: { key: 'trunks', next_page_url: null } })],
  [/^GET .*\/CredentialLists\.json$/, () => ({ credential_lists: [], next_page_uri: null })],
  [
    /\/IncomingPhoneNumbers\.json/,
    (_, url) => ({ incoming_phone_numbers: [numberOf(url.searchParams.get('PhoneNumber') ?? '')] }),
  ],
  [/\/IncomingPhoneNumbers\/PN/, (sent, { pathname }) => routed(/PN\w+/.exec(pathname)?.[0] ?? '', sent)],
  [/\/v2\/PhoneNumbers\//, () => ({ sid: sid('QQ'), voice_region: 'us1' })],
  [/\/Trunks$/, (sent) => ({ ...sent, sid: sid('TK') })],
  [/\/OriginationUrls$/, (sent) => ({ ...sent, sid: sid('OU') })],
  [
    /^GET .*\/Trunks\/TK[^/]+$/,
    (_, { pathname }) => ({ sid: pathname.split('/').at(-1), auth_type: 'CREDENTIAL_LIST' }),
  ],
  [/\/Credentials\.json$/, (sent) => ({ ...sent, sid: sid('CR') })],
  [/\/Trunks\/TK[^/]+\/CredentialLists$/, (sent) => ({ sid: sent.credential_list_sid })],
  [/\/CredentialLists/, (sent) => ({ ...sent, sid: sid('CL') })],
  [
    /\/ListSIPDispatchRule$/,
    ({ dispatchRuleIds = [] }) => ({ items: dispatchRuleIds.flatMap((it: string) => snakeCased(made.get(it)) ?? []) }),
  ],
  [/\/livekit\.SIP\/List/, () => ({ items: [] })],
  [/\/CreateSIP(Inbound|Outbound)Trunk$/, ({ trunk }) => keep({ ...trunk, sipTrunkId: id('ST_') })],
  [/\/CreateSIPDispatchRule$/, (sent) => keep({ ...sent, sipDispatchRuleId: id('SDR_') })],
  [
    /\/UpdateSIP(Inbound|Outbound)Trunk$/,
    ({ sipTrunkId, update }) => keep({ ...made.get(sipTrunkId), ...set(update), sipTrunkId }),
  ],
  [/\/UpdateSIPDispatchRule$/, ({ replace }) => keep(replace)],
];

/** Twilio takes forms, and answers `DomainName` as `domain_name`. LiveKit takes JSON. */
const read = async (req: IncomingMessage): Promise<Sent> => {
  const body = await text(req);
  if (req.headers['content-type']?.includes('json')) return JSON.parse(body || '{}');
  const fields = [...new URLSearchParams(body)].map(([name, value]) => [
    name.replace(/(?!^)[A-Z]/g, '_$&').toLowerCase(),
    value === 'true' || value === 'false' ? value === 'true' : value,
  ]);
  return Object.fromEntries(fields);
};

const numbers = new Map<string, Sent>();

const numberOf = (phone_number: string): Sent => {
  const number_sid = `PN${createHash('md5').update(phone_number).digest('hex')}`;
  return routed(number_sid, { phone_number });
};

/** Stores new settings of a number, and returns the number. */
const routed = (number_sid: string, sent: Sent): Sent => {
  const before = numbers.get(number_sid) ?? { capabilities: { voice: true }, trunk_sid: null, voice_url: '' };
  const number = { ...before, ...sent, sid: number_sid };
  numbers.set(number_sid, number);
  return number;
};

const server = createServer(async (req, res) => {
  const sent = await read(req);
  const url = new URL(req.url ?? '/', 'http://127.0.0.1');
  const [, delay] = /^\/delay\/(\d+)$/.exec(url.pathname) ?? [];
  const [, limit] = /^\/limit\/(\d+)$/.exec(url.pathname) ?? [];
  if (delay !== undefined) delay_ms = Number(delay);
  else if (limit !== undefined) calls_per_second = Number(limit) || Number.POSITIVE_INFINITY;
  else if (delay_ms > 0) await wait(delay_ms);
  if (isTooMany(req.headers.authorization)) {
    const body = { code: 20429, message: 'Too many requests', status: 429 };
    res.writeHead(429, { 'Content-Type': 'application/json', 'Retry-After': '1' }).end(JSON.stringify(body));
    return;
  }
  const answer = answers.find(([pattern]) => pattern.test(`${req.method} ${url.pathname}`))?.[1] ?? (() => ({}));
  res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer(sent, url)));
});

// End with the parent process.
process.once('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
