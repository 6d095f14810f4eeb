import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type {
  InboundTrunkSettings,
  OutboundTrunkSettings,
  DispatchRuleContent as RuleAnswer,
} from '../phone-numbers/providers.ts';
import { createLiveKit } from './livekit.ts';
import { createTwilio, type TwilioAccount } from './twilio.ts';

/** Without `findForAll`, which sends two requests at once, each of which is tested here. */
type LiveKit = Omit<ReturnType<typeof createLiveKit>, 'findForAll'>;

/** A new function of a provider is a type error here until it has arguments. */
type CallsOf<Provider> = { [Name in keyof Provider]: () => Promise<unknown> };

const sid = (prefix: string) => prefix + 'a'.repeat(32);
const mark = { installation_id: 'i', phone_number_id: 'phon_a1b2c3d4e5f6' } as const;
const line = { name: 'n', phone_number: '+15551234567', username: null, password: null, mark } as const;
const inbound: InboundTrunkSettings = { ...line, media_encryption: 'allow', allowed_addresses: [] };
const outbound: OutboundTrunkSettings = {
  ...line,
  media_encryption: 'allow',
  address: 'sip.example.com',
  from_host: null,
  transport: 'auto',
};
const rule: RuleAnswer = {
  name: 'n',
  inbound_trunk_id: 'ST_a',
  room_prefix: 'call',
  pin: null,
  agent_id: null,
  agent_metadata: null,
  mark,
};
const routing = {
  voice_url: 'https://example.com/',
  voice_method: 'POST',
  voice_fallback_url: null,
  voice_fallback_method: null,
  trunk_sid: null,
  voice_application_sid: null,
};

const callsOfLiveKit = (it: LiveKit): CallsOf<LiveKit> => ({
  createInboundTrunk: () => it.createInboundTrunk(inbound),
  findInboundTrunks: () => it.findInboundTrunks('+15551234567'),
  listInboundTrunks: async () => [...(await it.listInboundTrunks(['+15551234567'])).values()].flat(),
  changeInboundTrunk: () => it.changeInboundTrunk('ST_a', inbound),
  createOutboundTrunk: () => it.createOutboundTrunk(outbound),
  changeOutboundTrunk: () => it.changeOutboundTrunk('ST_a', outbound),
  findOutboundTrunks: () => it.findOutboundTrunks('+15551234567'),
  findById: async () => [(await it.findById('dispatch_rule', 'SDR_a')) ?? []].flat(),
  removeTrunk: () => it.removeTrunk('ST_a'),
  createDispatchRule: () => it.createDispatchRule(rule),
  findDispatchRules: () => it.findDispatchRules('ST_a'),
  changeDispatchRule: () => it.changeDispatchRule('SDR_a', rule, ['agent_id']),
  removeDispatchRule: () => it.removeDispatchRule('SDR_a'),
});

