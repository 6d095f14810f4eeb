import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createIntegrationStore } from '../src/integrations/store.ts';
import type { TwilioAccountState } from '../src/sandbox/twilio-accounts.ts';
import { seedAccount, seedNumber } from '../src/sandbox/twilio-seed.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

let service: OpenedService;
let replica: OpenedService;
beforeAll(async () => {
  service = await openService({
    environment: { PROVIDER_TIMEOUT_SECONDS: '20', LEASE_SECONDS: '60', IMPORT_DEADLINE_SECONDS: '3600' },
  });
  replica = await service.openReplica({ admin: service.admin });
});
afterEach(() => service.sandbox.faults.clear());
afterAll(async () => {
  await replica.close();
  await service.close();
});

const refusal = { kind: 'answer', status: 401, body: { code: 20_003, message: 'Authenticate', status: 401 } } as const;

/** An integrated account that owns numbers. */
const prepare = async (count = 1, more: object = {}) => {
  const caller = await service.newOrganization();
  const numbers = Array.from({ length: count }, () => drawNumber());
  const { shelf } = service.sandbox;
  const account = await seedAccount(
    shelf,
    numbers.map((phone_number) => ({ phone_number })),
  );
  const of = { provider: 'twilio', account_sid: account.sid } as const;
  const token = { ...of, auth_token: account.auth_token };
  const { data } = await caller.client.integrations.create.mutate({ name: 'Test', credentials: token, ...more });
  const { integration_id } = data;
  const path = `/api/integrations/${integration_id}`;
  const [key] = account.api_keys;
  return {
    ...{ caller, numbers, account, path, integration_id, of, token },
    key: { ...of, api_key_sid: key!.sid, api_key_secret: key!.secret },
    update: (input: object, headers?: Record<string, string>) => caller.rest('PUT', path, input, headers),
    get: async () => (await caller.client.integrations.get.query({ integration_id })).data,
    importing: (phone_number = numbers[0], at = service) =>
      at.as(caller).rest('POST', '/api/phone-numbers', {
        ...{ phone_number, provider: 'twilio', supports_inbound: true, supports_outbound: true, integration_id },
      }),
    /** Changes the account at Twilio. */
    change: (changes: Partial<TwilioAccountState>) =>
      shelf.put('twilio.account', account.sid, { ...account, ...changes }),
    events: async () =>
      (await service.connection.collection('events').find({ subject_id: integration_id }).toArray()).map(
        ({ type, changes }) => ({ type, changes }),
      ),
    trunk: async () => (await readWorld(service)).trunks.find((it) => it.account_sid === account.sid),
  };
};

describe('An update of an integration', () => {
  it('renames it, and gives it a revision and an event', async () => {
    const { update, get, events } = await prepare();
    const { status, body, headers } = await update({ name: 'Europe' });
    expect({ status, tag: headers.get('etag') }).toEqual({ status: 200, tag: '"2"' });
    expect(body.data).toEqual({ ...(await get()), name: 'Europe', revision: 2 });
    expect((await events()).at(-1)).toEqual({ type: 'integration.updated', changes: { name: 'Europe' } });
  });

  it('that changes nothing leaves no trace', async () => {
    const { update, events } = await prepare();
    const { status, body } = await update({ name: 'Test', call_transfers: 'disabled' });
    expect({ status, revision: body.data.revision }).toEqual({ status: 200, revision: 1 });
    expect(await events()).toHaveLength(1);
  });

  it('must name a field, and only fields of an integration', async () => {
    const { update } = await prepare();
    for (const input of [{}, { colour: 'red' }, { name: '' }, { call_transfers: null }]) {
      const { status, body } = await update(input);
      expect({ input, status, code: body.code }).toEqual({ input, status: 400, code: 'invalid_request' });
    }
  });

  it('answers 404 for an unknown integration', async () => {
    const { caller } = await prepare();
    const { status, body } = await caller.rest('PUT', '/api/integrations/intg_000000000000', { name: 'x' });
    expect({ status, code: body.code }).toEqual({ status: 404, code: 'integration_not_found' });
  });

  it('answers 412 for another revision, and lets one of twenty concurrent updates of the same revision through', async () => {
    const { update, get } = await prepare();
    const { status, body } = await update({ name: 'x' }, { 'If-Match': '"7"' });
    expect({ status, code: body.code }).toEqual({ status: 412, code: 'precondition_failed' });
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, n) => update({ name: `${n}` }, { 'If-Match': '"1"' })),
    );
    expect(all.map((it) => it.status).toSorted()).toEqual([200, ...Array.from({ length: 19 }, () => 412)]);
    expect((await get()).revision).toBe(2);
  });

  it('answers 412 over tRPC for another if_revision, one or several', async () => {
    const { caller, integration_id } = await prepare();
    const { update } = caller.client.integrations;
    await expect(update.mutate({ integration_id, name: 'x', if_revision: 7 })).rejects.toMatchObject({
      data: { code: 'precondition_failed', httpStatus: 412 },
    });
    expect((await update.mutate({ integration_id, name: 'x', if_revision: [7, 1] })).data.revision).toBe(2);
  });

  it('can run beside updates of other fields: all take effect', async () => {
    const { update, get, key } = await prepare();
    const all = await Promise.all([
      update({ name: 'A' }),
      update({ call_transfers: 'sip' }),
      update({ credentials: key }),
    ]);
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await get()).toMatchObject({ name: 'A', call_transfers: 'sip', credential_kind: 'api_key', revision: 4 });
  });
});

