import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawSid } from '../src/sandbox/twilio-things.ts';
import { type Caller, drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService({
    environment: { PROVIDER_TIMEOUT_SECONDS: '20', LEASE_SECONDS: '60', IMPORT_DEADLINE_SECONDS: '3600' },
  });
});
afterAll(() => service.close());

const SIP = {
  ...{ provider: 'sip', supports_inbound: true, supports_outbound: true, sip_server_address: 'sip.example.com' },
  ...{ sip_username: 'user', sip_password: 'pass' },
} as const;

/** Parsed from text, because in an object literal `__proto__` would set the prototype. */
const METADATA_OF_PROTO = JSON.parse('{"agent_metadata":{"greeting":"Hello","__proto__":{"a":1}}}');

type Number = Awaited<ReturnType<typeof imported>>;

/** An imported number, and functions that read it at the service, LiveKit and Twilio. */
const imported = async (input: Record<string, unknown>, caller?: Caller) => {
  const by = caller ?? (await service.newOrganization());
  const { status, body } = await by.rest('POST', '/api/phone-numbers', { phone_number: drawNumber(), ...input });
  expect(body).toMatchObject({ success: true });
  expect(status).toBe(201);
  const { phone_number_id, phone_number } = body.data;
  const path = `/api/phone-numbers/${phone_number_id}`;
  const get = async () => (await by.rest('GET', path)).body.data;
  const thing = async (kind: string, field: string) =>
    service.sandbox.shelf.get<any>(`livekit.${kind}`, (await get())[field] ?? '');
  return {
    ...{ caller: by, path, phone_number_id, phone_number, get },
    update: (patch: object, headers?: Record<string, string>) => by.rest('PATCH', path, patch, headers),
    rule: () => thing('dispatch_rule', 'dispatch_rule_id'),
    inbound: () => thing('inbound_trunk', 'inbound_trunk_id'),
    outbound: () => thing('outbound_trunk', 'outbound_trunk_id'),
    routing: async () => (await readWorld(service)).numbers.find((it) => it.phone_number === phone_number)!,
  };
};

const importedFromTwilio = async (input: object = { supports_inbound: true, supports_outbound: true }, today = {}) => {
  const caller = await service.newOrganization();
  const phone_number = drawNumber();
  const { integration_id } = await service.integrate(caller, [
    { phone_number, voice_url: 'https://example.com/voice', ...today },
  ]);
  return imported({ provider: 'twilio', phone_number, integration_id, ...input }, caller);
};

const callsOf = async (run: () => Promise<unknown>) => {
  const begun = service.sandbox.faults.calls.length;
  await run();
  return service.sandbox.faults.calls.slice(begun).toSorted();
};

