import { problemIn } from '@trunkline/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { drawSid } from '../src/sandbox/twilio-things.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService({ environment: { PROVIDER_TIMEOUT_SECONDS: '2' } });
});
afterEach(() => service.sandbox.faults.clear());
afterAll(() => service.close());

const both = { supports_inbound: true, supports_outbound: true } as const;

const prepare = async () => {
  const phone_number = drawNumber();
  const caller = await service.newOrganization();
  const voice_url = 'https://example.com/before';
  const { integration_id, account_sid } = await service.integrate(caller, [{ phone_number, voice_url }]);
  const input = { phone_number, provider: 'twilio', ...both, integration_id, agent_id: 'reception' } as const;
  const number = async () =>
    (await readWorld(service)).numbers.find((it) => it.phone_number === phone_number) ?? expect.unreachable();
  return { caller, input, account_sid, number };
};

describe('an import that a provider answers with success, but carries out differently', () => {
  const otherTrunk = `TK${'7'.repeat(32)}`;
  const otherList = `CL${'7'.repeat(32)}`;

  it.each<[what: string, call: string, instead: Record<string, unknown>, told: string]>([
    ['the number stays where it is', 'twilio.updateNumber', { TrunkSid: null }, 'trunk_sid is null'],
    ['the number is on another trunk', 'twilio.updateNumber', { TrunkSid: otherTrunk }, `trunk_sid is "${otherTrunk}"`],
    [
      'the trunk has another domain',
      'twilio.createTrunk',
      { DomainName: 'other.pstn.twilio.com' },
      'domain_name is "other.pstn.twilio.com"',
    ],
    ['the trunk wants encryption', 'twilio.createTrunk', { Secure: 'true' }, 'secure is true instead of false'],
    [
      'the trunk lets calls be transferred',
      'twilio.createTrunk',
      { TransferMode: 'enable-all' },
      'call_transfers is "all" instead of "disabled"',
    ],
    ['the trunk sends no calls', 'twilio.createOriginationUrl', { Enabled: 'false' }, 'enabled is false'],
    [
      'the trunk sends calls elsewhere',
      'twilio.createOriginationUrl',
      { SipUrl: 'sip:elsewhere.example' },
      'sip_url is "sip:elsewhere.example"',
    ],
    [
      'another list is permitted',
      'twilio.createPermission',
      { CredentialListSid: otherList },
      `credential_list_sid is "${otherList}"`,
    ],
    ['the trunk takes no credentials', 'twilio.fetchTrunk', { auth_type: '' }, 'auth_type is "" instead of'],
    [
      'the inbound trunk is for another number',
      'livekit.CreateSIPInboundTrunk',
      { trunk: { numbers: ['+15550009999'] } },
      'numbers is ["+15550009999"]',
    ],
    [
      'the inbound trunk is open to every address',
      'livekit.CreateSIPInboundTrunk',
      { trunk: { allowedAddresses: ['0.0.0.0/0'] } },
      'allowed_addresses is ["0.0.0.0/0"]',
    ],
    [
      'the outbound trunk dials by another name',
      'livekit.CreateSIPOutboundTrunk',
      { trunk: { authUsername: 'another' } },
      'username is "another"',
    ],
    [
      'the outbound trunk leads elsewhere',
      'livekit.CreateSIPOutboundTrunk',
      { trunk: { address: 'elsewhere.example' } },
      'address is "elsewhere.example"',
    ],
    [
      'the rule has another room',
      'livekit.CreateSIPDispatchRule',
      { rule: { dispatchRuleIndividual: { roomPrefix: 'other' } } },
      'room_prefix is "other" instead of "call"',
    ],
  ])('answers a problem with the difference, and leaves nothing, if %s', async (_what, call, instead, told) => {
    const { caller, input, account_sid, number } = await prepare();
    const before = await number();
    const { shelf, faults } = service.sandbox;
    await shelf.put('twilio.trunk', otherTrunk, { sid: otherTrunk, account_sid, friendly_name: 'Another' });
    await shelf.put('twilio.credential_list', otherList, { sid: otherList, account_sid, friendly_name: 'Another' });
    faults.add({ call, kind: 'not_as_asked', body: instead });
    const problem = await caller.client.phoneNumbers.import.mutate(input).catch(problemIn);
    expect(problem).toMatchObject({ code: 'provider_error', status: 502, detail: expect.stringContaining(told) });
    await settle(service);
    await expectWholeWorld(service);
    if (instead.TrunkSid !== otherTrunk) expect(await number()).toEqual({ ...before, date_updated: expect.anything() });

    await shelf.put('twilio.number', before.sid, before);
    await caller.client.phoneNumbers.import.mutate(input);
    await settle(service);
    await expectWholeWorld(service);
  });
});

