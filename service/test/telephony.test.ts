import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

let service: OpenedService;
let caller: Caller;
beforeAll(async () => {
  service = await openService();
  caller = service.admin;
});
afterEach(() => service.sandbox.faults.clear());
afterAll(() => service.close());

const both = { supports_inbound: true, supports_outbound: true } as const;
const sip = (fields: object = {}) => ({
  phone_number: drawNumber(),
  provider: 'sip' as const,
  ...both,
  sip_server_address: 'sip.example.com',
  ...fields,
});

/** What LiveKit has for a number. */
const linesOf = async (phone_number: string) => {
  const { inbound, outbound, rules } = await readWorld(service);
  const inboundTrunk = inbound.find(({ numbers }) => numbers?.includes(phone_number)) as
    | Record<string, any>
    | undefined;
  const outboundTrunk = outbound.find(({ numbers }) => numbers?.includes(phone_number)) as
    | Record<string, any>
    | undefined;
  const rule = rules.find(({ trunkIds }) => trunkIds?.includes(inboundTrunk?.sipTrunkId)) as
    | Record<string, any>
    | undefined;
  return { inbound: inboundTrunk, outbound: outboundTrunk, rule };
};

describe('the LiveKit side of a SIP number', () => {
  it.each([
    ['allow', undefined],
    ['disable', 'disable'],
    ['require', 'require'],
  ])('sets both media fields on both trunks: %s', async (encryption, media_encryption) => {
    const input = sip(media_encryption ? { media_encryption } : {});
    await caller.client.phoneNumbers.import.mutate(input);
    const { inbound, outbound } = await linesOf(input.phone_number);
    const named = `SIP_MEDIA_ENCRYPT_${encryption.toUpperCase()}`;
    for (const trunk of [inbound, outbound]) {
      expect(trunk?.media).toEqual({ encryption: named });
      // Protobuf omits zero, which means `disable`.
      expect(trunk?.mediaEncryption ?? 'SIP_MEDIA_ENCRYPT_DISABLE').toBe(named);
    }
  });

  it('requires digest credentials from callers only if nothing else identifies them', async () => {
    const credentials = { sip_username: 'user', sip_password: 'pass' };
    const cases = [
      [credentials, 'digest', { authUsername: 'user', authPassword: 'pass' }],
      [{ ...credentials, allowed_addresses: ['203.0.113.0/24'] }, 'none', { allowedAddresses: ['203.0.113.0/24'] }],
      [
        { ...credentials, allowed_addresses: ['203.0.113.7'], inbound_authentication: 'digest' },
        'digest',
        { authUsername: 'user' },
      ],
      [{}, 'none', {}],
    ] as const;
    for (const [fields, inbound_authentication, expected] of cases) {
      const input = sip(fields);
      const { data } = await caller.client.phoneNumbers.import.mutate(input as never);
      expect(data).toMatchObject({ inbound_authentication });
      const { inbound, outbound } = await linesOf(input.phone_number);
      expect(inbound).toMatchObject(expected);
      if (inbound_authentication === 'none') expect(inbound).not.toHaveProperty('authPassword');
      if ('sip_username' in fields) expect(outbound).toMatchObject({ authUsername: 'user', authPassword: 'pass' });
    }
  });

  it('binds the rule to its trunk, and gives each caller their own room', async () => {
    for (const [inbound_room_name, room_prefix] of [
      ['support', 'support'],
      ['call-', 'call-'],
      ['call-*', 'call-'],
      ['sip_', 'sip_'],
    ] as const) {
      const input = sip({ inbound_room_name, inbound_pin: '0042' });
      const { data } = await caller.client.phoneNumbers.import.mutate(input);
      expect(data).toMatchObject({ inbound_room_name: room_prefix, has_inbound_pin: true });
      const { inbound, rule } = await linesOf(input.phone_number);
      expect(rule).toMatchObject({
        trunkIds: [inbound?.sipTrunkId],
        rule: { dispatchRuleIndividual: { roomPrefix: room_prefix, pin: '0042' } },
      });
    }
  });

  it('tags what it makes, without a secret in the metadata that participants see', async () => {
    const input = sip({ sip_username: 'user', sip_password: 'secret-password', inbound_pin: '987654' });
    const { data } = await caller.client.phoneNumbers.import.mutate(input);
    for (const thing of Object.values(await linesOf(input.phone_number))) {
      expect(JSON.parse(thing?.metadata)).toEqual({
        trunkline: { installation_id: service.installation_id, phone_number_id: data.phone_number_id },
      });
    }
  });

  it.each([
    ['sip.example.com', 'auto', 'allow', 'sip.example.com', undefined],
    ['sip.example.com:5061', 'auto', 'allow', 'sip.example.com:5061', 'SIP_TRANSPORT_TLS'],
    ['sip.example.com:5080', 'auto', 'allow', 'sip.example.com:5080', 'SIP_TRANSPORT_UDP'],
    ['sip.example.com', 'auto', 'require', 'sip.example.com', 'SIP_TRANSPORT_TLS'],
    ['sip.example.com:5061', 'tcp', 'require', 'sip.example.com:5061', 'SIP_TRANSPORT_TCP'],
    ['203.0.113.9', 'udp', 'allow', '203.0.113.9', 'SIP_TRANSPORT_UDP'],
    ['2001:db8::9', 'auto', 'allow', '[2001:db8::9]', undefined],
    ['[2001:db8::9]:5061', 'auto', 'allow', '[2001:db8::9]:5061', 'SIP_TRANSPORT_TLS'],
  ])(
    'dials %s over %s with media %s',
    async (sip_server_address, sip_transport, media_encryption, address, transport) => {
      const input = sip({ sip_server_address, sip_transport, media_encryption });
      await caller.client.phoneNumbers.import.mutate(input);
      const { outbound } = await linesOf(input.phone_number);
      expect({ address: outbound?.address, transport: outbound?.transport }).toEqual({ address, transport });
    },
  );

  it.each([
    ['carrier.example.com', 'carrier.example.com'],
    ['203.0.113.9', '203.0.113.9'],
    ['2001:db8::9', '[2001:db8::9]'],
    [undefined, undefined],
  ])('lets LiveKit dial out with the From host %s', async (sip_from_host, fromHost) => {
    const input = sip(sip_from_host === undefined ? {} : { sip_from_host });
    const { data } = await caller.client.phoneNumbers.import.mutate(input);
    expect(data).toMatchObject({ sip_from_host: sip_from_host ?? null });
    const { outbound, inbound } = await linesOf(input.phone_number);
    expect(outbound?.fromHost).toBe(fromHost);
    expect(inbound).not.toHaveProperty('fromHost');
  });

  it('refuses a From host that LiveKit silently drops, and leaves nothing', async () => {
    const input = sip({ sip_from_host: 'carrier.example.com' });
    const instead = { trunk: { fromHost: '' } };
    service.sandbox.faults.add({ call: 'livekit.CreateSIPOutboundTrunk', kind: 'not_as_asked', body: instead });
    const { status, body } = await caller.rest('POST', '/api/phone-numbers', input);
    expect({ status, detail: body.detail }).toEqual({
      status: 502,
      detail: expect.stringContaining('from_host is "" instead of "carrier.example.com"'),
    });
    await settle(service);
    await expectWholeWorld(service);
    expect(await linesOf(input.phone_number)).toEqual({ inbound: undefined, outbound: undefined, rule: undefined });
  });

  it('is not blocked by a trunk for all numbers, or by a longer number', async () => {
    const input = sip();
    await service.sandbox.shelf.put('livekit.inbound_trunk', 'ST_wildcard', {
      sipTrunkId: 'ST_wildcard',
      authUsername: 'u',
      authPassword: 'p',
    });
    const longer = `${input.phone_number}9`;
    await service.sandbox.shelf.put('livekit.inbound_trunk', 'ST_longer', {
      sipTrunkId: 'ST_longer',
      numbers: [longer],
    });
    expect((await caller.client.phoneNumbers.import.mutate(input)).data.provisioning_state).toBe('active');
  });

  it('finds a foreign trunk that writes the number another way', async () => {
    const input = sip();
    const written = input.phone_number.replace('+1555', '1 (555) ');
    await service.sandbox.shelf.put('livekit.inbound_trunk', 'ST_written', {
      sipTrunkId: 'ST_written',
      numbers: [written],
    });
    const { status, body } = await caller.rest('POST', '/api/phone-numbers', input);
    expect({ status, code: body.code, trunk_id: body.trunk_id }).toEqual({
      status: 409,
      code: 'number_answered_elsewhere',
      trunk_id: 'ST_written',
    });
  });

  it('takes over what its own call made when the answer was lost, and makes no second one', async () => {
    for (const call of [
      'livekit.CreateSIPInboundTrunk',
      'livekit.CreateSIPOutboundTrunk',
      'livekit.CreateSIPDispatchRule',
    ]) {
      const input = sip();
      service.sandbox.faults.add({ call, kind: 'drop_after' });
      await caller.client.phoneNumbers.import.mutate(input);
      await settle(service);
      await expectWholeWorld(service);
    }
  });

  it('never removes a resource with the tag of another installation, or without a tag', async () => {
    const input = sip();
    const foreign = { installation_id: 'ffffffffffff', phone_number_id: 'phon_ffffffffffff' };
    const metadata = JSON.stringify({ trunkline: foreign });
    const { shelf } = service.sandbox;
    await shelf.put('livekit.outbound_trunk', 'ST_theirs', {
      sipTrunkId: 'ST_theirs',
      address: 'a.example',
      numbers: [input.phone_number],
      metadata,
    });
    await shelf.put('livekit.outbound_trunk', 'ST_unmarked', {
      sipTrunkId: 'ST_unmarked',
      address: 'a.example',
      numbers: [input.phone_number],
    });
    await shelf.put('livekit.dispatch_rule', 'SDR_any', {
      sipDispatchRuleId: 'SDR_any',
      rule: { dispatchRuleDirect: { roomName: 'x', pin: '1' } },
    });
    service.sandbox.faults.add({ call: 'livekit.CreateSIPDispatchRule', kind: 'hang_after' });
    service.sandbox.faults.add({ call: 'livekit.CreateSIPOutboundTrunk', kind: 'answer', status: 400 });
    const { status } = await caller.rest('POST', '/api/phone-numbers', input);
    expect(status).toBe(502);
    service.sandbox.faults.clear();
    await settle(service);
    const { outbound, rules, inbound } = await readWorld(service);
    expect(outbound.map(({ sipTrunkId }) => sipTrunkId)).toEqual(expect.arrayContaining(['ST_theirs', 'ST_unmarked']));
    expect(rules.map(({ sipDispatchRuleId }) => sipDispatchRuleId)).toContain('SDR_any');
    expect(inbound.filter(({ numbers }) => numbers?.includes(input.phone_number))).toEqual([]);
  });

  it('never takes a trunk of another installation for its own', async () => {
    const input = sip();
    const metadata = JSON.stringify({
      trunkline: { installation_id: 'ffffffffffff', phone_number_id: 'phon_ffffffffffff' },
    });
    await service.sandbox.shelf.put('livekit.inbound_trunk', 'ST_other', {
      sipTrunkId: 'ST_other',
      numbers: [input.phone_number],
      metadata,
    });
    const { status, body } = await caller.rest('POST', '/api/phone-numbers', input);
    expect({ status, trunk_id: body.trunk_id }).toEqual({ status: 409, trunk_id: 'ST_other' });
  });

  it('removes resources of a number that it released, but not those of a record it does not know', async () => {
    const mark = (phone_number_id: string) =>
      JSON.stringify({ trunkline: { installation_id: service.installation_id, phone_number_id } });
    const unknown = sip();
    await service.sandbox.shelf.put('livekit.inbound_trunk', 'ST_restored', {
      sipTrunkId: 'ST_restored',
      numbers: [unknown.phone_number],
      metadata: mark('phon_0123456789ab'),
    });
    expect((await caller.rest('POST', '/api/phone-numbers', unknown)).body).toMatchObject({
      code: 'number_answered_elsewhere',
      trunk_id: 'ST_restored',
    });
    await service.sandbox.shelf.remove('livekit.inbound_trunk', 'ST_restored');

    const gone = sip();
    service.sandbox.faults.add({ call: 'livekit.CreateSIPOutboundTrunk', kind: 'answer', status: 400 });
    await caller.rest('POST', '/api/phone-numbers', gone);
    const row = await service.connection.collection('phone_numbers').findOne({ phone_number: gone.phone_number });
    expect(row?.provisioning_state).toBe('gone');
    await service.sandbox.shelf.put('livekit.inbound_trunk', 'ST_late', {
      sipTrunkId: 'ST_late',
      numbers: [gone.phone_number],
      metadata: mark(row?.phone_number_id),
    });
    await caller.client.phoneNumbers.import.mutate(gone);
    expect((await readWorld(service)).inbound.map(({ sipTrunkId }) => sipTrunkId)).not.toContain('ST_late');
    await expect(linesOf(gone.phone_number)).resolves.toMatchObject({
      rule: { trunkIds: [expect.stringMatching(/^ST_/)] },
    });
  });
});

