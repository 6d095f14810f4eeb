import { problemIn } from '@trunkline/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createPhoneNumberStore } from '../src/phone-numbers/store.ts';
import type { TwilioAccountState } from '../src/sandbox/twilio-accounts.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

const LEASE_MS = 30_000;

/** Each call with which a later import of an integration makes something. */
const makers = [
  'livekit.CreateSIPInboundTrunk',
  'livekit.CreateSIPDispatchRule',
  'livekit.CreateSIPOutboundTrunk',
  'twilio.updateNumber',
];

let first: OpenedService;
let second: OpenedService;

const open = async (environment: Record<string, string>) => {
  first = await openService({ environment: { PROVIDER_TIMEOUT_SECONDS: '20', ...environment } });
  second = await first.openReplica();
};
const close = async () => {
  await second.close();
  await first.close();
};

const prepare = async () => {
  const phone_number = drawNumber();
  const another = drawNumber();
  const caller = await first.newOrganization();
  const { integration_id } = await first.integrate(caller, [
    { phone_number, voice_url: 'https://example.com/before' },
    { phone_number: another },
  ]);
  const ofTwilio = { provider: 'twilio', integration_id, supports_inbound: true, supports_outbound: true } as const;
  await caller.client.phoneNumbers.import.mutate({ ...ofTwilio, phone_number: another });
  return { caller, input: { ...ofTwilio, phone_number } };
};

describe('an answer that arrives after the lease has expired', () => {
  beforeAll(() => open({ IMPORT_DEADLINE_SECONDS: '3600' }));
  afterEach(() => first.sandbox.faults.clear());
  afterAll(close);

  for (const call of makers) {
    for (const kind of ['hold_before', 'hold_after'] as const) {
      it(`does no harm at ${call} (${kind}): another replica continues, and the caller reads what it made`, async () => {
        const { caller, input } = await prepare();
        first.sandbox.faults.add({ call, kind });
        const answer = caller.client.phoneNumbers.import.mutate(input);
        await first.sandbox.faults.holding();
        first.clock.advance(LEASE_MS + 1);
        await second.reconciler.turn();
        first.sandbox.faults.release();
        const { data } = await answer;
        expect(data).toMatchObject({ provisioning_state: 'active', phone_number: input.phone_number });
        await settle(first, second);
        await expectWholeWorld(first);
        const kept = await caller.client.phoneNumbers.get.query({ phone_number_id: data.phone_number_id });
        expect(kept.data).toMatchObject({
          outbound_trunk_id: data.outbound_trunk_id,
          inbound_trunk_id: data.inbound_trunk_id,
        });
        expect(kept.data.provisioning).toMatchObject({ state: 'active', next_check_at: null });
      });
    }
  }
});

describe('a carrier trunk whose replica lost its lease', () => {
  beforeAll(() => open({ IMPORT_DEADLINE_SECONDS: '3600' }));
  afterEach(() => first.sandbox.faults.clear());
  afterAll(close);

  for (const call of [
    'createTrunk',
    'createCredentialList',
    'createOriginationUrl',
    'createCredential',
    'createPermission',
  ]) {
    for (const kind of ['hold_before', 'hold_after'] as const) {
      it(`is finished by another replica, and stays the only one, although ${call} continues (${kind})`, async () => {
        const phone_number = drawNumber();
        const caller = await first.newOrganization();
        const { integration_id } = await first.integrate(caller, [{ phone_number }]);
        first.sandbox.faults.add({ call: `twilio.${call}`, kind });
        const answer = caller.client.phoneNumbers.import.mutate({
          phone_number,
          provider: 'twilio',
          supports_inbound: true,
          supports_outbound: true,
          integration_id,
        });
        await first.sandbox.faults.holding();
        first.clock.advance(LEASE_MS + 1);
        await second.reconciler.turn();
        first.sandbox.faults.release();
        expect((await answer).data.provisioning_state).toBe('active');
        await settle(first, second);
        await expectWholeWorld(first);
      });
    }
  }
});