const callsOfTwilio = (it: TwilioAccount): CallsOf<TwilioAccount> => ({
  proveCredentials: () => it.proveCredentials(),
  seeTrunks: () => it.seeTrunks(),
  seeCredentialLists: () => it.seeCredentialLists(),
  isTrial: () => it.isTrial(),
  findNumber: () => it.findNumber('+15551234567'),
  listNumbers: () => it.listNumbers({ page_size: 20, after: undefined }),
  findCallerId: () => it.findCallerId('+15551234567'),
  listCallerIds: () => it.listCallerIds(),
  readNumber: () => it.readNumber(sid('PN')),
  isTrunkThere: () => it.isTrunkThere(sid('TK')),
  routeToTrunk: () => it.routeToTrunk(sid('PN'), sid('TK')),
  giveBack: () => it.giveBack(sid('PN'), routing),
  detach: () => it.detach(sid('PN')),
  readRegion: () => it.readRegion('+15551234567'),
  readTrunkRegion: () => it.readTrunkRegion('n.pstn.twilio.com'),
  setTrunkRegion: () => it.setTrunkRegion('n.pstn.twilio.com', 'ie1'),
  seeRegion: () => it.seeRegion('+15551234567'),
  setRegion: () => it.setRegion('+15551234567', 'ie1'),
  createTrunk: () => it.createTrunk({ name: 'n', domain_name: 'n.pstn.twilio.com', secure: false }),
  findTrunks: () => it.findTrunks('n'),
  changeTrunk: () => it.changeTrunk(sid('TK'), { secure: true, call_transfers: 'sip' }),
  removeTrunk: () => it.removeTrunk(sid('TK')),
  createOriginationUrl: () => it.createOriginationUrl(sid('TK'), { name: 'n', sip_url: 'sip:sip.example.com' }),
  findOriginationUrls: () => it.findOriginationUrls(sid('TK'), 'n'),
  pointOriginationUrl: () => it.pointOriginationUrl(sid('TK'), sid('OU'), 'sip:sip.example.com'),
  removeOriginationUrl: () => it.removeOriginationUrl(sid('TK'), sid('OU')),
  createCredentialList: () => it.createCredentialList('n'),
  findCredentialLists: () => it.findCredentialLists('n'),
  removeCredentialList: () => it.removeCredentialList(sid('CL')),
  createCredential: () => it.createCredential(sid('CL'), { username: 'u', password: 'a-Password-1' }),
  findCredentials: () => it.findCredentials(sid('CL'), 'u'),
  removeCredential: () => it.removeCredential(sid('CL'), sid('CR')),
  permit: () => it.permit(sid('TK'), sid('CL')),
  findPermissions: () => it.findPermissions(sid('TK'), sid('CL')),
  revoke: () => it.revoke(sid('TK'), sid('CL')),
});

/** A server for both vendors, which answers as each test says. */
let respond: RequestListener = () => undefined;
let asked = 0;
let elsewhere = 0;
const server = createServer((req, res) => {
  if (req.url?.startsWith('/elsewhere')) elsewhere++;
  else asked++;
  respond(req, res);
});
const providers = (timeout_ms: number) => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const measureCall = <T>(_call: string, run: () => Promise<T>) => run();
  const secret = { api_key: 'key', api_secret: 'secret-of-thirty-two-letters-more' };
  const account = { provider: 'twilio', account_sid: sid('AC'), auth_token: 'b'.repeat(32) } as const;
  return {
    LiveKit: createLiveKit({ url, ...secret, timeout_ms, measureCall }),
    Twilio: createTwilio({ url, timeout_ms, measureCall })(account),
  };
};
type Providers = ReturnType<typeof providers>;
let patient: Providers;
let hasty: Providers;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  patient = providers(60_000);
  hasty = providers(60);
});
beforeEach(() => {
  asked = 0;
  elsewhere = 0;
});
afterAll(async () => {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
});

const callsOf = ({ LiveKit, Twilio }: Providers) => ({
  LiveKit: new Map(Object.entries(callsOfLiveKit(LiveKit))),
  Twilio: new Map(Object.entries(callsOfTwilio(Twilio))),
});
const nowhere = {
  LiveKit: createLiveKit({
    url: 'http://x',
    api_key: 'k',
    api_secret: 's',
    timeout_ms: 1,
    measureCall: (_, run) => run(),
  }),
  Twilio: createTwilio({ url: 'http://x', timeout_ms: 1, measureCall: (_, run) => run() })({
    provider: 'twilio',
    account_sid: sid('AC'),
    auth_token: 'b',
  }),
};
type Vendor = keyof Providers;
const functions = (['LiveKit', 'Twilio'] as const).flatMap((vendor) =>
  Object.keys(nowhere[vendor])
    .filter((name) => name !== 'findForAll')
    .map((name): [Vendor, string] => [vendor, name]),
);
const isRemoval = (name: string) => /^(remove|revoke)/.test(name);
const isList = (name: string) => /^(find|list)/.test(name);

const outcomeOf = async (on: Providers, vendor: Vendor, name: string): Promise<unknown> => {
  const call = callsOf(on)[vendor].get(name);
  if (call === undefined) throw new Error(`${name} has no arguments here`);
  return call().then(
    (answer) => ({ answer }),
    (error: unknown) => error,
  );
};