describe('An update', () => {
  it('keeps a secret that is re-encrypted during the update, and still completes', async () => {
    const number = await imported(SIP);
    const { phone_number_id } = number;
    const rows = service.connection.collection('phone_numbers');
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPOutboundTrunk', kind: 'hold_before' });
    const answer = number.update({ sip_password: 'other' });
    await service.sandbox.faults.holding();
    const place = `phone_numbers/${phone_number_id}/sip_password` as const;
    const read = (await rows.findOne({ phone_number_id }))?.provisioning.change.wanted.sip_password;
    const anew = await service.secrets.seal(await service.secrets.open(read, place), place);
    const path = 'provisioning.change.wanted.sip_password';
    expect(await rows.updateOne({ phone_number_id }, { $set: { [path]: anew } })).toMatchObject({ modifiedCount: 1 });
    service.sandbox.faults.release();
    await settle(service);
    expect((await answer).status).toBe(200);
    expect((await rows.findOne({ phone_number_id }))?.sip_password).toBe(anew);
    expect(await number.outbound()).toMatchObject({ authPassword: 'other' });
  });

  it('changes only the fields it names, in place, at LiveKit', async () => {
    const number = await imported(SIP);
    const before = await number.get();
    const { status, body } = await number.update({
      ...{ inbound_room_name: 'sales', inbound_pin: '4711', agent_id: 'reception', label: 'Sales' },
      ...{ sip_server_address: 'sip.example.net', sip_transport: 'tls', media_encryption: 'require' },
      ...{ allowed_addresses: ['192.0.2.1'], sip_trunk_name: 'main', agent_metadata: { greeting: 'Hello' } },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      message: 'Phone number updated',
      data: {
        ...{ inbound_trunk_id: before.inbound_trunk_id, dispatch_rule_id: before.dispatch_rule_id },
        ...{ outbound_trunk_id: before.outbound_trunk_id, revision: 2, label: 'Sales', description: null },
        ...{ status: 'assigned', assigned_agent_id: 'reception', has_inbound_pin: true, inbound_room_name: 'sales' },
        ...{ sip_trunk_name: 'main', allowed_addresses: ['192.0.2.1'], agent_metadata: { greeting: 'Hello' } },
      },
    });
    expect(await number.rule()).toMatchObject({
      rule: { dispatchRuleIndividual: { roomPrefix: 'sales', pin: '4711' } },
      roomConfig: { agents: [{ agentName: 'reception', metadata: '{"greeting":"Hello"}' }] },
    });
    expect(await number.inbound()).toMatchObject({ name: 'main-in', allowedAddresses: ['192.0.2.1'] });
    const encryption = 'SIP_MEDIA_ENCRYPT_REQUIRE';
    expect(await number.inbound()).toMatchObject({ media: { encryption } });
    expect(await number.outbound()).toMatchObject({
      ...{ name: 'main-out', address: 'sip.example.net', transport: 'SIP_TRANSPORT_TLS', media: { encryption } },
    });
    const { provisioning, ...got } = await number.get();
    expect(got).toEqual(body.data);
    await expectWholeWorld(service);
  });

  it('of the allowed callers and of the From host reaches LiveKit', async () => {
    const number = await imported({ ...SIP, allowed_addresses: ['192.0.2.1'] });
    const { status } = await number.update({ allowed_addresses: null, sip_from_host: 'voice.example.com' });
    expect(status).toBe(200);
    expect((await number.inbound()).allowedAddresses ?? []).toEqual([]);
    // Without a list of addresses, callers must authenticate.
    expect(await number.inbound()).toMatchObject({ authUsername: 'user', authPassword: expect.stringMatching(/./) });
    expect(await number.outbound()).toMatchObject({ fromHost: 'voice.example.com' });
    await expectWholeWorld(service);
  });

  it('can remove the From host, and keeps one that somebody set at LiveKit', async () => {
    const number = await imported({ ...SIP, sip_from_host: 'voice.example.com' });
    expect((await number.update({ sip_from_host: null })).body.data.sip_from_host).toBeNull();
    const trunk = await number.outbound();
    expect(trunk.fromHost).toBeFalsy();
    await service.sandbox.shelf.put('livekit.outbound_trunk', trunk.sipTrunkId, { ...trunk, fromHost: 'hand.example' });
    expect((await number.update({ sip_transport: 'tcp' })).status).toBe(200);
    expect((await number.outbound()).fromHost).toBe('hand.example');
  });

  it.each<[what: string, happens: (number: Number) => Promise<unknown>]>([
    [
      'the answer to an update was lost',
      (number) => {
        service.sandbox.faults.add({ call: 'livekit.UpdateSIPOutboundTrunk', kind: 'drop_after' });
        return number.update({ sip_transport: 'tcp' });
      },
    ],
    [
      'the replica that worked on the number was killed',
      ({ phone_number_id }) => {
        const due_at = new Date(service.clock.now());
        const $set = { 'provisioning.lease_token': 'of-a-killed-replica', 'provisioning.due_at': due_at };
        return service.connection.collection('phone_numbers').updateOne({ phone_number_id }, { $set });
      },
    ],
  ])('keeps a From host that somebody set at LiveKit, also if %s', async (_what, happens) => {
    const number = await imported(SIP);
    const trunk = await number.outbound();
    await service.sandbox.shelf.put('livekit.outbound_trunk', trunk.sipTrunkId, { ...trunk, fromHost: 'hand.example' });
    await happens(number);
    await settle(service);
    expect((await number.outbound()).fromHost).toBe('hand.example');
  });

  it('removes a From host even if a replica of an earlier version began to and died', async () => {
    const number = await imported({ ...SIP, sip_from_host: 'voice.example.com' });
    const { phone_number_id } = number;
    const at = new Date(service.clock.now());
    const actor = { key_id: 'key_0a1b2c3d4e5f' };
    const change = { kind: 'update', wanted: { sip_from_host: null }, actor, request_id: 'earlier', at };
    const set = { 'provisioning.change': change, 'provisioning.due_at': at };
    await service.connection.collection('phone_numbers').updateOne({ phone_number_id }, { $set: set });
    await settle(service);
    expect((await number.get()).sip_from_host).toBeNull();
    expect((await number.outbound()).fromHost).toBeFalsy();
  });

  it('of a label and a description calls no provider', async () => {
    const number = await imported(SIP);
    expect(await callsOf(() => number.update({ label: 'Sales', description: 'Berlin' }))).toEqual([]);
    expect(await number.get()).toMatchObject({ label: 'Sales', description: 'Berlin', revision: 2 });
    await number.update({ label: null });
    expect(await number.get()).toMatchObject({ label: null, description: 'Berlin', revision: 3 });
  });

  it('that changes nothing answers the unchanged number, at the same revision', async () => {
    const number = await imported({ ...SIP, inbound_room_name: 'sales' });
    const same = { inbound_room_name: 'sales', sip_username: 'user', label: null };
    expect(await callsOf(() => number.update(same))).toEqual([]);
    expect(await number.update({})).toMatchObject({ status: 200, body: { data: { revision: 1 } } });
  });

  it('sends a changed secret, although answers show only whether there is one', async () => {
    const number = await imported({ ...SIP, inbound_pin: '1111' });
    await number.update({ inbound_pin: '2222' });
    expect((await number.rule()).rule.dispatchRuleIndividual.pin).toBe('2222');
    await number.update({ sip_password: 'other' });
    expect((await number.inbound()).authPassword).toBe('other');
    expect((await number.outbound()).authPassword).toBe('other');
    await number.update({ inbound_pin: null });
    expect((await number.rule()).rule.dispatchRuleIndividual.pin).toBeFalsy();
    expect((await number.get()).has_inbound_pin).toBe(false);
  });

  it('accepts application/merge-patch+json as well', async () => {
    const number = await imported(SIP);
    const { status } = await number.update({ label: 'x' }, { 'Content-Type': 'application/merge-patch+json' });
    expect(status).toBe(200);
  });

  it('merges agent_metadata member by member', async () => {
    const number = await imported({ ...SIP, agent_id: 'reception' });
    await number.update({ agent_metadata: { greeting: 'Hello', menu: { a: 1, b: 2 } } });
    await number.update({ agent_metadata: { greeting: null, menu: { b: 3 } } });
    expect((await number.get()).agent_metadata).toEqual({ menu: { a: 1, b: 3 } });
    expect(JSON.parse((await number.rule()).roomConfig.agents[0].metadata)).toEqual({ menu: { a: 1, b: 3 } });
    await number.update({ agent_metadata: null });
    expect((await number.get()).agent_metadata).toBeNull();
    expect((await number.rule()).roomConfig.agents[0].metadata).toBeFalsy();
  });

  it('keeps what somebody set on the rule at LiveKit', async () => {
    const number = await imported({ ...SIP, agent_id: 'reception' });
    const { dispatch_rule_id } = await number.get();
    const hand = { hidePhoneNumber: true, attributes: { tier: 'gold' } };
    const recorder = { agentName: 'recorder', metadata: 'by hand' };
    const agents = [{ agentName: 'reception', metadata: 'by hand' }, recorder];
    const roomConfig = { emptyTimeout: 7, agents };
    const rule = await number.rule();
    await service.sandbox.shelf.put('livekit.dispatch_rule', dispatch_rule_id, { ...rule, ...hand, roomConfig });
    await number.update({ inbound_room_name: 'sales' });
    expect(await number.rule()).toMatchObject({ ...hand, roomConfig });
    await number.update({ agent_metadata: { greeting: 'Hello' } });
    const changed = { agentName: 'reception', metadata: '{"greeting":"Hello"}' };
    expect((await number.rule()).roomConfig).toEqual({ emptyTimeout: 7, agents: [changed, recorder] });
  });
});

