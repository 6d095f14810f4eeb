import { SIPDispatchRuleIndividual, SIPMediaConfig, SIPTransport } from '@livekit/protocol';
import { RoomAgentDispatch, RoomConfiguration, SipClient } from 'livekit-server-sdk';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLiveKit } from './livekit.ts';

/** Answers success, with what was asked. */
const fetching = vi.fn<typeof fetch>(async (_url, init) => {
  const { trunk, dispatchRule, replace, ...asked } = JSON.parse(String(init?.body ?? '{}'));
  const ids = { sipTrunkId: 'ST_a', sipDispatchRuleId: 'SDR_a' };
  return Response.json({ ...asked, ...dispatchRule, ...replace, ...trunk, ...ids });
});
vi.stubGlobal('fetch', fetching);
afterAll(() => vi.unstubAllGlobals());
beforeEach(() => fetching.mockClear());

const url = 'wss://livekit.example.com';
const api_key = 'key';
const api_secret = 'secret-of-thirty-two-letters-more';
const sdk = new SipClient(url, api_key, api_secret, { failover: false });
const switchboard = createLiveKit({ url, api_key, api_secret, timeout_ms: 10_000, measureCall: (_call, run) => run() });

const mark = { installation_id: 'i', phone_number_id: 'phon_a1b2c3d4e5f6' } as const;
const metadata = JSON.stringify({ trunkline: mark });
const number = '+15551234567';
const line = {
  name: 'n',
  phone_number: number,
  username: 'u',
  password: 'p',
  media_encryption: 'require',
  mark,
} as const;
const encryption = { media: new SIPMediaConfig({ encryption: 2 }), mediaEncryption: 2, metadata };
const credentials = { authUsername: 'u', authPassword: 'p' };
const roomConfig = new RoomConfiguration({
  agents: [new RoomAgentDispatch({ agentName: 'agent', metadata: '{"greeting":"Hello"}' })],
});
const rule = {
  ...{ name: 'n', inbound_trunk_id: 'ST_a', room_prefix: 'call', pin: '0042' },
  ...{ agent_id: 'agent', agent_metadata: '{"greeting":"Hello"}', mark },
};
const _individual = new SIPDispatchRuleIndividual({ roomPrefix: 'call', pin: '0042' });

/** What one call sends, without what differs each time. */
const sentBy = async (call: () => Promise<unknown>) => {
  fetching.mockClear();
  await call();
  const [[asked, init] = []] = fetching.mock.calls;
  return {
    url: String(asked),
    method: init?.method,
    type: new Headers(init?.headers).get('content-type'),
    body: String(init?.body),
  };
};

describe('LiveKit receives what its SDK would send:', () => {
  it.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
    [
      'createInboundTrunk',
      () => switchboard.createInboundTrunk({ ...line, allowed_addresses: ['203.0.113.7'] }),
      () =>
        sdk.createSipInboundTrunk('n', [number], {
          ...{ allowedAddresses: ['203.0.113.7'], ...credentials, ...encryption },
        }),
    ],
    [
      'createInboundTrunk, without optional fields',
      () =>
        switchboard.createInboundTrunk({
          ...{ ...line, username: null, password: null, media_encryption: 'disable', allowed_addresses: [] },
        }),
      () =>
        sdk.createSipInboundTrunk('n', [number], {
          ...{ allowedAddresses: [], metadata, media: new SIPMediaConfig({ encryption: 0 }), mediaEncryption: 0 },
        }),
    ],
    [
      'createOutboundTrunk',
      () => switchboard.createOutboundTrunk({ ...line, address: 'sip.example.com', from_host: null, transport: 'tcp' }),
      () =>
        sdk.createSipOutboundTrunk('n', 'sip.example.com', [number], {
          ...{ transport: SIPTransport.SIP_TRANSPORT_TCP, ...credentials, ...encryption },
        }),
    ],
    [
      'createDispatchRule',
      () => switchboard.createDispatchRule(rule),
      () =>
        sdk.createSipDispatchRule(
          { type: 'individual', roomPrefix: 'call', pin: '0042' },
          { name: 'n', trunkIds: ['ST_a'], metadata, roomConfig },
        ),
    ],
    [
      'createDispatchRule, without optional fields',
      () => switchboard.createDispatchRule({ ...rule, pin: null, agent_id: null }),
      () =>
        sdk.createSipDispatchRule(
          { type: 'individual', roomPrefix: 'call' },
          { name: 'n', trunkIds: ['ST_a'], metadata },
        ),
    ],
    [
      'changeDispatchRule, which reads the rule first',
      () => switchboard.changeDispatchRule('SDR_a', rule, ['agent_id']),
      () => sdk.listSipDispatchRule({ dispatchRuleIds: ['SDR_a'] }),
    ],
    [
      'findInboundTrunks',
      () => switchboard.findInboundTrunks(number),
      () => sdk.listSipInboundTrunk({ numbers: [number] }),
    ],
    [
      'findOutboundTrunks',
      () => switchboard.findOutboundTrunks(number),
      () => sdk.listSipOutboundTrunk({ numbers: [number] }),
    ],
    [
      'findDispatchRules',
      () => switchboard.findDispatchRules('ST_a'),
      () => sdk.listSipDispatchRule({ trunkIds: ['ST_a'] }),
    ],
    [
      'findById',
      () => switchboard.findById('outbound_trunk', 'ST_a'),
      () => sdk.listSipOutboundTrunk({ trunkIds: ['ST_a'] }),
    ],
    ['removeTrunk', () => switchboard.removeTrunk('ST_a'), () => sdk.deleteSipTrunk('ST_a')],
    ['removeDispatchRule', () => switchboard.removeDispatchRule('SDR_a'), () => sdk.deleteSipDispatchRule('SDR_a')],
  ])('%s', async (_call, ours, its) => {
    const sent = await sentBy(ours);
    expect(sent.body).toMatch(/^\{"/);
    expect(sent).toEqual(await sentBy(its));
  });
});

it.each(['inbound_trunk', 'outbound_trunk', 'dispatch_rule'] as const)(
  'an %s that LiveKit lists as null by its id does not exist',
  async (kind) => {
    fetching.mockImplementationOnce(async () => Response.json({ items: [null] }));
    expect(await switchboard.findById(kind, 'ST_a')).toBeUndefined();
  },
);