const problem = (code: string, { passing = false, doubtful = false } = {}) =>
  expect.objectContaining({ name: expect.stringMatching(/^ProviderProblem$/), code, passing, doubtful });
const refused = problem('provider_error');
const unreadable = expect.objectContaining({
  ...{ name: 'ProviderProblem', code: 'provider_error', passing: false, doubtful: true },
  detail: expect.stringContaining('could not be read'),
});
const broken = (why: string) =>
  expect.objectContaining({ code: 'provider_error', doubtful: true, detail: expect.stringContaining(why) });

const send =
  (status: number, body = '', headers: Record<string, string> = {}): RequestListener =>
  (_req, res) =>
    void res.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(body);
const sendJson = (status: number, body: unknown) => send(status, JSON.stringify(body));

/** Every field of either vendor's answers, all with this value. */
const fields = [
  ...['sid', 'phone_number', 'friendly_name', 'capabilities', 'trunk_sid', 'voice_url', 'username', 'sip_url', 'meta'],
  ...['incoming_phone_numbers', 'trunks', 'origination_urls', 'credential_lists', 'credentials', 'next_page_uri'],
  ...['sip_trunk_id', 'sip_dispatch_rule_id', 'name', 'numbers', 'metadata', 'trunk_ids', 'items'],
];
const all = (value: unknown) => Object.fromEntries(fields.map((field) => [field, value]));
const problemJson = (status: number) => ({
  type: 'https://example.com/no',
  title: 'No',
  detail: 'no',
  status,
  code: 20001,
});

type Expected = (vendor: Vendor, name: string) => unknown;
const refusedCredentials: Expected = (vendor, name) => {
  // Not every key may read the account.
  if (name === 'isTrial') return { answer: undefined };
  return vendor === 'Twilio' ? problem('provider_credentials_refused') : refused;
};
const rows: [what: string, respond: RequestListener, expected: Expected][] = [
  [
    'a reset',
    (req) => void req.socket.destroy(),
    () => problem('provider_unavailable', { passing: true, doubtful: true }),
  ],
  ['garbage', send(200, '\u0000garbage'), () => unreadable],
  ['HTML', send(200, '<html><body>Sign in</body></html>', { 'Content-Type': 'text/html' }), () => unreadable],
  ['an empty body', send(200), () => unreadable],
  ['null', sendJson(200, null), () => unreadable],
  ['a list', sendJson(200, []), () => unreadable],
  ['a text', sendJson(200, 'ok'), () => unreadable],
  [
    'no content',
    send(204),
    (vendor, name) => {
      // The SDK accepts only 200 for a page of a list.
      if (vendor === 'Twilio' && (isList(name) || /^(see|prove)/.test(name))) return unreadable;
      return vendor === 'Twilio' && isRemoval(name) ? { answer: undefined } : unreadable;
    },
  ],
  [
    'fields that are null',
    sendJson(200, all(null)),
    (vendor, name) => {
      if (isRemoval(name)) return { answer: undefined };
      // In protobuf's JSON, null means a field that is not set.
      return vendor === 'LiveKit' && isList(name) ? { answer: [] } : unreadable;
    },
  ],
  [
    'fields of other types',
    sendJson(200, all(5)),
    (vendor, name) => (vendor === 'Twilio' && isRemoval(name) ? { answer: undefined } : unreadable),
  ],
  ['400 with null', sendJson(400, null), () => refused],
  ['400 with HTML', send(400, '<html>'), () => refused],
  ['400 without a body', send(400), () => refused],
  ['400 as RFC 9457 says', sendJson(400, problemJson(400)), () => refused],
  [
    '500 whose body says 404',
    sendJson(500, problemJson(404)),
    () => problem('provider_unavailable', { passing: true, doubtful: true }),
  ],
  ['401 with its code as text', sendJson(401, { code: '20003', message: 'Authenticate' }), refusedCredentials],
  ['403 with its code as text', sendJson(403, { code: '20003', message: 'Authenticate' }), refusedCredentials],
  [
    '429 with a code that is no number',
    sendJson(429, { code: 'TOO_MANY', message: 'slow down' }),
    () => problem('provider_unavailable', { passing: true }),
  ],
  ['503', send(503, '<html>'), () => problem('provider_unavailable', { passing: true, doubtful: true })],
];