describe('A rule that lost its room configuration at LiveKit', () => {
  const withoutAgent = async (roomConfig?: object) => {
    const number = await imported({ ...SIP, agent_id: 'reception' });
    await number.update({ agent_metadata: { greeting: 'Hello' } });
    const { roomConfig: _, ...rule } = await number.rule();
    const { dispatch_rule_id } = await number.get();
    await service.sandbox.shelf.put('livekit.dispatch_rule', dispatch_rule_id, { ...rule, ...roomConfig });
    return number;
  };
  const agents = [{ agentName: 'reception', metadata: '{"greeting":"Hello"}' }];

  it('gets it back when anything else about the rule is changed', async () => {
    const number = await withoutAgent();
    expect((await number.update({ inbound_room_name: 'sales' })).status).toBe(200);
    expect(await number.rule()).toMatchObject({ roomConfig: { agents } });
  });

  it('keeps the other settings that somebody made in it', async () => {
    const number = await withoutAgent({ roomConfig: { emptyTimeout: 7 } });
    await number.update({ inbound_pin: '4711' });
    expect(await number.rule()).toMatchObject({ roomConfig: { emptyTimeout: 7, agents } });
  });

  it('causes a problem if LiveKit drops it again', async () => {
    const number = await withoutAgent();
    const dropped = { replace: { room_config: null } };
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'not_as_asked', body: dropped });
    const { status, body } = await number.update({ inbound_room_name: 'sales' });
    expect({ status, detail: body.detail }).toEqual({ status: 502, detail: expect.stringContaining('agents is []') });
  });

  it('stays as it is if somebody set another agent in it', async () => {
    const other = { roomConfig: { agents: [{ agentName: 'by-hand' }] } };
    const number = await withoutAgent(other);
    await number.update({ inbound_room_name: 'sales' });
    expect(await number.rule()).toMatchObject(other);
  });
});

