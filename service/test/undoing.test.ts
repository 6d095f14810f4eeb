import { problemIn } from '@trunkline/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createOperatorRelease } from '../src/phone-numbers/operator-release.ts';
import type { SeededNumber } from '../src/sandbox/twilio-seed.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService({ environment: { PROVIDER_TIMEOUT_SECONDS: '1' } });
});
afterEach(() => service.sandbox.faults.clear());
afterAll(() => service.close());

const both = { supports_inbound: true, supports_outbound: true } as const;

const prepare = async (seed: Partial<SeededNumber> = {}, more: object = {}) => {
  const phone_number = drawNumber();
  const caller = await service.newOrganization();
  const voice_url = 'https://example.com/before';
  const { integration_id } = await service.integrate(caller, [{ phone_number, voice_url, ...seed }]);
  const input = { phone_number, provider: 'twilio', ...both, integration_id, ...more } as const;
  const number = async () =>
    (await readWorld(service)).numbers.find((it) => it.phone_number === phone_number) ?? expect.unreachable();
  return { caller, phone_number, input, number };
};

const ALWAYS = 1000;
const refused = { kind: 'answer', status: 400, body: { code: 20_001, msg: 'no', message: 'no', status: 400 } } as const;

describe('a number whose routing took effect although the answer was lost', () => {
  for (const [what, fault] of Object.entries({
    'is busy': { kind: 'answer', status: 429 },
    'is away': { kind: 'answer', status: 503 },
    'drops the connection': { kind: 'drop_before' },
    'stays silent': { kind: 'hang_before' },
    refuses: refused,
  } as const)) {
    for (const call of ['twilio.listNumbers', 'livekit.ListSIPInboundTrunk']) {
      it(`gets its former routing back if ${call} ${what} in the next attempt`, async () => {
        const { caller, input, number } = await prepare();
        const before = await number();
        service.sandbox.faults.add({ call: 'twilio.updateNumber', kind: 'drop_after' });
        service.sandbox.faults.add({ call, ...fault, skip: 1, times: ALWAYS });
        const problem = await caller.client.phoneNumbers.import.mutate(input).catch(problemIn);
        expect(problem).toMatchObject({ success: false });
        service.sandbox.faults.clear();
        await settle(service);
        await expectWholeWorld(service);
        expect(await number()).toEqual({ ...before, date_updated: expect.anything() });
        const { data } = await caller.client.phoneNumbers.import.mutate(input);
        const { data: detail } = await caller.client.phoneNumbers.get.query({
          phone_number_id: data.phone_number_id,
        });
        expect(detail).toMatchObject({ provisioning: { former_routing: { voice_url: 'https://example.com/before' } } });
      });
    }
  }
});

describe('a number whose former routing cannot be restored', () => {
  for (const [what, former] of Object.entries({
    'the former trunk was deleted': 'trunk_sid',
    'the former application was deleted': 'voice_application_sid',
  } as const)) {
    it(`is taken off our trunk anyway, and the event says so, if ${what} in the meantime`, async () => {
      const gone = `${former === 'trunk_sid' ? 'TK' : 'AP'}${'0'.repeat(32)}`;
      const { caller, input, number } = await prepare({ [former]: gone }, { replace_existing_routing: true });
      service.sandbox.faults.add({ call: 'twilio.updateNumber', kind: 'drop_after' });
      service.sandbox.faults.add({ ...refused, call: 'twilio.listNumbers', skip: 1 });
      if (former === 'voice_application_sid') {
        service.sandbox.faults.add({ ...refused, call: 'twilio.updateNumber', status: 404 });
      }
      expect(await caller.client.phoneNumbers.import.mutate(input).catch(problemIn)).toMatchObject({ success: false });
      await settle(service);
      await expectWholeWorld(service);
      expect(await number()).toMatchObject({ trunk_sid: null, voice_url: 'https://example.com/before' });
      const events = service.connection.collection('events');
      const undone = await events.findOne({ type: 'phone_number.import_undone' }, { sort: { _id: -1 } });
      expect(undone?.changes.problem).toContain(gone);
    });
  }
});

describe('an inbound number whose process died after it was routed', () => {
  it('gets its former routing back if the next attempt is refused', async () => {
    const { caller, input, number } = await prepare({}, { supports_outbound: false });
    const before = await number();
    service.sandbox.faults.add({ call: 'twilio.updateNumber', kind: 'hold_after' });
    const lost = caller.client.phoneNumbers.import.mutate(input).catch(() => undefined);
    await service.sandbox.faults.holding();
    // As after a crash: nothing that this process still does is stored.
    const numbers = service.connection.collection('phone_numbers');
    await numbers.updateOne(
      { phone_number: input.phone_number },
      { $set: { 'provisioning.lease_token': 'of nobody', 'provisioning.due_at': new Date(0) } },
    );
    service.sandbox.faults.add({ ...refused, call: 'twilio.listNumbers' });
    await service.reconciler.turn();
    service.sandbox.faults.release();
    await lost;
    await settle(service);
    await expectWholeWorld(service);
    expect(await number()).toEqual({ ...before, date_updated: expect.anything() });
  });
});

