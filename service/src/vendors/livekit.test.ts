import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { ProviderProblem } from '../provisioning/index.ts';
import { createLiveKit } from './livekit.ts';

const fetching = vi.fn<typeof fetch>();
vi.stubGlobal('fetch', fetching);
afterAll(() => vi.unstubAllGlobals());
afterEach(() => fetching.mockReset());

const switchboard = createLiveKit({
  url: 'wss://example.livekit.cloud',
  api_key: 'key',
  api_secret: 'secret-of-thirty-two-letters-more',
  timeout_ms: 10_000,
  measureCall: (_call, run) => run(),
});
const line = {
  name: 'x',
  phone_number: '+15551234567',
  username: null,
  password: null,
  media_encryption: 'allow',
  allowed_addresses: [],
  mark: { installation_id: 'i', phone_number_id: 'phon_a1b2c3d4e5f6' },
} as const;
const create = () =>
  switchboard
    .createInboundTrunk({ ...line, allowed_addresses: [] })
    .catch((error: unknown) => error as ProviderProblem);

const refused = (code: string) =>
  Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(code), { code }) });

describe('LiveKit', () => {
  it('receives a create only once, also on LiveKit Cloud, where the SDK would send it again', async () => {
    fetching.mockImplementation(
      async () => new Response('{}', { status: 500, headers: { 'content-type': 'application/json' } }),
    );
    expect(await create()).toMatchObject({ code: 'provider_unavailable', passing: true, doubtful: true });
    expect(fetching).toHaveBeenCalledTimes(1);
  });

  it.each([
    [
      'a timeout',
      () => Promise.reject(new DOMException('too late', 'TimeoutError')),
      { code: 'provider_timeout', passing: true, doubtful: true },
    ],
    [
      'a refused connection',
      () => Promise.reject(refused('ECONNREFUSED')),
      { code: 'provider_unavailable', passing: true, doubtful: false },
    ],
    [
      'a name that does not resolve',
      () => Promise.reject(refused('ENOTFOUND')),
      { code: 'provider_unavailable', passing: true, doubtful: false },
    ],
    [
      'a reset connection',
      () => Promise.reject(refused('ECONNRESET')),
      { code: 'provider_unavailable', passing: true, doubtful: true },
    ],
    [
      '429',
      async () => new Response('', { status: 429 }),
      { code: 'provider_unavailable', passing: true, doubtful: false },
    ],
    ['408', async () => new Response('', { status: 408 }), { code: 'provider_timeout', passing: true, doubtful: true }],
    [
      '401 as plain text',
      async () => new Response('invalid API key: key', { status: 401 }),
      { code: 'provider_error', passing: false, doubtful: false },
    ],
    [
      'an answer that is no JSON',
      async () => new Response('<html>'),
      { code: 'provider_error', passing: false, doubtful: true },
    ],
    [
      'an answer without an id',
      async () => new Response('{}'),
      { code: 'provider_error', passing: false, doubtful: true },
    ],
  ])('reports what may have become of a call: %s', async (_what, answer, expected) => {
    fetching.mockImplementation(answer);
    const error = await create();
    expect(error).toBeInstanceOf(ProviderProblem);
    expect(error).toMatchObject(expected);
  });

  it.each([
    [
      'Conflicting inbound SIP Trunks: "<new>" and "ST_abc", using the same number(s) ["+1"] without AllowedNumbers set',
      ['ST_abc'],
    ],
    [
      'Conflicting inbound SIP Trunks: "ST_abc" and "<new>", using the same number(s) <any> without AllowedNumbers set',
      ['ST_abc'],
    ],
    [
      'Conflicting inbound SIP Trunks: "ST_b" and "ST_a", using the same number(s) <any> without AllowedNumbers set',
      ['ST_b', 'ST_a'],
    ],
    [
      'Dispatch rule for the same trunk, inbound number, number, and PIN combination already exists in dispatch rule "SDR_x" "SDR_name"',
      ['SDR_x'],
    ],
  ])('recognizes a conflict, which LiveKit answers with 400, by its message: %s', async (msg, resource_ids) => {
    const body = JSON.stringify({ code: 'invalid_argument', msg });
    fetching.mockImplementation(
      async () => new Response(body, { status: 400, headers: { 'content-type': 'application/json' } }),
    );
    expect(await create()).toMatchObject({ name: 'Conflict', resource_ids });
  });

  it('changes the From host of an outbound trunk only if asked to change or clear it', async () => {
    const credentials = { username: 'u', password: 'p' };
    const outbound = { ...line, ...credentials, address: 'sip.example.com', transport: 'tcp' } as const;
    const way = { address: 'sip.example.com', from_host: 'b.example.com', transport: 'SIP_TRANSPORT_TCP' };
    const trunk = { sip_trunk_id: 'ST_a', auth_username: 'u', ...way };
    fetching.mockImplementation(async () => Response.json(trunk));
    const change = (from_host: string | null, differences = ['from_host']) =>
      switchboard.changeOutboundTrunk('ST_a', { ...outbound, from_host }, differences);
    const sent = () => JSON.parse(String(fetching.mock.lastCall?.[1]?.body)).update.fromHost;
    for (const from_host of [null, 'c.example.com']) {
      expect(await change(from_host, ['address'])).toBe(true);
      expect(sent()).toBeUndefined();
    }
    expect(await change('B.example.com')).toBe(true);
    expect(sent()).toBe('B.example.com');
    await expect(change('c.example.com')).rejects.toThrow('from_host is "b.example.com"');
    await expect(change(null)).rejects.toThrow('from_host is "b.example.com" instead of ""');
    expect(sent()).toBe('');
  });

  it('reports any other 400 as a provider error', async () => {
    const body = JSON.stringify({ code: 'invalid_argument', msg: 'no trunk numbers specified' });
    fetching.mockImplementation(
      async () => new Response(body, { status: 400, headers: { 'content-type': 'application/json' } }),
    );
    expect(await create()).toMatchObject({ code: 'provider_error', passing: false, doubtful: false });
  });

  it('accepts the removal of what is already gone', async () => {
    const body = JSON.stringify({ code: 'not_found', msg: 'requested sip dispatch rule does not exist' });
    fetching.mockImplementation(
      async () => new Response(body, { status: 404, headers: { 'content-type': 'application/json' } }),
    );
    await expect(switchboard.removeDispatchRule('SDR_x')).resolves.toBeUndefined();
    await expect(switchboard.removeTrunk('ST_x')).resolves.toBeUndefined();
  });

  it.each([
    ['wss://example.livekit.cloud', 'https://example.livekit.cloud/twirp/livekit.SIP/CreateSIPInboundTrunk'],
    ['http://127.0.0.1:7880/', 'http://127.0.0.1:7880/twirp/livekit.SIP/CreateSIPInboundTrunk'],
    ['https://example.com/livekit', 'https://example.com/livekit/twirp/livekit.SIP/CreateSIPInboundTrunk'],
    ['wss://example.com/a/b/', 'https://example.com/a/b/twirp/livekit.SIP/CreateSIPInboundTrunk'],
  ])('is called under the path of %s', async (url, asked) => {
    const behind = createLiveKit({
      ...{ url, api_key: 'key', api_secret: 'secret-of-thirty-two-letters-more', timeout_ms: 1000 },
      measureCall: (_call, run) => run(),
    });
    fetching.mockImplementation(async () => Response.json({ sip_trunk_id: 'ST_a', numbers: [line.phone_number] }));
    await behind.createInboundTrunk({ ...line, allowed_addresses: [] });
    expect(fetching.mock.calls.map(([to]) => String(to))).toEqual([asked]);
  });

  it('never logs or returns a token that LiveKit quotes', async () => {
    fetching.mockImplementation(
      async () => new Response('invalid token: eyJhbGciOi.secret.token, error: signature is invalid', { status: 401 }),
    );
    expect(
      JSON.stringify(await create(), (_key, value) =>
        value instanceof Error ? { ...value, message: value.message, cause: value.cause } : value,
      ),
    ).not.toContain('eyJ');
  });
});