describe('An update that clears a field', () => {
  it('derives the authentication again: without addresses, digest if there are credentials', async () => {
    const number = await imported({ ...SIP, allowed_addresses: ['192.0.2.1'] });
    expect(await number.get()).toMatchObject({ inbound_authentication: 'none' });
    expect((await number.inbound()).authUsername).toBeFalsy();
    await number.update({ allowed_addresses: null });
    expect(await number.get()).toMatchObject({ inbound_authentication: 'digest', allowed_addresses: [] });
    expect(await number.inbound()).toMatchObject({ authUsername: 'user', authPassword: 'pass' });
    expect((await number.inbound()).allowedAddresses ?? []).toEqual([]);
  });

  it('warns if nothing restricts who may call', async () => {
    const bare = { provider: 'sip', supports_inbound: true, allowed_addresses: ['192.0.2.1'] };
    const number = await imported(bare);
    const { body } = await number.update({ allowed_addresses: null });
    expect(body.data.warnings).toEqual([expect.stringContaining('Anyone who finds the sip_uri')]);
  });
});

describe('Turning a direction on or off', () => {
  it('removes its parts when off, and builds them when on', async () => {
    const number = await imported(SIP);
    await number.update({ supports_outbound: false });
    expect(await number.get()).toMatchObject({ outbound_trunk_id: null, supports_outbound: false });
    await expectWholeWorld(service);
    await number.update({ supports_outbound: true, supports_inbound: false });
    expect(await number.get()).toMatchObject({
      ...{ inbound_trunk_id: null, dispatch_rule_id: null, outbound_trunk_id: expect.any(String) },
    });
    await expectWholeWorld(service);
    await number.update({ supports_inbound: true });
    expect(await number.get()).toMatchObject({ inbound_trunk_id: expect.any(String) });
    await expectWholeWorld(service);
  });

  it('restores the former routing of a Twilio number when inbound is off, and reads it again when on', async () => {
    const number = await importedFromTwilio();
    const trunk = (await number.routing()).trunk_sid;
    expect(trunk).toBeTruthy();
    const calls = await callsOf(() => number.update({ supports_inbound: false }));
    expect(calls).not.toContain('twilio.createTrunk');
    expect(await number.routing()).toMatchObject({ trunk_sid: null, voice_url: 'https://example.com/voice' });
    const row = await number.routing();
    await service.sandbox.shelf.put('twilio.number', row.sid, { ...row, voice_url: 'https://example.com/newer' });
    expect((await number.update({ supports_inbound: true })).status).toBe(200);
    expect(await number.routing()).toMatchObject({ trunk_sid: trunk });
    await number.caller.rest('DELETE', number.path);
    expect(await number.routing()).toMatchObject({ trunk_sid: null, voice_url: 'https://example.com/newer' });
    await expectWholeWorld(service);
  });

  it('answers a problem for inbound on if the number is routed elsewhere, unless that is to be replaced', async () => {
    const number = await importedFromTwilio(
      { supports_outbound: true },
      { voice_application_sid: `AP${'1'.repeat(32)}` },
    );
    const refused = await number.update({ supports_inbound: true });
    expect(refused).toMatchObject({ status: 409, body: { code: 'number_routed_elsewhere' } });
    expect(refused.body.detail).toMatch(/The phone number is as it was\.$/);
    expect(await number.get()).toMatchObject({ supports_inbound: false, inbound_trunk_id: null, revision: 1 });
    expect((await number.update({ supports_inbound: true, replace_existing_routing: true })).status).toBe(200);
    expect((await number.routing()).trunk_sid).toBeTruthy();
    await expectWholeWorld(service);
  });

  it('builds everything for a number that had neither', async () => {
    const number = await importedFromTwilio({});
    expect((await number.get()).warnings).toEqual([expect.stringContaining('Set supports_inbound to true')]);
    expect((await number.update({ supports_inbound: true, supports_outbound: true })).status).toBe(200);
    expect(await number.get()).toMatchObject({
      ...{ inbound_trunk_id: expect.any(String), outbound_trunk_id: expect.any(String) },
    });
    await expectWholeWorld(service);
  });
});