describe('a routing that takes effect after its record is gone', () => {
  it('is undone, and every field of the former routing restored', async () => {
    const { caller, input, number } = await prepare();
    const before = await number();
    service.sandbox.faults.add({ ...refused, call: 'twilio.updateNumber' });
    await caller.client.phoneNumbers.import.mutate(input).catch(() => undefined);
    await settle(service);
    const integrations = service.connection.collection('integrations');
    const integration = await integrations.findOne({ integration_id: input.integration_id });
    const trunk_sid = integration?.provisioning.parts.trunk.resource_id;
    await service.sandbox.shelf.put('twilio.number', before.sid, { ...before, trunk_sid });
    const numbers = service.connection.collection('phone_numbers');
    const gone = { phone_number: input.phone_number, provisioning_state: 'gone' };
    const due = { $set: { 'provisioning.due_at': new Date(0) } };
    expect((await numbers.updateOne(gone, due)).matchedCount).toBe(1);
    await settle(service);
    expect(await number()).toEqual({ ...before, date_updated: expect.anything() });
  });

  it.each(['its organization', 'the operator'])(
    'writes no second event when %s releases the number by force because its account is closed',
    async (who) => {
      const { caller, input, phone_number } = await prepare();
      service.sandbox.faults.add({ ...refused, call: 'twilio.updateNumber' });
      await caller.client.phoneNumbers.import.mutate(input).catch(() => undefined);
      await settle(service);
      const closed = {
        kind: 'answer',
        status: 401,
        body: { code: 20_003, message: 'Authenticate', status: 401 },
      } as const;
      service.sandbox.faults.add({ ...closed, call: 'twilio.fetchNumber', times: ALWAYS });
      const numbers = service.connection.collection('phone_numbers');
      await numbers.updateOne({ phone_number }, { $set: { 'provisioning.due_at': new Date(0) } });
      await service.reconciler.turn();
      const [seen] = (await caller.client.phoneNumbers.list.query({ phone_number })).data;
      const { phone_number_id, provisioning_state } = seen ?? expect.unreachable();
      expect(provisioning_state).toBe('releasing');

      const { connection, clock } = service;
      const leases = { clock, lease_ms: 30_000, settle_ms: 30_000, wait_ms: 10_000 };
      const forced =
        who === 'the operator'
          ? createOperatorRelease({ ...leases, connection })(phone_number, true)
          : caller.client.phoneNumbers.release.mutate({ phone_number_id, force: true });
      await expect.poll(() => numbers.findOne({ phone_number_id, 'provisioning.change.force': true })).not.toBeNull();
      await service.reconciler.turn();
      expect(await forced).toMatchObject(
        who === 'the operator' ? { isDone: true } : { data: { provisioning_state: 'released' } },
      );
      expect((await caller.client.phoneNumbers.list.query({ phone_number })).data).toEqual([]);
      const events = service.connection.collection('events');
      const told = await events.find({ subject_id: phone_number_id }).sort({ _id: 1 }).toArray();
      expect(told.map(({ type }) => type)).toEqual(['phone_number.import_failed', 'phone_number.import_undone']);
    },
  );
});

describe('an import that fails inside the service', () => {
  it('is answered 500 and rolled back, and leaves number and integration free', async () => {
    const { caller, input, phone_number } = await prepare();
    const { integration_id } = input;
    const integrations = service.connection.collection('integrations');
    // As after losing a key of the ring.
    const broken = { $set: { 'carrier.password': 'not sealed' } };
    const whole = await integrations.findOneAndUpdate({ integration_id }, broken, { returnDocument: 'before' });
    const problem = await caller.client.phoneNumbers.import.mutate(input).catch(problemIn);
    expect(problem).toMatchObject({ code: 'internal' });
    expect((await caller.client.phoneNumbers.list.query({ phone_number })).data).toEqual([]);
    expect(await integrations.findOne({ integration_id })).toMatchObject({
      provisioning: { lease_token: null, problem: { code: 'internal' } },
    });
    await integrations.updateOne({ integration_id }, { $set: { 'carrier.password': whole?.carrier.password } });
    await settle(service);
    await caller.client.phoneNumbers.import.mutate(input);
    await settle(service);
    await expectWholeWorld(service);
  });
});

describe('records that cannot be processed', () => {
  it('are put off, report the problem, and do not delay the others', async () => {
    const stuck = await Promise.all(Array.from({ length: 12 }, () => prepare()));
    const healthy = await prepare();
    const all = [...stuck, healthy];
    const made = [];
    for (const { caller, input } of all) made.push(await caller.client.phoneNumbers.import.mutate(input));
    const integrations = service.connection.collection('integrations');
    for (const { input } of stuck) {
      const { integration_id } = input;
      await integrations.updateOne({ integration_id }, { $set: { credentials: 'not-sealed' } });
    }
    const due = { 'provisioning.due_at': new Date(service.clock.now()), 'provisioning.uncertain_until': new Date(0) };
    const numbers = service.connection.collection('phone_numbers');
    await numbers.updateMany({ phone_number: { $in: stuck.map((it) => it.phone_number) } }, { $set: due });
    const later = { ...due, 'provisioning.due_at': new Date(service.clock.now() + 1) };
    await numbers.updateOne({ phone_number: healthy.phone_number }, { $set: later });
    service.clock.advance(10);
    const failed = async () =>
      (await service.metrics.reconciled.get()).values.find(({ labels }) => labels.outcome === 'failed')?.value ?? 0;
    const before = await failed();
    await service.reconciler.turn();
    expect((await failed()) - before).toBeGreaterThanOrEqual(stuck.length);

    expect(await numbers.findOne({ phone_number: healthy.phone_number })).not.toHaveProperty('provisioning.due_at');
    const { data } = await all[0]!.caller.client.phoneNumbers.get.query({
      phone_number_id: made[0]!.data.phone_number_id,
    });
    expect(data).toMatchObject({
      provisioning_state: 'active',
      provisioning: { problem: { code: 'internal' }, next_check_at: expect.any(String) },
    });
    await numbers.updateMany({}, { $unset: { 'provisioning.due_at': 1 } });
  });
});