const MB = 1_000_000;
/** Sends until the reader stops. Resolves with the bytes that were written. */
const pour = async (res: ServerResponse): Promise<number> => {
  let bytes = 0;
  const closed = new Promise<false>((resolve) => res.once('close', () => resolve(false)));
  for (const chunk = Buffer.alloc(100_000, ' '); bytes < 200 * MB; bytes += chunk.length) {
    const drained = res.write(chunk) || (await Promise.race([closed, new Promise((on) => res.once('drain', on))]));
    if (drained === false) break;
  }
  res.destroy();
  return bytes;
};

describe.each(functions)("%s's %s", (vendor, name) => {
  it.each(rows)('gives the expected outcome for %s', async (_what, answer, expected) => {
    respond = answer;
    const outcome = await outcomeOf(patient, vendor, name);
    expect(outcome).toEqual(expected(vendor, name));
    expect(asked).toBe(1);
  });

  it.each([301, 302, 303, 307, 308])('follows no redirect: %i', async (status) => {
    respond = send(status, '', { location: '/elsewhere' });
    expect(await outcomeOf(patient, vendor, name)).toEqual(broken(`redirect (${status})`));
    expect({ asked, elsewhere }).toEqual({ asked: 1, elsewhere: 0 });
  });

  it('reads 5 MB of an answer, then closes the connection', async () => {
    let poured: Promise<number> = Promise.resolve(0);
    respond = (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'application/json' });
      poured = pour(res);
    };
    expect(await outcomeOf(patient, vendor, name)).toEqual(broken('more than 5 MB'));
    // Anything beyond that is in the buffers of both sides.
    expect(await poured).toBeLessThan(50 * MB);
    expect(asked).toBe(1);
  });

  it('does not read an answer that declares a larger size', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    respond = (_req, res) => {
      res.once('close', resolve);
      res.writeHead(200, { 'Content-Length': String(250 * MB) }).write('{');
    };
    expect(await outcomeOf(patient, vendor, name)).toEqual(broken('more than 5 MB'));
    await closed;
  });

  it.each([
    ['says nothing', () => undefined],
    [
      'says one letter at a time',
      (_req, res) => {
        res.writeHead(200);
        const letters = setInterval(() => void res.write(' '), 10);
        res.once('close', () => clearInterval(letters));
      },
    ],
  ] satisfies [string, RequestListener][])(
    'waits no longer than its timeout for a server that %s',
    async (_how, answer) => {
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      respond = (req, res) => {
        res.once('close', resolve);
        answer(req, res);
      };
      expect(await outcomeOf(hasty, vendor, name)).toEqual(
        problem('provider_timeout', { passing: true, doubtful: true }),
      );
      await closed;
    },
  );

  it.each([
    ['20', 20_000],
    ['0', 1000],
    ['999999', 3_600_000],
    ['Wed, 01 Jan 2020 00:00:00 GMT', 1000],
    ['soon', undefined],
  ])('reads Retry-After: %s', async (said, said_retry_after_ms) => {
    for (const [status, doubtful] of [
      [429, false],
      [503, true],
    ] as const) {
      respond = send(status, '{}', { 'Retry-After': said });
      expect(await outcomeOf(patient, vendor, name)).toMatchObject({
        ...{ passing: true, doubtful, said_retry_after_ms },
        members: { retry_after_seconds: (said_retry_after_ms ?? 30_000) / 1000 },
      });
    }
  });

  it('reads Retry-After as a date in the future', async () => {
    respond = send(429, '{}', { 'Retry-After': new Date(Date.now() + 600_000).toUTCString() });
    const outcome = await outcomeOf(patient, vendor, name);
    expect(outcome).toMatchObject({ passing: true, doubtful: false, said_retry_after_ms: expect.any(Number) });
    const { said_retry_after_ms } = outcome as { said_retry_after_ms: number };
    expect(said_retry_after_ms).toBeGreaterThan(300_000);
    expect(said_retry_after_ms).toBeLessThanOrEqual(600_000);
  });
});