describe('A refused update', () => {
  it('leaves the former state in force, here and at LiveKit, and says so', async () => {
    const number = await imported(SIP);
    const before = { got: await number.get(), inbound: await number.inbound(), outbound: await number.outbound() };
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'answer', status: 400 });
    const answer = await number.update({ inbound_room_name: 'sales', sip_password: 'other', sip_transport: 'tcp' });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.body.detail).toMatch(/The phone number is as it was\.$/);
    const { provisioning, ...after } = await number.get();
    const { provisioning: _, ...was } = before.got;
    expect(after).toEqual(was);
    expect(provisioning).toMatchObject({ state: 'active', next_check_at: null });
    expect(await number.inbound()).toEqual(before.inbound);
    expect(await number.outbound()).toEqual(before.outbound);
    expect((await number.update({ inbound_room_name: 'sales' })).status).toBe(200);
  });

  it.each([
    ['is gone', true],
    ['is unknown', false],
  ])('takes a number back to our trunk that was taken off it because its former routing %s', async (_what, isKnown) => {
    const both = { supports_inbound: true, supports_outbound: true, replace_existing_routing: true };
    const number = await importedFromTwilio(both, { trunk_sid: drawSid('TK') });
    const { phone_number_id } = number;
    const rows = service.connection.collection('phone_numbers');
    if (!isKnown) await rows.updateOne({ phone_number_id }, { $set: { former_routing: null } });
    const before = await number.routing();
    service.sandbox.faults.add({ call: 'livekit.DeleteSIPDispatchRule', kind: 'answer', status: 400 });
    const answer = await number.update({ supports_inbound: false });
    expect(answer.body.detail).toMatch(/The phone number is as it was\.$/);
    expect(await number.get()).toMatchObject({ supports_inbound: true, provisioning_state: 'active' });
    expect((await number.routing()).trunk_sid).toBe(before.trunk_sid);
    await settle(service);
    await expectWholeWorld(service);
  });

  it('leaves no From host behind', async () => {
    const number = await imported(SIP);
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'answer', status: 400 });
    const answer = await number.update({ inbound_room_name: 'sales', sip_from_host: 'voice.example.com' });
    expect(answer.body.detail).toMatch(/The phone number is as it was\.$/);
    expect((await number.outbound()).fromHost).toBeFalsy();
  });

  it('is rolled back later if a provider stays unavailable, and says so', async () => {
    const number = await imported(SIP);
    const outbound = await number.outbound();
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPOutboundTrunk', kind: 'drop_after', times: 3 });
    const answer = await number.update({ sip_server_address: 'sip.example.net' });
    expect(answer.status).toBe(503);
    expect(answer.body.detail).toMatch(/The phone number is being set back to what it was\.$/);
    expect(await number.get()).toMatchObject({ sip_server_address: 'sip.example.com', revision: 1 });
    expect((await number.outbound()).address).toBe('sip.example.net');
    await settle(service);
    expect(await number.outbound()).toEqual(outbound);
  });

  it('is rolled back before a request for the stored values is answered', async () => {
    const number = await imported(SIP);
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPOutboundTrunk', kind: 'drop_after', times: 3 });
    expect((await number.update({ sip_server_address: 'sip.example.net' })).status).toBe(503);
    expect((await number.outbound()).address).toBe('sip.example.net');
    const { status, body } = await number.update({ sip_server_address: 'sip.example.com' });
    expect({ status, revision: body.data.revision }).toEqual({ status: 200, revision: 1 });
    expect((await number.outbound()).address).toBe('sip.example.com');
    await settle(service);
    expect((await number.outbound()).address).toBe('sip.example.com');
  });

  it('says that it is being rolled back if that takes longer than the caller waits', async () => {
    const number = await imported(SIP);
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'answer', status: 400 });
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPInboundTrunk', kind: 'hold_before', skip: 1 });
    const answer = number.update({ inbound_room_name: 'sales', allowed_addresses: ['192.0.2.1'] });
    await service.sandbox.faults.holding();
    service.clock.advance(3_600_000);
    expect((await answer).body).toMatchObject({
      code: 'provider_error',
      detail: expect.stringMatching(/The phone number is being set back to what it was\.$/),
    });
    service.sandbox.faults.release();
    await settle(service);
    expect((await number.inbound()).allowedAddresses ?? []).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['a field of the other provider', { replace_existing_routing: true }, 'replace_existing_routing'],
    ['a field that no update has', { phone_number: '+15551234567' }, 'phone_number'],
    ['a user name without a password', { sip_password: null }, 'sip_password'],
    ['outbound without an address', { sip_server_address: null }, 'sip_server_address'],
    [
      'digest without credentials',
      { sip_username: null, sip_password: null, inbound_authentication: 'digest' },
      'inbound_authentication',
    ],
    ['metadata that is too large', { agent_metadata: { a: 'x'.repeat(17_000) } }, 'agent_metadata'],
    ['metadata with a member that JavaScript takes for a prototype', METADATA_OF_PROTO, 'agent_metadata'],
    ['metadata that is no object', { agent_metadata: [1] }, 'agent_metadata'],
    ['a PIN of letters', { inbound_pin: 'abcd' }, 'inbound_pin'],
    ['if_revision in the body', { if_revision: 1 }, 'if_revision'],
  ])('with %s names the field', async (_what, patch, path) => {
    const number = await imported(SIP);
    const { status, body } = await number.update(patch);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_request' });
    expect(body.issues).toContainEqual({ path, message: expect.any(String) });
    expect(await number.get()).toMatchObject({ revision: 1 });
  });

  it('with metadata nested deeper than any stack says so', async () => {
    const number = await imported(SIP);
    const deep = `{"agent_metadata":${'{"a":'.repeat(12_000)}1${'}'.repeat(12_000)}}`;
    const answer = await number.caller.rest('PATCH', number.path, deep);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  it('with a SIP field of a Twilio number says so', async () => {
    const number = await importedFromTwilio();
    const { status, body } = await number.update({ sip_username: 'user', allowed_addresses: ['192.0.2.1'] });
    expect(status).toBe(400);
    expect(body.issues).toEqual([
      { path: 'sip_username', message: 'is not a field of a number of twilio' },
      { path: 'allowed_addresses', message: 'is not a field of a number of twilio' },
    ]);
  });
});

