import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { blankInbound, blankOutbound, blankRule, roomWith, touched } from './livekit-shapes.ts';
import { openWhole, type Whole } from './whole.ts';

describe.skipIf(inject('real_livekit') === null)('Trunkline on a real livekit-server', () => {
  let whole: Whole;
  beforeAll(async () => {
    whole = await openWhole();
  });
  afterEach(() => whole.twilio.clear());
  afterAll(() => whole?.close());

  const markOf = ({ phone_number_id }: { phone_number_id: string }) =>
    JSON.stringify({ trunkline: { installation_id: whole.installation_id, phone_number_id } });

  it('builds a SIP number, of which LiveKit returns every field', async () => {
    const input = whole.ofSip({
      sip_trunk_name: 'Desk',
      sip_username: 'user',
      sip_password: 'a-password',
      sip_server_address: 'sip.example.com:5061',
      inbound_room_name: 'support-',
      inbound_pin: '0042',
      media_encryption: 'require',
      allowed_addresses: ['203.0.113.0/24', '2001:db8::/32'],
      inbound_authentication: 'digest',
      agent_id: 'reception',
    });
    const { status, body } = await whole.importNumber(input);
    expect({ status, body }).toMatchObject({ status: 201, body: { data: { status: 'assigned' } } });
    const encryption = 'SIP_MEDIA_ENCRYPT_REQUIRE';
    const both = {
      numbers: [input.phone_number],
      auth_username: 'user',
      auth_password: 'a-password',
      media_encryption: encryption,
      media: { ...touched, encryption },
      metadata: markOf(body.data),
    };
    expect(await whole.linesOf(input)).toEqual({
      inbound: {
        ...blankInbound,
        ...both,
        sip_trunk_id: body.data.inbound_trunk_id,
        name: 'Desk-in',
        allowed_addresses: ['203.0.113.0/24', '2001:db8::/32'],
      },
      outbound: {
        ...blankOutbound,
        ...both,
        sip_trunk_id: body.data.outbound_trunk_id,
        name: 'Desk-out',
        address: 'sip.example.com:5061',
        transport: 'SIP_TRANSPORT_TLS',
      },
      rule: {
        ...blankRule,
        sip_dispatch_rule_id: body.data.dispatch_rule_id,
        name: input.phone_number,
        trunk_ids: [body.data.inbound_trunk_id],
        rule: { dispatch_rule_individual: { room_prefix: 'support-', pin: '0042', no_randomness: false } },
        room_config: roomWith('reception'),
        metadata: markOf(body.data),
      },
    });
  });

  it('builds a Twilio number, of which LiveKit returns every field', async () => {
    const input = whole.ofTwilio();
    const { status, body } = await whole.importNumber(input);
    expect({ status, body }).toMatchObject({ status: 201, body: { data: { provisioning_state: 'active' } } });
    const { trunk, credential } = (await whole.twilio.world()).twilio;
    const encryption = 'SIP_MEDIA_ENCRYPT_DISABLE';
    const both = {
      numbers: [input.phone_number],
      media_encryption: encryption,
      media: { ...touched, encryption },
      metadata: markOf(body.data),
    };
    expect(await whole.linesOf(input)).toEqual({
      inbound: {
        ...blankInbound,
        ...both,
        sip_trunk_id: body.data.inbound_trunk_id,
        name: `${input.phone_number}-in`,
        allowed_addresses: expect.arrayContaining(['54.172.60.0/30', '177.71.206.192/30']),
      },
      outbound: {
        ...blankOutbound,
        ...both,
        sip_trunk_id: body.data.outbound_trunk_id,
        name: `${input.phone_number}-out`,
        address: trunk?.[0]?.domain_name,
        transport: 'SIP_TRANSPORT_TCP',
        auth_username: credential?.[0]?.username,
        auth_password: credential?.[0]?.password,
      },
      rule: {
        ...blankRule,
        sip_dispatch_rule_id: body.data.dispatch_rule_id,
        name: input.phone_number,
        trunk_ids: [body.data.inbound_trunk_id],
        metadata: markOf(body.data),
      },
    });
    await whole.expectWhole();
  });

  it('lets one of many concurrent imports win, although LiveKit itself would let several through', async () => {
    const input = whole.ofSip();
    const other = await whole.startReplica();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => whole.importNumber(input, n % 2 ? other : whole.service)),
    );
    await other.end('SIGTERM');
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array(7).fill(409)]);
    expect((await whole.linesOf(input)).inbound).toBeDefined();
    await whole.expectWhole();
  });

  it('imports different numbers concurrently, each with its own resources', async () => {
    const inputs = [whole.ofSip(), whole.ofTwilio(), whole.ofSip(), whole.ofTwilio()];
    const answers = await Promise.all(inputs.map((input) => whole.importNumber(input)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    for (const [n, input] of inputs.entries())
      expect((await whole.linesOf(input)).inbound.sip_trunk_id).toBe(answers[n]?.body.data.inbound_trunk_id);
    await whole.expectWhole();
  });

  it.each(['+1555', '1 (555) '])(
    'names the foreign trunk that has the number written as %s…, and leaves it',
    async (start) => {
      const input = whole.ofSip();
      const number = input.phone_number.replace('+1555', start);
      const { body: trunk } = await whole.post('CreateSIPInboundTrunk', {
        trunk: { numbers: [number], name: 'theirs' },
      });
      const before = await whole.readLiveKit();
      const { status, body } = await whole.importNumber(input);
      expect({ status, code: body.code, trunk_id: body.trunk_id }).toEqual({
        status: 409,
        code: 'number_answered_elsewhere',
        trunk_id: trunk.sip_trunk_id,
      });
      await whole.settled();
      expect(await whole.readLiveKit()).toEqual(before);
      await whole.post('DeleteSIPTrunk', { sipTrunkId: trunk.sip_trunk_id });
      expect((await whole.importNumber(input)).status).toBe(201);
    },
  );

  it('leaves the server as it was if the carrier refuses at the end', async () => {
    const before = await whole.readLiveKit();
    const input = whole.ofTwilio();
    await whole.twilio.fault({ call: 'twilio.updateNumber', kind: 'answer', status: 400 });
    expect(await whole.importNumber(input)).toMatchObject({ status: 502, body: { code: 'provider_error' } });
    await whole.settled();
    expect(await whole.readLiveKit()).toEqual(before);
    await whole.expectWhole();
  });

  it('changes the rule in place for assigning and unassigning an agent', async () => {
    const input = whole.ofSip({ inbound_pin: '1234', inbound_room_name: 'desk' });
    const { phone_number_id } = (await whole.importNumber(input)).body.data;
    const before = await whole.linesOf(input);
    const assigned = await whole.service.caller.rest('POST', `/api/phone-numbers/${phone_number_id}/assign`, {
      agent_id: 'reception',
    });
    expect(assigned).toMatchObject({ status: 200, body: { data: { assigned_agent_id: 'reception' } } });
    expect(await whole.linesOf(input)).toEqual({
      ...before,
      rule: { ...before.rule, room_config: roomWith('reception') },
    });
    const free = await whole.service.caller.rest('POST', `/api/phone-numbers/${phone_number_id}/unassign`);
    expect(free.status).toBe(200);
    expect(await whole.linesOf(input)).toEqual(before);
  });
});