describe('an import that takes longer than its deadline', () => {
  beforeAll(() => open({ IMPORT_DEADLINE_SECONDS: '25' }));
  afterEach(() => first.sandbox.faults.clear());
  afterAll(close);

  for (const call of ['twilio.listNumbers', ...makers]) {
    for (const kind of ['hold_before', 'hold_after'] as const) {
      it(`answers 504 while ${call} is under way (${kind}), and is rolled back`, async () => {
        const { caller, input } = await prepare();
        first.sandbox.faults.add({ call, kind });
        const answer = caller.client.phoneNumbers.import.mutate(input).catch(problemIn);
        await first.sandbox.faults.holding();
        first.clock.advance(25_001);
        expect(await answer).toMatchObject({ code: 'provider_timeout', status: 504 });

        const [record] = (await caller.client.phoneNumbers.list.query({ phone_number: input.phone_number })).data;
        expect(record).toMatchObject({ provisioning_state: 'releasing' });
        const again = await caller.client.phoneNumbers.import.mutate(input).catch(problemIn);
        expect(again).toMatchObject({ code: 'phone_number_busy', retry_after_seconds: expect.any(Number) });

        first.sandbox.faults.release();
        await settle(first, second);
        await expectWholeWorld(first);
        const number = (await readWorld(first)).numbers.find(({ phone_number }) => phone_number === input.phone_number);
        expect(number).toMatchObject({ trunk_sid: null, voice_url: 'https://example.com/before' });
        await caller.client.phoneNumbers.import.mutate(input);
        await settle(first, second);
        await expectWholeWorld(first);
      });
    }
  }
});

describe('a call that takes effect long after its record is gone', () => {
  beforeAll(() => open({ IMPORT_DEADLINE_SECONDS: '3600' }));
  afterAll(close);

  it('is undone, even though the number was imported again in the meantime', async () => {
    const phone_number = drawNumber();
    const sip = { provider: 'sip', supports_outbound: true, sip_server_address: 'sip.example.com' } as const;
    const caller = await first.newOrganization();
    first.sandbox.faults.add({ call: 'livekit.CreateSIPOutboundTrunk', kind: 'hold_before' });
    const stale = caller.client.phoneNumbers.import.mutate({ ...sip, phone_number }).catch(problemIn);
    await first.sandbox.faults.holding();

    // The other replica takes over; LiveKit refuses the call for good, so the record goes.
    first.clock.advance(LEASE_MS + 1);
    first.sandbox.faults.add({
      call: 'livekit.CreateSIPOutboundTrunk',
      kind: 'answer',
      status: 400,
      body: { code: 'invalid_argument', msg: 'no' },
    });
    for (let turns = 0; turns < 5; turns++) {
      await second.reconciler.turn();
      first.clock.advance(60_000);
    }
    expect((await caller.client.phoneNumbers.list.query({ phone_number })).data).toEqual([]);
    const { data } = await caller.client.phoneNumbers.import.mutate({ ...sip, phone_number });

    // The first call takes effect only now.
    first.sandbox.faults.release();
    expect(await stale).toMatchObject({ code: 'provider_error' });
    await settle(first, second);
    await expectWholeWorld(first);
    expect((await readWorld(first)).outbound).toHaveLength(1);
    expect(
      (await caller.client.phoneNumbers.get.query({ phone_number_id: data.phone_number_id })).data.outbound_trunk_id,
    ).toBe(data.outbound_trunk_id);
  });
});