describe("Twilio's side", () => {
  const integrated = async (...phone_numbers: string[]) => {
    const owner = await service.newOrganization();
    const { integration_id, account_sid } = await service.integrate(
      owner,
      phone_numbers.map((phone_number) => ({ phone_number })),
    );
    return { owner, account_sid, ofTwilio: { provider: 'twilio', ...both, integration_id } as const };
  };

  it('finds the number among others that contain it', async () => {
    const phone_number = drawNumber();
    const { owner, ofTwilio } = await integrated(`${phone_number}12`);
    const { body } = await owner.rest('POST', '/api/phone-numbers', { ...ofTwilio, phone_number });
    expect(body.code).toBe('phone_number_not_owned');
  });

  it('has one trunk for all numbers of an integration, through which LiveKit dials out', async () => {
    const numbers = [drawNumber(), drawNumber()];
    const { owner, account_sid, ofTwilio } = await integrated(...numbers);
    for (const phone_number of numbers) await owner.client.phoneNumbers.import.mutate({ ...ofTwilio, phone_number });
    const world = await readWorld(service);
    const [trunk, ...others] = world.trunks.filter((one) => one.account_sid === account_sid) as Record<string, any>[];
    expect(others).toEqual([]);
    expect(trunk).toMatchObject({ secure: false, friendly_name: expect.stringContaining(service.installation_id) });
    expect(trunk?.domain_name).toMatch(/^[a-z0-9-]+\.pstn\.twilio\.com$/);
    expect(world.urls.find((url) => url.account_sid === account_sid)).toMatchObject({
      sip_url: 'sip:sandbox.sip.invalid;transport=tcp',
      weight: 1,
      priority: 1,
      enabled: true,
    });
    const [credential] = world.credentials.filter((one) => one.account_sid === account_sid) as Record<string, any>[];
    for (const phone_number of numbers) {
      const { inbound, outbound } = await linesOf(phone_number);
      expect(outbound).toMatchObject({
        address: trunk?.domain_name,
        transport: 'SIP_TRANSPORT_TCP',
        media: { encryption: 'SIP_MEDIA_ENCRYPT_DISABLE' },
        authUsername: credential?.username,
        authPassword: credential?.password,
      });
      // Elastic SIP Trunking answers no digest challenge, so callers are identified by address.
      expect(inbound).not.toHaveProperty('authUsername');
      expect(inbound?.allowedAddresses).toContain('54.172.60.0/30');
    }
  });

  it('combines Secure Trunking with TLS and required encryption', async () => {
    const secure = await openService({
      environment: { TWILIO_SECURE_TRUNKING: 'true', TWILIO_SIGNALLING_ADDRESSES: '*' },
      sandbox: service.sandbox,
    });
    const phone_number = drawNumber();
    const { integration_id } = await secure.integrate(secure.admin, [{ phone_number }]);
    await secure.admin.client.phoneNumbers.import.mutate({ phone_number, provider: 'twilio', ...both, integration_id });
    const { inbound, outbound } = await linesOf(phone_number);
    expect(outbound).toMatchObject({
      transport: 'SIP_TRANSPORT_TLS',
      media: { encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE' },
    });
    expect(inbound).toMatchObject({ media: { encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE' } });
    expect(inbound).not.toHaveProperty('allowedAddresses');
    expect((await readWorld(service)).trunks.at(-1)).toMatchObject({ secure: true });
    expect((await readWorld(service)).urls.at(-1)).toMatchObject({ sip_url: 'sip:sandbox.sip.invalid;transport=tls' });
    await secure.close();
  });

  it('chooses another domain name if the first is taken at Twilio', async () => {
    const phone_number = drawNumber();
    const { owner, ofTwilio } = await integrated(phone_number);
    const integration = { integration_id: ofTwilio.integration_id };
    const before = await service.connection.collection('integrations').findOne(integration);
    await service.sandbox.shelf.put('twilio.reserved_domain', before?.carrier.domain_name, {
      until: service.clock.now() + 1e9,
    });
    await owner.client.phoneNumbers.import.mutate({ ...ofTwilio, phone_number });
    const after = await service.connection.collection('integrations').findOne(integration);
    expect(after?.carrier.domain_name).not.toBe(before?.carrier.domain_name);
    expect((await linesOf(phone_number)).outbound?.address).toBe(after?.carrier.domain_name);
  });

  it('reads lists to their end, whatever host the pages name', async () => {
    const phone_number = drawNumber();
    const { owner, account_sid, ofTwilio } = await integrated(phone_number);
    for (let other = 0; other < 60; other++) {
      const sid = `TK${String(other).padStart(32, '0')}`;
      await service.sandbox.shelf.put('twilio.trunk', sid, { sid, account_sid, friendly_name: `other ${other}` });
    }
    // The answer is lost, so the trunk must be found again, beyond the first page.
    service.sandbox.faults.add({ call: 'twilio.createTrunk', kind: 'drop_after' });
    await owner.client.phoneNumbers.import.mutate({ ...ofTwilio, phone_number });
    const ours = (await readWorld(service)).trunks.filter(
      (trunk) => trunk.account_sid === account_sid && trunk.friendly_name?.startsWith('trunkline'),
    );
    expect(ours).toHaveLength(1);
  });

  it('accepts an API key instead of the auth token', async () => {
    const phone_number = drawNumber();
    const { account_sid } = await integrated(phone_number);
    const account = (await service.sandbox.shelf.get<any>('twilio.account', account_sid)).api_keys[0];
    const owner = await service.newOrganization();
    const credentials = {
      provider: 'twilio',
      account_sid,
      api_key_sid: account.sid,
      api_key_secret: account.secret,
    } as const;
    const { data } = await owner.client.integrations.create.mutate({ name: 'By key', credentials });
    expect(data).toMatchObject({ credential_kind: 'api_key', status: 'active' });
    await owner.client.phoneNumbers.import.mutate({
      provider: 'twilio',
      ...both,
      integration_id: data.integration_id,
      phone_number,
    });
  });
});

describe('assign and unassign', () => {
  it('change only the agent of the rule, in place', async () => {
    const input = sip({ inbound_pin: '1234', inbound_room_name: 'desk' });
    const { data } = await caller.client.phoneNumbers.import.mutate(input);
    const named = { phone_number_id: data.phone_number_id };
    const before = (await linesOf(input.phone_number)).rule;
    const assigned = await caller.client.phoneNumbers.assign.mutate({ ...named, agent_id: 'reception' });
    expect(assigned.data).toMatchObject({
      status: 'assigned',
      assigned_agent_id: 'reception',
      dispatch_rule_id: data.dispatch_rule_id,
    });
    expect((await linesOf(input.phone_number)).rule).toEqual({
      ...before,
      roomConfig: { agents: [{ agentName: 'reception' }] },
    });

    await expect(caller.client.phoneNumbers.assign.mutate({ ...named, agent_id: 'reception' })).resolves.toMatchObject({
      success: true,
    });
    const other = await caller.rest('POST', `/api/phone-numbers/${named.phone_number_id}/assign`, {
      agent_id: 'sales',
    });
    expect(other).toMatchObject({ status: 409, body: { code: 'phone_number_assigned' } });

    const free = await caller.rest('POST', `/api/phone-numbers/${named.phone_number_id}/unassign`);
    expect(free).toMatchObject({ status: 200, body: { data: { status: 'free', assigned_agent_id: null } } });
    expect((await linesOf(input.phone_number)).rule).toEqual(before);
  });

  it.each(['drop_before', 'drop_after', 'hang_after', 'answer'] as const)(
    'answer a lasting failure (%s), and the rule ends up as the record says',
    async (kind) => {
      const input = sip({ agent_id: 'first' });
      const { data } = await caller.client.phoneNumbers.import.mutate(input);
      service.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind, status: 400, times: 3 });
      const { status } = await caller.rest('POST', `/api/phone-numbers/${data.phone_number_id}/unassign`);
      service.sandbox.faults.clear();
      expect(status).toBeGreaterThanOrEqual(502);
      await settle(service);
      await expectWholeWorld(service);
      expect((await linesOf(input.phone_number)).rule).toMatchObject({
        roomConfig: { agents: [{ agentName: 'first' }] },
      });
      const kept = await caller.client.phoneNumbers.get.query({ phone_number_id: data.phone_number_id });
      expect(kept.data).toMatchObject({ status: 'assigned', assigned_agent_id: 'first' });
    },
  );

  it('let one of several concurrent requests win', async () => {
    const input = sip();
    const { data } = await caller.client.phoneNumbers.import.mutate(input);
    const agents = ['a', 'b', 'c', 'd', 'e'];
    const answers = await Promise.all(
      agents.map((agent_id) => caller.rest('POST', `/api/phone-numbers/${data.phone_number_id}/assign`, { agent_id })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const { assigned_agent_id } = (
      await caller.client.phoneNumbers.get.query({ phone_number_id: data.phone_number_id })
    ).data;
    expect((await linesOf(input.phone_number)).rule).toMatchObject({
      roomConfig: { agents: [{ agentName: assigned_agent_id }] },
    });
  });
});

describe('fifty first imports of one integration at once', () => {
  it('make one carrier trunk', async () => {
    const numbers = Array.from({ length: 50 }, drawNumber);
    await using unhurried = await openService({ environment: { PROVIDER_TIMEOUT_SECONDS: '10' } });
    const owner = unhurried.admin;
    const { integration_id, account_sid } = await unhurried.integrate(
      owner,
      numbers.map((phone_number) => ({ phone_number })),
    );
    const answers = await Promise.all(
      numbers.map((phone_number) =>
        owner.rest('POST', '/api/phone-numbers', { phone_number, provider: 'twilio', ...both, integration_id }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(numbers.map(() => 201));
    const world = await readWorld(unhurried);
    for (const things of [world.trunks, world.urls, world.lists, world.credentials, world.permissions]) {
      expect(things.filter((thing) => thing.account_sid === account_sid)).toHaveLength(1);
    }
    await settle(unhurried);
  });
});