describe('New credentials', () => {
  it('replace the former ones: a key for a token, and a token for a key', async () => {
    const { update, importing, key, of, change, events, numbers } = await prepare(2);
    expect((await importing()).status).toBe(201);
    expect((await update({ credentials: key })).body.data.credential_kind).toBe('api_key');
    await change({ auth_token: 'a-new-token' });
    const available = await update({ credentials: { ...of, auth_token: 'a-new-token' } });
    expect(available.body.data.credential_kind).toBe('auth_token');
    await change({ auth_token: 'a-new-token', api_keys: [] });
    expect((await importing(numbers[1])).status).toBe(201);
    const told = (await events()).slice(1);
    expect(told.map(({ type }) => type)).toEqual(['integration.updated', 'integration.updated']);
    expect(JSON.stringify(told)).not.toContain('a-new-token');
  });

  it('change nothing if Twilio refuses them', async () => {
    const { update, get, token, importing } = await prepare();
    const before = await get();
    const { status, body } = await update({ name: 'x', credentials: { ...token, auth_token: 'wrong' } });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'provider_credentials_refused' });
    expect(await get()).toEqual(before);
    expect((await importing()).status).toBe(201);
  });

  it('of another account or Region are refused: that is another integration', async () => {
    const { update, token } = await prepare();
    const { key: other } = await prepare();
    for (const [credentials, path] of [
      [other, 'credentials.account_sid'],
      [{ ...token, region: 'ie1' }, 'credentials.region'],
    ] as const) {
      const { status, body } = await update({ credentials });
      expect({ status, path: body.issues[0].path }).toEqual({ status: 400, path });
      expect(body.detail).toContain('is another integration');
    }
  });

  it('are refused if they do not reach every number, naming those out of reach', async () => {
    const { update, numbers, importing, key, account, get } = await prepare(3);
    for (const phone_number of numbers) expect((await importing(phone_number)).status).toBe(201);
    const { shelf } = service.sandbox;
    const [lost] = (await readWorld(service)).numbers.filter((it) => it.phone_number === numbers[1]);
    await shelf.remove('twilio.number', lost!.sid);
    const { status, body } = await update({ credentials: key });
    expect({ status, code: body.code, count: body.phone_number_count }).toEqual({
      ...{ status: 400, code: 'phone_number_not_owned', count: 1 },
    });
    expect(body.phone_numbers).toEqual([
      { phone_number: numbers[1], phone_number_id: expect.stringMatching(/^phon_/) },
    ]);
    expect(body.detail).toContain(numbers[1]);
    // The same digits, bought again, are a different number.
    await seedNumber(shelf, account, { phone_number: numbers[1]! });
    expect((await update({ credentials: key })).status).toBe(400);
    await shelf.put('twilio.number', lost!.sid, lost!);
    expect((await update({ credentials: key })).status).toBe(200);
    expect((await get()).credential_kind).toBe('api_key');
  });

  it('are refused naming the first hundred numbers out of reach, and how many there are', async () => {
    const { update, key, integration_id, importing, caller } = await prepare();
    expect((await importing()).status).toBe(201);
    const numbers = service.connection.collection('phone_numbers');
    const { _id, ...row } = (await numbers.findOne({ integration_id }))!;
    const more = Array.from({ length: 700 }, (_, n) => {
      const [phone_number, phone_number_id] = [`+1444${1_000_000 + n}`, `phon_${n.toString(16).padStart(12, '0')}`];
      const known = { ...row.provisioning.known, number_sid: `PN${n.toString(16).padStart(32, '0')}` };
      return {
        ...row,
        phone_number,
        phone_number_id,
        holds: phone_number,
        provisioning: { ...row.provisioning, known },
      };
    });
    await numbers.insertMany(more);
    const { status, body } = await update({ credentials: key });
    expect({ status, count: body.phone_number_count, listed: body.phone_numbers.length }).toEqual({
      ...{ status: 400, count: 700, listed: 100 },
    });
    expect(body.detail).toContain('690 more');
    await numbers.deleteMany({ organization_id: caller.organization_id, phone_number: /^\+1444/ });
  });

  it('make a refused integration active again, with an event', async () => {
    const { update, importing, of, change, events, get } = await prepare();
    await change({ auth_token: 'a-new-token' });
    expect((await importing()).body.code).toBe('provider_credentials_refused');
    expect((await get()).status).toBe('refused');
    const { body } = await update({ credentials: { ...of, auth_token: 'a-new-token' } });
    expect(body.data.status).toBe('active');
    expect((await events()).slice(1).map(({ type }) => type)).toEqual([
      'integration.refused',
      'integration.updated',
      'integration.accepted',
    ]);
    expect((await importing()).status).toBe(201);
  });

  it('keep the routing credentials if they name none', async () => {
    const caller = await service.newOrganization();
    const regional_tokens = { ie1: 'e'.repeat(32) };
    const account = await seedAccount(service.sandbox.shelf, [{ phone_number: drawNumber() }], { regional_tokens });
    const credentials = { provider: 'twilio', account_sid: account.sid, auth_token: 'e'.repeat(32), region: 'ie1' };
    const [key] = account.api_keys;
    const routing_credentials = { api_key_sid: key!.sid, api_key_secret: key!.secret };
    const { body } = await caller.rest('POST', '/api/integrations', {
      ...{ name: 'Test', credentials: { ...credentials, routing_credentials } },
    });
    const path = `/api/integrations/${body.data.integration_id}`;
    /** Only the routing credentials can read the Region. */
    const region = async () =>
      (await caller.rest('GET', `${path}/available-numbers?include=region`)).body.data[0].voice_region;
    expect((await caller.rest('PUT', path, { credentials })).body.data.has_routing_credentials).toBe(true);
    expect(await region()).toBe('us1');
    const replaced = { ...credentials, routing_credentials: { auth_token: account.auth_token } };
    expect((await caller.rest('PUT', path, { credentials: replaced })).status).toBe(200);
    await service.sandbox.shelf.put('twilio.account', account.sid, { ...account, api_keys: [] });
    service.clock.advance(20_000);
    expect(await region()).toBe('us1');
  });

  it.each(['drop_before', 'drop_after', 'answer'] as const)(
    'are not stored if a call fails with %s, and the former ones stay',
    async (kind) => {
      const { update, key, get, importing } = await prepare();
      expect((await importing()).status).toBe(201);
      const before = await get();
      for (const skip of [0, 1]) {
        service.sandbox.faults.add({ call: 'twilio.listNumbers', kind, status: 503, skip });
        const { status, body } = await update({ credentials: key });
        expect({ skip, status, code: body.code }).toEqual({ skip, status: 503, code: 'provider_unavailable' });
        expect(await get()).toEqual(before);
      }
      await settle(service);
      await expectWholeWorld(service);
    },
  );

  it('are not stored if any call that proves them fails, except the one that reads only details', async () => {
    const { update, key, get, token, importing } = await prepare();
    expect((await importing()).status).toBe(201);
    const begun = service.sandbox.faults.calls.length;
    expect((await update({ credentials: key })).status).toBe(200);
    const calls = new Set(service.sandbox.faults.calls.slice(begun));
    expect([...calls].toSorted()).toEqual([
      ...['twilio.fetchAccount', 'twilio.listCredentialLists', 'twilio.listNumbers', 'twilio.listTrunks'],
    ]);
    const before = await get();
    for (const call of calls) {
      // An account that is busy for one call is busy for all.
      const busy = call === 'twilio.fetchAccount' ? [] : [{ status: 429, retry_after_seconds: 3600 }];
      for (const fault of [{ status: 503 }, ...busy, refusal]) {
        service.sandbox.faults.add({ call, kind: 'answer', times: 3, ...fault });
        const { status, body } = await update({ credentials: token });
        service.sandbox.faults.clear();
        service.clock.advance(60_000);
        if (call === 'twilio.fetchAccount') {
          expect(status).toBe(200);
          await update({ credentials: key });
          continue;
        }
        expect({ call, status, code: body.code }).toMatchObject(
          fault === refusal ? { status: 400 } : { status: 503, code: 'provider_unavailable' },
        );
        expect(await get()).toMatchObject({ credential_kind: before.credential_kind });
      }
    }
    expect((await get()).status).toBe('active');
    await settle(service);
    await expectWholeWorld(service);
  });

  it('are used by every replica within PROVIDER_TIMEOUT_SECONDS, even for an import under way', async () => {
    const { importing, update, of, change, get } = await prepare();
    service.sandbox.faults.add({ call: 'livekit.ListSIPInboundTrunk', kind: 'hold_before' });
    const held = importing(undefined, replica);
    await service.sandbox.faults.holding();
    await change({ auth_token: 'a-new-token' });
    expect((await update({ credentials: { ...of, auth_token: 'a-new-token' } })).status).toBe(200);
    service.clock.advance(10_001);
    service.sandbox.faults.release();
    const { status, body } = await held;
    expect({ status, code: body.code }).toEqual({ status: 201, code: undefined });
    expect((await get()).status).toBe('active');
    await settle(service, replica);
    await expectWholeWorld(service);
  });

  it('do not become refused by a failing call that began with the former ones', async () => {
    const { importing, update, of, change, get } = await prepare();
    service.sandbox.faults.add({ call: 'twilio.listNumbers', kind: 'hold_before' });
    const held = importing(undefined, replica);
    await service.sandbox.faults.holding();
    await change({ auth_token: 'a-new-token' });
    expect((await update({ credentials: { ...of, auth_token: 'a-new-token' } })).status).toBe(200);
    service.sandbox.faults.release();
    expect((await held).body.code).toBe('provider_credentials_refused');
    await settle(service, replica);
    expect((await get()).status).toBe('active');
  });

  it('are reported as accepted if the former ones were refused in the meantime', async () => {
    const { importing, update, of, change, events, get } = await prepare();
    await change({ auth_token: 'a-new-token' });
    service.sandbox.faults.add({ call: 'twilio.listTrunks', kind: 'hold_before' });
    const updated = update({ credentials: { ...of, auth_token: 'a-new-token' } });
    await service.sandbox.faults.holding();
    expect((await importing()).body.code).toBe('provider_credentials_refused');
    expect((await get()).status).toBe('refused');
    service.sandbox.faults.release();
    expect((await updated).body.data.status).toBe('active');
    expect((await events()).map(({ type }) => type).toSorted()).toEqual([
      ...['integration.accepted', 'integration.created', 'integration.refused', 'integration.updated'],
    ]);
  });
});

