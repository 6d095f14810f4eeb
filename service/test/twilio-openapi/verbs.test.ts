import { problemIn } from '@trunkline/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openSandbox, type Sandbox } from '../../src/sandbox/server.ts';
import { createMemoryShelf } from '../../src/sandbox/shelf.ts';
import type { NumberFields } from '../../src/sandbox/twilio-numbers.ts';
import { seedAccount } from '../../src/sandbox/twilio-seed.ts';
import { drawSid } from '../../src/sandbox/twilio-things.ts';
import { createTwilio } from '../../src/vendors/twilio.ts';
import { askTwilio } from '../conformance/twilio-wire.ts';
import { type Caller, drawNumber, type OpenedService, openService } from '../open-service.ts';
import { createTurnedClock } from '../turned-clock.ts';
import { expectWholeWorld, readWorld, settle } from '../world.ts';
import { exceptions, isException } from './exceptions.ts';
import { findDocuments } from './find-documents.ts';
import { type JudgingProxy, openJudgingProxy } from './proxy.ts';

const folder = findDocuments();

describe.skipIf(folder === undefined)("calls and answers follow Twilio's OpenAPI documents", () => {
  let sandbox: Sandbox;
  let proxy: JudgingProxy;
  let service: OpenedService;
  beforeAll(async () => {
    const clock = createTurnedClock();
    sandbox = await openSandbox({ shelf: createMemoryShelf(), clock, port: 0 });
    proxy = await openJudgingProxy(sandbox.url, folder ?? '');
    const environment = { PROVIDER_TIMEOUT_SECONDS: '2' };
    service = await openService({ environment, clock, sandbox, providers_url: proxy.url });
  });
  afterAll(async () => {
    await service?.close();
    await proxy?.close();
    await sandbox?.close();
  });
  afterEach(() => {
    sandbox.faults.clear();
    const { breaches } = proxy;
    const unexpected = breaches.filter((breach) => !isException(breach));
    breaches.splice(0, breaches.length, ...breaches.filter(isException));
    expect(unexpected).toEqual([]);
  });

  const both = { supports_inbound: true, supports_outbound: true } as const;

  /** A number of an integrated account; its SMS URL must never change. */
  const prepare = async (fields: NumberFields = {}) => {
    const [phone_number, another] = [drawNumber(), drawNumber()];
    const caller = await service.newOrganization();
    const sms_url = 'https://example.com/sms';
    const { integration_id, account_sid } = await service.integrate(caller, [
      { phone_number, sms_url, ...fields },
      { phone_number: another },
    ]);
    if (fields.trunk_sid) {
      const trunk = { sid: fields.trunk_sid, account_sid, friendly_name: 'Another' };
      await sandbox.shelf.put('twilio.trunk', String(fields.trunk_sid), trunk);
    }
    const input = {
      phone_number,
      provider: 'twilio',
      ...both,
      integration_id,
      replace_existing_routing: true,
    } as const;
    const number = async () =>
      (await readWorld(service)).numbers.find((it) => it.phone_number === phone_number) ?? expect.unreachable();
    return { caller, input, another, account_sid, number };
  };
  const importing = (caller: Caller, input: Awaited<ReturnType<typeof prepare>>['input']) =>
    caller.client.phoneNumbers.import.mutate(input);

  /** The routing takes effect, the answer is lost, and the next attempt is refused. */
  const refuseOnceRouted = async ({ caller, input }: Awaited<ReturnType<typeof prepare>>) => {
    sandbox.faults.add({ call: 'twilio.updateNumber', kind: 'drop_after' });
    sandbox.faults.add({ call: 'livekit.ListSIPInboundTrunk', kind: 'answer', status: 400, skip: 1 });
    expect(await importing(caller, input).catch(problemIn)).toMatchObject({ success: false });
    await settle(service);
  };

  it('for a first import, a later one, assigning and unassigning', async () => {
    const { caller, input, another, number } = await prepare();
    const before = await number();
    const { data } = await importing(caller, input);
    expect(await number()).toEqual({
      ...before,
      trunk_sid: expect.stringMatching(/^TK/),
      date_updated: expect.anything(),
    });
    const { phone_number_id } = data;
    await importing(caller, { ...input, phone_number: another });
    await caller.client.phoneNumbers.assign.mutate({ phone_number_id, agent_id: 'reception' });
    await caller.client.phoneNumbers.unassign.mutate({ phone_number_id });
    await expectWholeWorld(service);
  });

  it.each([
    { supports_inbound: true, supports_outbound: false },
    { supports_inbound: false, supports_outbound: true },
    { supports_inbound: false, supports_outbound: false },
  ])('for an import with %o', async (directions) => {
    const { caller, input } = await prepare();
    await caller.client.phoneNumbers.import.mutate({ ...input, ...directions });
  });

  it('for listing the numbers of an account page by page', async () => {
    const { caller, input } = await prepare();
    const read = (cursor?: string) =>
      caller.client.integrations.availableNumbers.query({
        integration_id: input.integration_id,
        page_size: 1,
        cursor,
      });
    const first = await read();
    const second = await read(first.pagination.next_cursor!);
    expect(second.pagination.has_more).toBe(false);
    expect([...first.data, ...second.data]).toHaveLength(2);
  });

  const url = { voice_url: 'https://example.com/voice', voice_method: 'GET' };
  const formerly: [string, NumberFields][] = [
    ['nowhere', {}],
    ['to a voice URL', url],
    ['to a voice URL with a fallback', { ...url, voice_fallback_url: 'https://example.com/fallback' }],
    ['to a voice application', { voice_application_sid: drawSid('AP') }],
    ['to another trunk', { trunk_sid: drawSid('TK') }],
    ['to another trunk, with a voice URL behind it', { ...url, trunk_sid: drawSid('TK') }],
  ];
  it.each(formerly)(
    'for a refused import of a number routed %s, whose routing is restored field by field',
    async (_where, former) => {
      const prepared = await prepare(former);
      const before = await prepared.number();
      await refuseOnceRouted(prepared);
      expect(await prepared.number()).toEqual({ ...before, date_updated: expect.anything() });
      await expectWholeWorld(service);
    },
  );

  it.each(formerly)(
    'for a release of a number routed %s, whose routing is restored field by field',
    async (_where, former) => {
      const { caller, input, number } = await prepare(former);
      const before = await number();
      const { data } = await importing(caller, input);
      await caller.client.phoneNumbers.release.mutate({ phone_number_id: data.phone_number_id });
      expect(await number()).toEqual({ ...before, date_updated: expect.anything() });
      await expectWholeWorld(service);
    },
  );

  it('for a number that leaves our trunk after its former trunk was deleted', async () => {
    const trunk_sid = drawSid('TK');
    const prepared = await prepare({ trunk_sid });
    await sandbox.shelf.remove('twilio.trunk', trunk_sid);
    await refuseOnceRouted(prepared);
    expect(await prepared.number()).toMatchObject({ trunk_sid: null });
  });

  it.each([
    'twilio.createTrunk',
    'twilio.createOriginationUrl',
    'twilio.createCredentialList',
    'twilio.createCredential',
    'twilio.createPermission',
  ])('for finding what %s made when the answer was lost', async (call) => {
    const { caller, input } = await prepare();
    sandbox.faults.add({ call, kind: 'drop_after' });
    await importing(caller, input);
    await settle(service);
    await expectWholeWorld(service);
  });

  it('for refusals', async () => {
    const { caller, input, account_sid } = await prepare();
    const wrong = { provider: 'twilio', account_sid, auth_token: '0'.repeat(32) } as const;
    const refused = await caller.client.integrations.create
      .mutate({ name: 'Wrong', credentials: wrong })
      .catch(problemIn);
    expect(refused).toMatchObject({ code: 'provider_credentials_refused' });
    const nobodys = { ...input, phone_number: drawNumber() };
    expect(await importing(caller, nobodys).catch(problemIn)).toMatchObject({ code: 'phone_number_not_owned' });
  });

  it('for removing what was made', async () => {
    const { sid: account_sid, auth_token } = await seedAccount(sandbox.shelf, []);
    const connect = createTwilio({ url: proxy.url, timeout_ms: 10_000, measureCall: (_call, run) => run() });
    const twilio = connect({ provider: 'twilio', account_sid, auth_token });
    const trunk = await twilio.createTrunk({ name: 'name', domain_name: 'taken-away.pstn.twilio.com', secure: true });
    const list = await twilio.createCredentialList('name');
    const credential = { username: 'user', password: 'A-password-with-1-digit' };
    const credential_sid = await twilio.createCredential(list, credential);
    const origination = { name: 'name', sip_url: 'sip:example.com;transport=tls' };
    const origination_sid = await twilio.createOriginationUrl(trunk, origination);
    await twilio.permit(trunk, list);
    await twilio.revoke(trunk, list);
    await twilio.removeOriginationUrl(trunk, origination_sid);
    await twilio.removeCredential(list, credential_sid);
    await twilio.removeCredentialList(list);
    await twilio.removeTrunk(trunk);
    await twilio.removeTrunk(trunk);
    await expect(
      twilio.createTrunk({ name: 'name', domain_name: 'taken-away.pstn.twilio.com', secure: true }),
    ).rejects.toThrow('21248');
  });

  it('for changing the call transfers of an existing trunk', async () => {
    const { caller, input, account_sid } = await prepare();
    await importing(caller, input);
    const { integration_id } = input;
    const at = new Date(service.clock.now());
    const due = { 'provisioning.due_at': at, 'provisioning.uncertain_until': at };
    await service.connection
      .collection('integrations')
      .updateOne({ integration_id }, { $set: { call_transfers: 'all', ...due } });
    await settle(service);
    const trunks = (await readWorld(service)).trunks.filter((trunk) => trunk.account_sid === account_sid);
    expect(trunks).toMatchObject([{ transfer_mode: 'enable-all' }]);
  });

  it('for moving a number to the Region of its integration, and back', async () => {
    const caller = await service.newOrganization();
    const phone_number = drawNumber();
    const token = 'e'.repeat(32);
    const { sid, auth_token } = await seedAccount(sandbox.shelf, [{ phone_number }], {
      regional_tokens: { ie1: token },
    });
    const of = { provider: 'twilio', account_sid: sid, auth_token: token, region: 'ie1' } as const;
    const credentials = { ...of, routing_credentials: { auth_token } };
    const { data } = await caller.client.integrations.create.mutate({ name: 'Ireland', credentials });
    const { integration_id } = data;
    const input = {
      phone_number,
      provider: 'twilio',
      ...both,
      integration_id,
      replace_existing_routing: true,
    } as const;
    const { phone_number_id } = (await importing(caller, input)).data;
    expect(await sandbox.shelf.get('twilio.route', phone_number)).toMatchObject({ voice_region: 'ie1' });
    await caller.client.phoneNumbers.release.mutate({ phone_number_id });
    expect(await sandbox.shelf.get('twilio.route', phone_number)).toMatchObject({ voice_region: 'us1' });
  });

  it('for finding a verified caller ID and importing it for outbound calls', async () => {
    const { caller, input, account_sid } = await prepare();
    const { integration_id } = input;
    const phone_number = drawNumber();
    const sid = drawSid('PN');
    const dates = { date_created: '2024-01-15T10:30:00.000Z', date_updated: '2024-01-15T10:30:00.000Z' };
    const caller_id = { sid, account_sid, phone_number, friendly_name: 'Ours', ...dates };
    await sandbox.shelf.put('twilio.caller_id', sid, caller_id);
    await caller.client.phoneNumbers.import.mutate({
      ...{ phone_number, provider: 'twilio', integration_id },
      supports_outbound: true,
    });
  });

  it('for calls that the service does not make yet', async () => {
    const phone_number = drawNumber();
    const domain_name = `stand-in-${phone_number.slice(1)}.pstn.twilio.com`;
    const { sid, auth_token } = await seedAccount(sandbox.shelf, [{ phone_number, voice_region: 'ie1' }]);
    const caller_id = { sid: drawSid('PN'), account_sid: sid, phone_number: drawNumber(), friendly_name: 'Ours' };
    const dates = { date_created: '2024-01-15T10:30:00.000Z', date_updated: '2024-01-15T10:30:00.000Z' };
    await sandbox.shelf.put('twilio.caller_id', caller_id.sid, { ...caller_id, ...dates });
    const ask = askTwilio(proxy.url, { user: sid, password: auth_token });
    const account = `/2010-04-01/Accounts/${sid}`;
    expect(await ask('GET', `${account}.json`)).toMatchObject({ status: 200, body: { owner_account_sid: sid } });
    expect(await ask('GET', `${account}/OutgoingCallerIds.json`)).toMatchObject({
      status: 200,
      body: { outgoing_caller_ids: [{ phone_number: caller_id.phone_number }] },
    });
    const { body: trunk } = await ask('POST', '/v1/Trunks', { FriendlyName: 'name', DomainName: domain_name });
    expect(await ask('GET', `/v1/Trunks/${trunk.sid}`)).toMatchObject({ status: 200, body: { auth_type: '' } });
    const { body: numbers } = await ask('GET', `${account}/IncomingPhoneNumbers.json?PageSize=1`);
    const PhoneNumberSid = numbers.incoming_phone_numbers[0].sid;
    const onTrunk = `/v1/Trunks/${trunk.sid}/PhoneNumbers`;
    expect(await ask('POST', onTrunk, { PhoneNumberSid })).toMatchObject({ status: 201 });
    expect(await ask('GET', onTrunk)).toMatchObject({ body: { phone_numbers: [{ sid: PhoneNumberSid }] } });
    expect(await ask('GET', `${onTrunk}/${PhoneNumberSid}`)).toMatchObject({ body: { trunk_sid: trunk.sid } });
    expect(await ask('DELETE', `${onTrunk}/${PhoneNumberSid}`)).toMatchObject({ status: 204 });
    for (const [path, region] of [
      [`/v2/PhoneNumbers/${phone_number}`, 'ie1'],
      [`/v2/Trunks/${domain_name}`, 'us1'],
    ]) {
      expect(await ask('GET', `${path}`)).toMatchObject({ status: 200, body: { voice_region: region } });
      expect(await ask('POST', `${path}`, { VoiceRegion: 'au1' })).toMatchObject({ body: { voice_region: 'au1' } });
    }
  });

  it('with no more exceptions than needed', () => {
    const met = proxy.breaches.filter(isException);
    const unmet = exceptions.filter(({ call, at }) => !met.some((breach) => breach.call === call && breach.at === at));
    expect(unmet).toEqual([]);
  });
});