describe('an update that LiveKit answers with success, but carries out differently', () => {
  it.each<[what: string, call: string, instead: Record<string, unknown>, patch: object, told: string]>([
    [
      'the inbound trunk is open',
      'livekit.UpdateSIPInboundTrunk',
      { update: { allowedAddresses: { set: ['0.0.0.0/0'] } } },
      { allowed_addresses: ['192.0.2.1'] },
      'allowed_addresses is ["0.0.0.0/0"]',
    ],
    [
      'inbound calls are not encrypted',
      'livekit.UpdateSIPInboundTrunk',
      { update: { media: null, mediaEncryption: null } },
      { media_encryption: 'require' },
      'media_encryption is "allow" instead of "require"',
    ],
    [
      'inbound calls must still be encrypted',
      'livekit.UpdateSIPInboundTrunk',
      { update: { media: { encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE' } } },
      { media_encryption: 'disable' },
      'media_encryption is "require" instead of "disable"',
    ],
    [
      'outbound calls must be encrypted',
      'livekit.UpdateSIPOutboundTrunk',
      { update: { media: { encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE' } } },
      { sip_transport: 'tls' },
      'media_encryption is "require" instead of "allow"',
    ],
    [
      'outbound calls use another transport',
      'livekit.UpdateSIPOutboundTrunk',
      { update: { transport: 'SIP_TRANSPORT_UDP' } },
      { sip_transport: 'tls' },
      'transport is "SIP_TRANSPORT_UDP" instead of "SIP_TRANSPORT_TLS"',
    ],
  ])('answers a problem with the difference, and is rolled back, if %s', async (_what, call, instead, patch, told) => {
    const caller = await service.newOrganization();
    const sip = {
      phone_number: drawNumber(),
      provider: 'sip',
      sip_server_address: 'sip.example.com',
      ...both,
    } as const;
    const { phone_number_id } = (await caller.client.phoneNumbers.import.mutate(sip)).data;
    const get = async () => {
      const { provisioning, updated_at, ...number } = (await caller.client.phoneNumbers.get.query({ phone_number_id }))
        .data;
      return number;
    };
    const before = await get();
    service.sandbox.faults.add({ call, kind: 'not_as_asked', body: instead });
    const { status, body } = await caller.rest('PATCH', `/api/phone-numbers/${phone_number_id}`, patch);
    expect({ status, detail: body.detail }).toEqual({ status: 502, detail: expect.stringContaining(told) });
    await settle(service);
    expect(await get()).toEqual(before);
    await expectWholeWorld(service);
    expect((await caller.rest('PATCH', `/api/phone-numbers/${phone_number_id}`, patch)).status).toBe(200);
    await expectWholeWorld(service);
  });
});

describe('a dispatch rule that LiveKit creates without its agent', () => {
  it('is updated with the agent at once', async () => {
    const { caller, input } = await prepare();
    const { faults } = service.sandbox;
    faults.add({ call: 'livekit.CreateSIPDispatchRule', kind: 'not_as_asked', body: { roomConfig: null } });
    const { data } = await caller.client.phoneNumbers.import.mutate(input);
    const rule = await service.sandbox.shelf.get('livekit.dispatch_rule', data.dispatch_rule_id ?? '');
    expect(rule).toMatchObject({ roomConfig: { agents: [{ agentName: input.agent_id }] } });
    await expectWholeWorld(service);
  });

  it('causes a problem with the difference, and nothing is left, if the update does not help', async () => {
    const { caller, input } = await prepare();
    const { faults } = service.sandbox;
    faults.add({ call: 'livekit.CreateSIPDispatchRule', kind: 'not_as_asked', body: { roomConfig: null } });
    faults.add({
      call: 'livekit.UpdateSIPDispatchRule',
      kind: 'not_as_asked',
      body: { replace: { room_config: null } },
    });
    const problem = await caller.client.phoneNumbers.import.mutate(input).catch(problemIn);
    expect(problem).toMatchObject({
      ...{ code: 'provider_error', status: 502, detail: expect.stringContaining('agents is [] instead of') },
    });
    await settle(service);
    await expectWholeWorld(service);
  });

  const refused = { kind: 'answer', status: 403, body: { code: 'permission_denied', msg: 'no' } } as const;
  const busy = { kind: 'answer', status: 429, retry_after_seconds: 1 } as const;
  const unlisted = { kind: 'not_as_asked', body: { dispatchRuleIds: ['SDR_none'] } } as const;
  it.each([
    ['does not list the rule yet', unlisted, undefined],
    ['refuses to list the rule, and then to delete it', refused, refused],
  ])('causes a problem, and nothing is left, if LiveKit %s', async (_what, list, removal) => {
    const { caller, input } = await prepare();
    const { faults } = service.sandbox;
    faults.add({ call: 'livekit.CreateSIPDispatchRule', kind: 'not_as_asked', body: { roomConfig: null } });
    faults.add({ call: 'livekit.ListSIPDispatchRule', ...list });
    if (removal) faults.add({ call: 'livekit.DeleteSIPDispatchRule', ...removal });
    expect(await caller.client.phoneNumbers.import.mutate(input).catch(problemIn)).toMatchObject({
      code: 'provider_error',
    });
    await settle(service);
    await expectWholeWorld(service);
  });

  it('is updated with the agent later, if LiveKit is too busy to list the rule and to delete it', async () => {
    const { caller, input } = await prepare();
    const { faults, shelf } = service.sandbox;
    faults.add({ call: 'livekit.CreateSIPDispatchRule', kind: 'not_as_asked', body: { roomConfig: null } });
    faults.add({ call: 'livekit.ListSIPDispatchRule', ...busy });
    faults.add({ call: 'livekit.DeleteSIPDispatchRule', ...busy });
    const { data } = await caller.client.phoneNumbers.import.mutate(input);
    const rule = await shelf.get('livekit.dispatch_rule', data.dispatch_rule_id ?? '');
    expect(rule).toMatchObject({ roomConfig: { agents: [{ agentName: input.agent_id }] } });
    await settle(service);
    await expectWholeWorld(service);
  });
});

describe('a permission of which it is unknown whether it took effect', () => {
  it.each<[how: string, fault: object, code: string]>([
    ['the trunk is not read', { kind: 'answer', status: 400, times: 1 }, 'provider_error'],
    ['the trunk is never read', { kind: 'answer', status: 503, times: 100 }, 'provider_unavailable'],
    ['the answer is lost', { kind: 'drop_after', times: 100 }, 'provider_unavailable'],
  ])('causes a problem and is made again by the next import, if %s', async (_how, fault, code) => {
    const { caller, input, account_sid } = await prepare();
    service.sandbox.faults.add({ call: 'twilio.fetchTrunk', ...fault } as never);
    expect(await caller.client.phoneNumbers.import.mutate(input).catch(problemIn)).toMatchObject({ code });
    const permissions = async () =>
      (await readWorld(service)).permissions.filter((one) => one.account_sid === account_sid).length;
    expect(await permissions()).toBe(0);
    service.sandbox.faults.clear();
    await settle(service);
    await caller.client.phoneNumbers.import.mutate(input);
    await settle(service);
    expect(await permissions()).toBe(1);
    await expectWholeWorld(service);
  });

  it('is found again if it could not be removed', async () => {
    const { caller, input } = await prepare();
    service.sandbox.faults.add({ call: 'twilio.fetchTrunk', kind: 'answer', status: 400 });
    service.sandbox.faults.add({ call: 'twilio.deletePermission', kind: 'drop_before' });
    await caller.client.phoneNumbers.import.mutate(input).catch(problemIn);
    const calls = service.sandbox.faults.calls.length;
    await settle(service);
    await caller.client.phoneNumbers.import.mutate(input);
    await settle(service);
    expect(service.sandbox.faults.calls.slice(calls)).not.toContain('twilio.createPermission');
    await expectWholeWorld(service);
  });
});

describe('an assignment that LiveKit answers with success, but carries out differently', () => {
  it('answers a problem with the difference, and the rule matches the record again', async () => {
    const { caller, input } = await prepare();
    const { agent_id, ...unassigned } = input;
    const { data } = await caller.client.phoneNumbers.import.mutate(unassigned);
    const { phone_number_id } = data;
    const other = { replace: { room_config: { agents: [{ agent_name: 'other' }] } } };
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'not_as_asked', body: other });
    const problem = await caller.client.phoneNumbers.assign.mutate({ phone_number_id, agent_id }).catch(problemIn);
    const detail = expect.stringContaining('agents is ["other"] instead of ["reception"]');
    expect(problem).toMatchObject({ code: 'provider_error', detail });
    await settle(service);
    const rules: { sipDispatchRuleId?: string; roomConfig?: object }[] = (await readWorld(service)).rules;
    const rule = rules.find(({ sipDispatchRuleId }) => sipDispatchRuleId === data.dispatch_rule_id);
    expect(rule).not.toHaveProperty('roomConfig');
    await caller.client.phoneNumbers.assign.mutate({ phone_number_id, agent_id });
  });
});

describe('restoring a routing that Twilio answers with success, but does not carry out', () => {
  it('is retried until the number is off our trunk', async () => {
    const { caller, input, number } = await prepare();
    const before = await number();
    const { faults } = service.sandbox;
    faults.add({ call: 'twilio.updateNumber', kind: 'drop_after' });
    faults.add({ call: 'livekit.ListSIPInboundTrunk', kind: 'answer', status: 400, skip: 1 });
    const unheard = { TrunkSid: null, VoiceUrl: null };
    faults.add({ call: 'twilio.updateNumber', kind: 'not_as_asked', body: unheard, times: 2 });
    await expect(caller.client.phoneNumbers.import.mutate(input)).rejects.toThrow();
    await settle(service);
    expect(await number()).toEqual({ ...before, date_updated: expect.anything() });
    await expectWholeWorld(service);
  });

  it.each<[what: string, restored: object, is: object]>([
    ['another voice URL', { VoiceUrl: 'https://elsewhere.example' }, { voice_url: 'https://elsewhere.example' }],
    ['no voice application', { VoiceApplicationSid: null }, { voice_application_sid: '' }],
  ])('is told of if the number then has %s', async (_what, restored, is) => {
    const { caller, input, number } = await prepare();
    const { faults, shelf } = service.sandbox;
    const voice = { voice_url: 'https://user:word@example.com/', voice_application_sid: drawSid('AP') };
    await shelf.put('twilio.number', (await number()).sid, { ...(await number()), ...voice });
    const asked = { ...input, agent_id: undefined, replace_existing_routing: true };
    const { phone_number_id } = (await caller.client.phoneNumbers.import.mutate(asked)).data;
    const path = `/api/phone-numbers/${phone_number_id}`;
    faults.add({ call: 'twilio.updateNumber', kind: 'not_as_asked', body: { TrunkSid: '', ...restored } });
    expect(await caller.rest('DELETE', path)).toMatchObject({ status: 202 });
    const { detail } = (await caller.rest('GET', path)).body.data.provisioning.problem;
    expect(detail).toMatch(/voice_\w+ is .* instead of/);
    expect(detail).not.toContain('word');
    await settle(service);
    expect(await number()).toMatchObject({ trunk_sid: null, ...is });
    const released = { type: 'phone_number.released', subject_id: phone_number_id };
    expect(await service.connection.collection('events').findOne(released)).toMatchObject({
      changes: { problem: expect.stringContaining('is not routed as it was before the import') },
    });
    await expectWholeWorld(service);
  });
});

it('a domain name that differs only in upper and lower case is accepted', async () => {
  const { caller, input } = await prepare();
  const { integration_id } = input;
  const domain_name = `TRUNKLINE-${drawSid('X')}.pstn.twilio.com`.toLowerCase();
  await service.connection
    .collection('integrations')
    .updateOne({ integration_id }, { $set: { 'carrier.domain_name': domain_name } });
  const shouted = { DomainName: domain_name.replace('trunkline', 'TRUNKLINE') };
  service.sandbox.faults.add({ call: 'twilio.createTrunk', kind: 'not_as_asked', body: shouted });
  await caller.client.phoneNumbers.import.mutate(input);
  expect((await readWorld(service)).trunks).toContainEqual(
    expect.objectContaining({ domain_name: shouted.DomainName }),
  );
});