describe('An update of call_transfers', () => {
  it('does not stop a deletion that began while it waited for its turn', async () => {
    const { caller, update, importing, integration_id } = await prepare();
    const { body } = await importing();
    expect((await caller.rest('DELETE', `/api/phone-numbers/${body.data.phone_number_id}`)).status).toBe(200);
    const { connection, clock } = service;
    const integrations = connection.collection('integrations');
    // As left by a deletion that waits for other work.
    const due_at = new Date(clock.now() + 5000);
    const deletion = { actor: { key_id: 'key_000000000000' }, request_id: null };
    const $set = { state: 'deleting', deletion, 'provisioning.due_at': due_at };
    await integrations.updateOne({ integration_id }, { $set });
    const store = createIntegrationStore(connection, { clock, lease_ms: 60_000, settle_ms: 20_000 });
    expect(await store.claim(integration_id)).toBeUndefined();
    expect((await update({ call_transfers: 'all' })).body.code).toBe('integration_not_found');
    await settle(service);
    expect(await integrations.findOne({ integration_id })).toMatchObject({ state: 'gone' });
    await expectWholeWorld(service);
  });

  it('changes the trunk in place before it answers, and is only stored if there is no trunk yet', async () => {
    const { update, importing, trunk, get } = await prepare();
    expect((await update({ call_transfers: 'sip' })).body.data.call_transfers).toBe('sip');
    expect((await importing()).status).toBe(201);
    const before = await trunk();
    expect(before).toMatchObject({ transfer_mode: 'sip-only' });
    const { body } = await update({ call_transfers: 'all', name: 'x' });
    expect(body.data).toEqual(await get());
    expect(body.data).toMatchObject({ call_transfers: 'all', name: 'x', revision: 3 });
    expect(await trunk()).toEqual({ ...before, transfer_mode: 'enable-all', date_updated: expect.anything() });
    await settle(service);
    await expectWholeWorld(service);
  });

  it('changes nothing, here or at Twilio, if Twilio refuses it', async () => {
    const { update, importing, trunk, get } = await prepare();
    expect((await importing()).status).toBe(201);
    const before = [await trunk(), await get()];
    service.sandbox.faults.add({ call: 'twilio.updateTrunk', ...refusal });
    const { status, body } = await update({ call_transfers: 'all' });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'provider_credentials_refused' });
    expect(body.detail).toMatch(/The integration is as it was\.$/);
    await settle(service);
    const told = { status: 'refused', updated_at: expect.anything() };
    expect([await trunk(), await get()]).toEqual([before[0], { ...before[1], ...told }]);
  });

  it('marks the integration as refused if Twilio no longer accepts the credentials', async () => {
    const { update, importing, change, get } = await prepare();
    expect((await importing()).status).toBe(201);
    await change({ auth_token: 'a-new-token' });
    expect((await update({ call_transfers: 'all' })).body.code).toBe('provider_credentials_refused');
    expect(await get()).toMatchObject({ status: 'refused', call_transfers: 'disabled' });
    await change({ auth_token: 'a-token' });
  });

  it.each([
    ['is lost before it took effect', { kind: 'drop_before', times: 3 }],
    ['differs from the request', { kind: 'not_as_asked', body: { TransferMode: 'sip-only' }, times: 3 }],
  ] as const)('whose answer %s is rolled back, at Twilio too', async (_what, fault) => {
    const { update, importing, trunk, get } = await prepare();
    expect((await importing()).status).toBe(201);
    const before = await get();
    service.sandbox.faults.add({ call: 'twilio.updateTrunk', ...fault } as never);
    const { status } = await update({ call_transfers: 'all' });
    expect(status).toBeGreaterThanOrEqual(500);
    service.sandbox.faults.clear();
    expect(await get()).toEqual(before);
    await settle(service);
    expect(await trunk()).toMatchObject({ transfer_mode: 'disable-all' });
    await expectWholeWorld(service);
  });

  it('whose answer is lost after it took effect succeeds once that is seen', async () => {
    const { update, importing, trunk } = await prepare();
    expect((await importing()).status).toBe(201);
    service.sandbox.faults.add({ call: 'twilio.updateTrunk', kind: 'drop_after' });
    expect((await update({ call_transfers: 'all' })).status).toBe(200);
    await settle(service);
    expect(await trunk()).toMatchObject({ transfer_mode: 'enable-all' });
  });

  it('waits for an import that makes the trunk, and then changes that trunk', async () => {
    const { update, importing, trunk } = await prepare();
    service.sandbox.faults.add({ call: 'twilio.createOriginationUrl', kind: 'hold_before' });
    const held = importing();
    await service.sandbox.faults.holding();
    const updating = update({ call_transfers: 'all' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    service.sandbox.faults.release();
    expect((await held).status).toBe(201);
    expect((await updating).status).toBe(200);
    await settle(service);
    expect(await trunk()).toMatchObject({ transfer_mode: 'enable-all' });
    await expectWholeWorld(service);
  });
});