describe('A revision', () => {
  const read = async (number: Number) => (await number.caller.rest('GET', number.path)).headers.get('etag');

  it('is the ETag of every answer, and no GET is answered 304 for it', async () => {
    const number = await imported(SIP);
    expect(await read(number)).toBe('"1"');
    const { headers } = await number.update({ label: 'x' });
    expect(headers.get('etag')).toBe('"2"');
    const again = await number.caller.rest('GET', number.path, undefined, { 'If-None-Match': '"2"' });
    expect(again).toMatchObject({ status: 200, body: { data: { revision: 2 } } });
  });

  it.each<[string, string, number]>([
    ['the revision', '"1"', 200],
    ['a list that has it', '"9", "1"', 200],
    ['any', '*', 200],
    ['another', '"2"', 412],
    ['a weak one', 'W/"1"', 412],
    ['a tag that is not ours', '"abc"', 412],
    ['an empty tag', '""', 412],
    ['one beside a tag with a comma in it', '"1", "a,b"', 200],
    ['a tag with a comma in it', '"a,1"', 412],
    ['an empty element of the list', '"9",, "1",', 200],
    ['an unterminated tag', '"1", "2', 400],
    ['something beside a tag', '"1", x', 400],
    ['the maximum number of tags', `${'"9", '.repeat(49)}"1"`, 200],
    ['a tag without quotes', '1', 400],
    ['nothing but a comma', ',', 400],
  ])('is compared with If-Match: %s', async (_what, header, status) => {
    const number = await imported(SIP);
    expect(await number.update({ label: 'x' }, { 'If-Match': header })).toMatchObject({ status });
    const assigned = await number.caller.rest(
      'POST',
      `${number.path}/assign`,
      { agent_id: 'a' },
      { 'If-Match': header },
    );
    // A successful update has changed the revision.
    expect(assigned.status).toBe(status === 200 && header !== '*' ? 412 : status);
    if (status === 412) expect(assigned.body.code).toBe('precondition_failed');
  });

  it('names the header when it has too many tags', async () => {
    const number = await imported(SIP);
    const { status, body } = await number.update({ label: 'x' }, { 'If-Match': `${'"9", '.repeat(50)}"1"` });
    expect({ status, issues: body.issues }).toEqual({
      status: 400,
      issues: [{ path: 'If-Match', message: 'must have at most 50 tags' }],
    });
  });

  it('must match for a release', async () => {
    const number = await imported(SIP);
    await number.update({ label: 'x' });
    expect((await number.caller.rest('DELETE', number.path, undefined, { 'If-Match': '"1"' })).status).toBe(412);
    expect((await number.caller.rest('DELETE', number.path, undefined, { 'If-Match': '"2"' })).status).toBe(200);
  });

  it('must match for an unassignment, unless its Idempotency-Key has been answered already', async () => {
    const number = await imported(SIP);
    const send = (verb: string, body: object | undefined, headers: Record<string, string>) =>
      number.caller.rest('POST', `${number.path}/${verb}`, body, headers);
    const headers = { 'If-Match': '"1"', 'Idempotency-Key': 'once' };
    const first = await send('assign', { agent_id: 'a' }, headers);
    expect(first).toMatchObject({ status: 200, body: { data: { revision: 2 } } });
    expect(await send('assign', { agent_id: 'a' }, headers)).toMatchObject({ status: 200, body: first.body });
    expect(await send('unassign', undefined, { 'If-Match': '"1"' })).toMatchObject({ status: 412 });
    expect(await send('unassign', undefined, { 'If-Match': '"2"' })).toMatchObject({ status: 200 });
  });

  it('is if_revision over tRPC, one or several', async () => {
    const number = await imported(SIP);
    const { update } = number.caller.client.phoneNumbers;
    const { phone_number_id } = number;
    await expect(update.mutate({ phone_number_id, label: 'x', if_revision: 7 })).rejects.toMatchObject({
      data: { code: 'precondition_failed', httpStatus: 412 },
    });
    expect((await update.mutate({ phone_number_id, label: 'x', if_revision: [7, 1] })).data.revision).toBe(2);
  });

  it('is checked before busy, and after not found', async () => {
    const number = await imported(SIP);
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'hold_before' });
    const first = number.update({ inbound_room_name: 'sales' });
    await service.sandbox.faults.holding();
    expect(await number.update({ label: 'x' }, { 'If-Match': '"7"' })).toMatchObject({ status: 412 });
    expect(await number.update({ label: 'x' }, { 'If-Match': '"1"' })).toMatchObject({ status: 409 });
    service.sandbox.faults.release();
    expect((await first).status).toBe(200);
    const other = await service.newOrganization();
    expect((await other.rest('PATCH', number.path, { label: 'x' }, { 'If-Match': '"7"' })).status).toBe(404);
  });

  it('lets one of fifty updates of the same revision through', async () => {
    const number = await imported(SIP);
    const updates = Array.from({ length: 50 }, (_, n) => number.update({ label: `${n}` }, { 'If-Match': '"1"' }));
    const statuses = (await Promise.all(updates)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.every((status) => [200, 409, 412].includes(status))).toBe(true);
    expect((await number.get()).revision).toBe(2);
  });
});