describe('restoring a routing that takes effect long after its record is gone', () => {
  beforeAll(() => open({ IMPORT_DEADLINE_SECONDS: '25' }));
  afterAll(close);

  it('does not keep a number that was imported again off its trunk', async () => {
    const { caller, input } = await prepare();
    first.sandbox.faults.add({ call: 'twilio.updateNumber', kind: 'hold_after' });
    const answer = caller.client.phoneNumbers.import.mutate(input).catch(problemIn);
    await first.sandbox.faults.holding();
    first.clock.advance(25_001);
    expect(await answer).toMatchObject({ code: 'provider_timeout' });
    // The rollback begins; its update of the number is under way when the lease expires.
    first.sandbox.faults.add({ call: 'twilio.updateNumber', kind: 'hold_before' });
    first.sandbox.faults.release();
    await first.sandbox.faults.holding();
    for (let turns = 0; turns < 3; turns++) {
      first.clock.advance(LEASE_MS + 1);
      await second.reconciler.turn();
    }
    expect((await caller.client.phoneNumbers.list.query({ phone_number: input.phone_number })).data).toEqual([]);
    await caller.client.phoneNumbers.import.mutate(input);
    const trunkOf = async () =>
      (await readWorld(first)).numbers.find(({ phone_number }) => phone_number === input.phone_number)?.trunk_sid;
    const trunk_sid = await trunkOf();
    expect(trunk_sid).toMatch(/^TK/);

    first.sandbox.faults.release();
    await expect.poll(trunkOf).toBeNull();
    await settle(first, second);
    await expectWholeWorld(first);
    expect(await trunkOf()).toBe(trunk_sid);
  });
});