describe('During 200 updates', () => {
  it('trunk and rule exist and are bound at every moment', async () => {
    const number = await imported(SIP);
    const { inbound_trunk_id, dispatch_rule_id } = await number.get();
    let isDone = false;
    let looks = 0;
    const missed: unknown[] = [];
    const watch = async () => {
      for (; !isDone; await new Promise((resolve) => setTimeout(resolve, 5))) {
        const { inbound, rules } = await readWorld(service);
        looks++;
        const trunk = inbound.find(({ sipTrunkId }) => sipTrunkId === inbound_trunk_id);
        const rule = rules.find(({ sipDispatchRuleId }) => sipDispatchRuleId === dispatch_rule_id);
        if (!trunk?.numbers?.includes(number.phone_number) || !rule?.trunkIds?.includes(inbound_trunk_id))
          missed.push({ trunk, rule });
      }
    };
    const watching = watch();
    for (let n = 0; n < 200; n++) {
      const patch = {
        ...{ inbound_room_name: `room-${n}`, inbound_pin: `${1000 + n}`, sip_password: `pass-${n}` },
        ...{ agent_id: n % 2 ? null : 'reception', allowed_addresses: n % 3 ? null : ['192.0.2.1'] },
      };
      expect((await number.update(patch)).status).toBe(200);
    }
    isDone = true;
    await watching;
    expect(looks).toBeGreaterThan(10);
    expect(missed).toEqual([]);
  }, 300_000);
});