describe('a replica whose call fails after it lost its lease', () => {
  beforeAll(() => open({ IMPORT_DEADLINE_SECONDS: '3600' }));
  afterEach(() => first.sandbox.faults.clear());
  afterAll(close);

  it('removes nothing that the next replica made, and answers with that', async () => {
    const { caller, input } = await prepare();
    const accounts = await first.sandbox.shelf.list<TwilioAccountState>('twilio.account');
    const account = accounts.at(-1) ?? expect.unreachable();
    first.sandbox.faults.add({ call: 'twilio.updateNumber', kind: 'hold_before' });
    const answer = caller.client.phoneNumbers.import.mutate(input);
    await first.sandbox.faults.holding();
    first.clock.advance(LEASE_MS + 1);
    await second.reconciler.turn();
    // Only the first replica's call is refused.
    await first.sandbox.shelf.put('twilio.account', account.sid, { ...account, status: 'suspended' });
    const calls = first.sandbox.faults.calls.length;
    first.sandbox.faults.release();
    expect((await answer).data).toMatchObject({ provisioning_state: 'active' });
    await first.sandbox.shelf.put('twilio.account', account.sid, account);
    expect(first.sandbox.faults.calls.slice(calls)).toEqual([]);
    await settle(first, second);
    await expectWholeWorld(first);
  });

  /** The other replica has completed an assignment whose first replica still waits for LiveKit's answer. */
  const assignedByAnother = async () => {
    const { caller, input } = await prepare();
    const { data } = await caller.client.phoneNumbers.import.mutate(input);
    const { phone_number_id, dispatch_rule_id } = data;
    first.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'hold_before' });
    const answer = caller.client.phoneNumbers.assign
      .mutate({ phone_number_id, agent_id: 'reception' })
      .catch(problemIn);
    await first.sandbox.faults.holding();
    first.clock.advance(LEASE_MS + 1);
    await second.reconciler.turn();
    return { caller, phone_number_id, dispatch_rule_id, answer };
  };

  it("answers with the other replica's result of its assignment", async () => {
    const { caller, phone_number_id, dispatch_rule_id, answer } = await assignedByAnother();
    const [kind, id] = ['livekit.dispatch_rule', dispatch_rule_id ?? expect.unreachable()];
    const rule = (await first.sandbox.shelf.get<object>(kind, id)) ?? expect.unreachable();
    await first.sandbox.shelf.remove(kind, id);
    first.sandbox.faults.release();
    expect(await answer).toMatchObject({ data: { assigned_agent_id: 'reception', revision: 2 } });
    await first.sandbox.shelf.put(kind, id, rule);
    await settle(first, second);
    await expectWholeWorld(first);
    const { data: kept } = await caller.client.phoneNumbers.get.query({ phone_number_id });
    expect(kept).toMatchObject({ assigned_agent_id: 'reception' });
  });

  it('answers why the other replica dropped its assignment', async () => {
    const { caller, input } = await prepare();
    const { phone_number_id } = (await caller.client.phoneNumbers.import.mutate(input)).data;
    const no = { kind: 'answer', status: 400, body: { code: 'invalid_argument', msg: 'no' } } as const;
    first.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'hold_before' });
    const answer = caller.client.phoneNumbers.assign
      .mutate({ phone_number_id, agent_id: 'reception' })
      .catch(problemIn);
    await first.sandbox.faults.holding();
    first.sandbox.faults.add({ ...no, call: 'livekit.ListSIPDispatchRule', times: 1 });
    first.clock.advance(LEASE_MS + 1);
    await second.reconciler.turn();
    first.sandbox.faults.release();
    expect(await answer).toMatchObject({
      code: 'provider_error',
      detail: expect.stringContaining('The phone number is being set back to what it was.'),
    });
    await settle(first, second);
    const { data } = await caller.client.phoneNumbers.get.query({ phone_number_id });
    expect(data).toMatchObject({ assigned_agent_id: null, revision: 1, provisioning_state: 'active' });
    await expectWholeWorld(first);
  });

  it('says so if the number was changed again before it could see the result of its assignment', async () => {
    const { caller, phone_number_id, answer } = await assignedByAnother();
    await second.as(caller).client.phoneNumbers.unassign.mutate({ phone_number_id });
    first.sandbox.faults.release();
    expect(await answer).toMatchObject({
      code: 'service_unavailable',
      detail: expect.stringContaining('the number was changed again since'),
    });
    await settle(first, second);
    await expectWholeWorld(first);
    const { data } = await caller.client.phoneNumbers.get.query({ phone_number_id });
    expect(data).toMatchObject({ assigned_agent_id: null, revision: 3 });
  });

  it('leaves nothing of a change at LiveKit that it sent but did not store, if the next replica rolls it back', async () => {
    const phone_number = drawNumber();
    const caller = await first.newOrganization();
    const before = { sip_server_address: 'sip.example.com', sip_username: 'user', sip_password: 'Before-1' };
    const sip = { provider: 'sip', phone_number, supports_outbound: true, ...before } as const;
    const { phone_number_id } = (await caller.client.phoneNumbers.import.mutate(sip)).data;
    first.sandbox.faults.add({ call: 'livekit.UpdateSIPOutboundTrunk', kind: 'hold_after' });
    const after = { sip_password: 'After-1', supports_inbound: true };
    const answer = caller.client.phoneNumbers.update.mutate({ phone_number_id, ...after }).catch(problemIn);
    await first.sandbox.faults.holding();
    const rules = async () => (await readWorld(first)).rules.filter(({ name }) => name === phone_number);
    await expect.poll(rules).toHaveLength(1);
    const refusal = { kind: 'answer', status: 400, body: { code: 'invalid_argument', msg: 'no' } } as const;
    first.sandbox.faults.add({ ...refusal, call: 'livekit.ListSIPInboundTrunk' });
    first.clock.advance(LEASE_MS + 1);
    await second.reconciler.turn();
    first.sandbox.faults.release();
    expect(await answer).toMatchObject({ success: false });
    await settle(first, second);
    await expectWholeWorld(first);
    const { outbound } = await readWorld(first);
    expect(outbound.find(({ numbers }) => numbers?.includes(phone_number))).toMatchObject({ authPassword: 'Before-1' });
  });

  it('does not shorten the time in which a call of the next replica may still take effect', async () => {
    const { caller, input } = await prepare();
    const { data } = await caller.client.phoneNumbers.import.mutate(input);
    const numbers = first.connection.collection('phone_numbers');
    const { phone_number_id } = data;
    const later = new Date(first.clock.now() + 20_000);
    await numbers.updateOne({ phone_number_id }, { $set: { 'provisioning.uncertain_until': later } });
    const store = createPhoneNumberStore(first.connection, { clock: first.clock, lease_ms: LEASE_MS, settle_ms: 1 });
    await store.requeue({ phone_number_id, phone_number: input.phone_number });
    expect(await numbers.findOne({ phone_number_id })).toMatchObject({
      provisioning: { uncertain_until: later, due_at: expect.any(Date) },
    });
    await settle(first, second);
  });
});
