import { problemIn } from '@trunkline/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SeededNumber } from '../src/sandbox/twilio-seed.ts';
import { drawSid } from '../src/sandbox/twilio-things.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle, uncertainNow } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService({ environment: { PROVIDER_TIMEOUT_SECONDS: '1', IMPORT_DEADLINE_SECONDS: '4' } });
});
afterEach(() => service.sandbox.faults.clear());
afterAll(() => service.close());

const ALWAYS = 1000;
const refusal = { kind: 'answer', status: 400, body: { code: 20_001, message: 'no', status: 400 } } as const;
const closed = { kind: 'answer', status: 401, body: { code: 20_003, message: 'Authenticate', status: 401 } } as const;

/** A number imported for both directions, and its routing at Twilio before the import. */
const imported = async (seed: Partial<SeededNumber> = {}, more: object = {}) => {
  const phone_number = drawNumber();
  const caller = await service.newOrganization();
  const { integration_id, account_sid } = await service.integrate(caller, [
    { phone_number, voice_url: 'https://user:secret@example.com/before?token=1', ...seed },
  ]);
  const number = async () =>
    (await readWorld(service)).numbers.find((it) => it.phone_number === phone_number) ?? expect.unreachable();
  const before = await number();
  const both = { supports_inbound: true, supports_outbound: true } as const;
  const input = { phone_number, provider: 'twilio', ...both, integration_id, ...more } as const;
  const { data } = await caller.client.phoneNumbers.import.mutate(input);
  const { phone_number_id } = data;
  const path = `/api/phone-numbers/${phone_number_id}`;
  const release = (query = '') => caller.rest('DELETE', `${path}${query}`);
  const get = () => caller.rest('GET', path);
  return { caller, account_sid, phone_number, phone_number_id, before, number, release, get };
};

const importedSip = async () => {
  const caller = await service.newOrganization();
  const input = { phone_number: drawNumber(), provider: 'sip', supports_inbound: true } as const;
  const { phone_number_id } = (await caller.client.phoneNumbers.import.mutate(input)).data;
  return { caller, phone_number_id, release: () => caller.rest('DELETE', `/api/phone-numbers/${phone_number_id}`) };
};

const eventsOf = (phone_number_id: string) =>
  service.connection.collection('events').find({ subject_id: phone_number_id }).sort({ _id: 1 }).toArray();

describe('Releasing a number', () => {
  it('restores the former routing exactly, removes everything else, and says so', async () => {
    const { caller, phone_number, phone_number_id, before, number, release, get } = await imported();
    const { status, body } = await release();
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        success: true,
        message: 'Phone number released',
        data: { phone_number_id, phone_number, provider: 'twilio', provisioning_state: 'released' },
      },
    });
    expect(await number()).toEqual({ ...before, date_updated: expect.anything() });
    expect((await get()).status).toBe(404);
    await expectWholeWorld(service);
    const last = (await eventsOf(phone_number_id)).at(-1);
    expect(last).toMatchObject({ type: 'phone_number.released', changes: { phone_number } });
    expect(last?.actor.key_id).toMatch(/^key_/);
    expect(last?.request_id).toEqual(expect.any(String));
    expect((await caller.rest('DELETE', `/api/phone-numbers/${phone_number_id}`)).status).toBe(404);
  });

  it.each([
    ['a foreign trunk', () => ({ trunk_sid: drawSid('TK') })],
    ['a voice application', () => ({ voice_application_sid: drawSid('AP') })],
  ])('restores %s', async (_what, draw) => {
    const seed = draw();
    const { account_sid, before, number, release } = await imported(seed, { replace_existing_routing: true });
    if ('trunk_sid' in seed) {
      const trunk = { sid: seed.trunk_sid, account_sid, friendly_name: 'Another' };
      await service.sandbox.shelf.put('twilio.trunk', seed.trunk_sid, trunk);
    }
    expect((await release()).body.data).not.toHaveProperty('warnings');
    expect(await number()).toEqual({ ...before, date_updated: expect.anything() });
  });

  it('lets anyone import the number again at once', async () => {
    const { phone_number, release } = await imported();
    await release();
    const another = await service.newOrganization();
    const sip = { phone_number, provider: 'sip', supports_inbound: true } as const;
    expect((await another.rest('POST', '/api/phone-numbers', sip)).status).toBe(201);
  });

  it('works the same over tRPC', async () => {
    const { caller, phone_number_id } = await imported();
    const { data } = await caller.client.phoneNumbers.release.mutate({ phone_number_id });
    expect(data.provisioning_state).toBe('released');
    await expect(caller.client.phoneNumbers.get.query({ phone_number_id })).rejects.toThrow(
      'Your organization has no phone number',
    );
  });

  it('refuses an assigned number unless forced', async () => {
    const { caller, phone_number_id, release, get } = await imported({}, { agent_id: 'reception' });
    const refused = await release();
    expect(refused.body).toMatchObject({ status: 409, code: 'phone_number_assigned' });
    expect(refused.body.detail).toContain('reception');
    expect((await get()).body.data).toMatchObject({ provisioning_state: 'active', assigned_agent_id: 'reception' });
    expect((await caller.rest('DELETE', `/api/phone-numbers/${phone_number_id}?force=true`)).status).toBe(200);
    expect((await get()).status).toBe(404);
  });

  it('leaves a number alone that was routed elsewhere in the meantime, and says so', async () => {
    const { number, release } = await imported();
    const now = await number();
    const by_hand = { ...now, trunk_sid: null, voice_url: 'https://example.com/by-hand' };
    await service.sandbox.shelf.put('twilio.number', now.sid, by_hand);
    const { status, body } = await release();
    expect(status).toBe(200);
    expect(body.data.warnings).toEqual([expect.stringContaining('It was left unchanged')]);
    expect(await number()).toEqual(by_hand);
  });

  it('takes a number off our trunk when its former trunk is gone, and says so', async () => {
    const trunk_sid = drawSid('TK');
    const { number, release } = await imported({ trunk_sid }, { replace_existing_routing: true });
    const { status, body } = await release();
    expect(status).toBe(200);
    expect(body.data.warnings).toEqual([expect.stringContaining(trunk_sid)]);
    expect(await number()).toMatchObject({ trunk_sid: null });
  });

  it('takes a number off our trunk when its former routing is unknown, and says so', async () => {
    const { phone_number, number, release } = await imported();
    const numbers = service.connection.collection('phone_numbers');
    await numbers.updateOne({ phone_number }, { $set: { former_routing: null } });
    const { status, body } = await release();
    expect(status).toBe(200);
    expect(body.data.warnings).toEqual([expect.stringContaining('is unknown')]);
    expect(await number()).toMatchObject({ trunk_sid: null });
  });

  it('answers concurrent requests alike', async () => {
    const { phone_number_id, release } = await imported();
    const answers = await Promise.all([release(), release(), release()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const types = (await eventsOf(phone_number_id)).map(({ type }) => type);
    expect(types.filter((type) => type === 'phone_number.released')).toHaveLength(1);
  });

  it('leaves a number as it was when a provider refuses, after a direction was turned off', async () => {
    const { caller, phone_number_id, release, get } = await imported();
    await caller.client.phoneNumbers.update.mutate({ phone_number_id, supports_inbound: false });
    const no = { kind: 'answer', status: 400, body: { code: 'invalid_argument', msg: 'no' } } as const;
    service.sandbox.faults.add({ ...no, call: 'livekit.DeleteSIPTrunk', times: ALWAYS });
    expect((await release()).body).toMatchObject({ status: 502, code: 'provider_error' });
    service.sandbox.faults.clear();
    expect((await get()).body.data.provisioning_state).toBe('active');
    await settle(service);
    await expectWholeWorld(service);
  });

  it('tells concurrent requests the same reason when a provider fails', async () => {
    const { release, get } = await imported();
    service.sandbox.faults.add({ call: 'twilio.fetchNumber', kind: 'hold_before' });
    const first = release();
    await service.sandbox.faults.holding();
    const second = release();
    // Answered with 429, the call has changed nothing.
    const away = { kind: 'answer', status: 429, body: { code: 20_429, message: 'no', status: 429 } } as const;
    service.sandbox.faults.add({ ...away, call: 'twilio.updateNumber', times: ALWAYS });
    // By then, the second request has seen that the first is under way.
    await new Promise((resolve) => setTimeout(resolve, 300));
    service.sandbox.faults.release();
    const answers = await Promise.all([first, second]);
    for (const { body, headers } of answers) {
      expect(body).toMatchObject({
        status: 503,
        code: 'provider_unavailable',
        provider: { name: 'twilio', status: 429 },
      });
      expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
    }
    expect(answers[1]?.body.detail).toBe(answers[0]?.body.detail);
    service.sandbox.faults.clear();
    await settle(service);
    expect((await get()).body.data.provisioning_state).toBe('active');
    await expectWholeWorld(service);
  });

  it('leaves the number as it was when a provider refuses before anything is removed', async () => {
    const { number, release, get } = await imported();
    const now = await number();
    service.sandbox.faults.add({ ...closed, call: 'twilio.fetchNumber', times: ALWAYS });
    expect((await release()).body).toMatchObject({ status: 400, code: 'provider_credentials_refused' });
    service.sandbox.faults.clear();
    await settle(service);
    expect((await get()).body.data.provisioning_state).toBe('active');
    expect(await number()).toEqual(now);
    await expectWholeWorld(service);
  });

  it('refuses it also where an earlier answer was lost, or the number is degraded', async () => {
    const { number, release, get, phone_number } = await imported();
    const now = await number();
    await service.sandbox.shelf.put('twilio.number', now.sid, {
      ...now,
      trunk_sid: null,
      voice_url: 'https://x.example',
    });
    await service.connection
      .collection('phone_numbers')
      .updateOne({ holds: phone_number }, { $set: uncertainNow(service) });
    await service.reconciler.turn();
    expect((await get()).body.data.provisioning_state).toBe('degraded');
    service.sandbox.faults.add({ ...closed, call: 'twilio.fetchNumber', times: ALWAYS });
    expect((await release()).body).toMatchObject({ status: 400, code: 'provider_credentials_refused' });
    expect((await get()).body.data.provisioning_state).toBe('degraded');
    service.sandbox.faults.clear();
    expect((await release()).status).toBe(200);

    const { release: releaseSip, phone_number_id, caller } = await importedSip();
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'drop_after' });
    expect(
      (await caller.rest('PATCH', `/api/phone-numbers/${phone_number_id}`, { inbound_room_name: 'sales' })).status,
    ).toBe(200);
    service.sandbox.faults.add({ ...refusal, call: 'livekit.DeleteSIPTrunk', times: ALWAYS });
    service.sandbox.faults.add({ ...refusal, call: 'livekit.DeleteSIPDispatchRule', times: ALWAYS });
    service.sandbox.faults.add({ ...refusal, call: 'livekit.ListSIPOutboundTrunk', times: ALWAYS });
    service.sandbox.faults.add({ ...refusal, call: 'livekit.ListSIPDispatchRule', times: ALWAYS });
    const answer = await releaseSip();
    expect({ status: answer.status, state: answer.body.data?.provisioning_state }).toEqual({ status: 502 });
    service.sandbox.faults.clear();
    await settle(service);
  });

  it('answers 202 and continues in the background when something is already removed', async () => {
    const { number, before, release, get } = await imported();
    service.sandbox.faults.add({ ...refusal, call: 'livekit.DeleteSIPDispatchRule', times: ALWAYS });
    const { status, body } = await release();
    expect({ status, state: body.data.provisioning_state }).toEqual({ status: 202, state: 'releasing' });
    expect((await get()).body.data.provisioning).toMatchObject({ state: 'releasing', problem: expect.anything() });
    service.sandbox.faults.clear();
    await settle(service);
    expect((await get()).status).toBe(404);
    expect(await number()).toEqual({ ...before, date_updated: expect.anything() });
    await expectWholeWorld(service);
  });

  it('answers by the deadline while a provider is silent, and continues', async () => {
    const { release, get } = await imported();
    service.sandbox.faults.add({ call: 'livekit.DeleteSIPTrunk', kind: 'hang_before', times: ALWAYS });
    expect((await release()).status).toBe(202);
    service.sandbox.faults.clear();
    await settle(service);
    expect((await get()).status).toBe(404);
    await expectWholeWorld(service);
  });

  it('by force, releases a number whose account is closed, and says what could not be restored', async () => {
    const { phone_number, release, get } = await imported();
    for (const call of ['twilio.fetchNumber', 'twilio.updateNumber']) {
      service.sandbox.faults.add({ ...closed, call, times: ALWAYS });
    }
    const { status, body } = await release('?force=true');
    expect(status).toBe(200);
    expect(body.data.warnings).toEqual([expect.stringContaining(`${phone_number} was released by force`)]);
    expect((await get()).status).toBe(404);
    const { inbound, outbound, rules } = await readWorld(service);
    const left = JSON.stringify([inbound, outbound, rules]);
    expect(left).not.toContain(phone_number);
  });

  it('by force, releases a number whose former routing no key opens, and says so', async () => {
    const other = await imported();
    const { phone_number, number, release, get } = await imported();
    const rows = service.connection.collection('phone_numbers');
    const { former_routing } = (await rows.findOne({ holds: other.phone_number })) ?? expect.unreachable();
    await rows.updateOne({ holds: phone_number }, { $set: { former_routing } });
    expect((await release()).status).toBe(500);
    const { status, body } = await release('?force=true');
    expect({ status, warnings: body.data.warnings }).toEqual({
      status: 200,
      warnings: [expect.stringContaining('Its earlier routing is unknown')],
    });
    expect((await number()).trunk_sid).toBeNull();
    expect((await get()).status).toBe(404);
  });

  it('warns of what it could not restore, and not of what was refused earlier', async () => {
    const { caller, phone_number_id, release } = await imported({}, { supports_inbound: false });
    service.sandbox.faults.add({ ...refusal, call: 'twilio.updateNumber' });
    const path = `/api/phone-numbers/${phone_number_id}`;
    expect((await caller.rest('PATCH', path, { supports_inbound: true })).status).toBe(502);
    await settle(service);
    expect((await release()).body.data).not.toHaveProperty('warnings');
    expect((await eventsOf(phone_number_id)).at(-1)?.changes).not.toHaveProperty('problem');
  });

  it('by force, completes a release that was put off', async () => {
    const { release, get } = await imported();
    service.sandbox.faults.add({ call: 'twilio.updateNumber', kind: 'drop_before', times: ALWAYS });
    expect((await release()).status).toBe(202);
    service.sandbox.faults.clear();
    for (const call of ['twilio.fetchNumber', 'twilio.updateNumber', 'twilio.listNumbers']) {
      service.sandbox.faults.add({ ...closed, call, times: ALWAYS });
    }
    const forced = release('?force=true');
    await settle(service);
    expect((await forced).status).toBeLessThan(300);
    expect((await get()).status).toBe(404);
  });

  it.each([
    ['under way', true],
    ['that began at the same moment', false],
  ])('by force, replaces a release %s, even when that one fails', async (_when, isLater) => {
    const { release, get, phone_number_id } = await imported();
    service.sandbox.faults.add({ call: 'twilio.fetchNumber', kind: 'hold_before' });
    const plain = release();
    if (isLater) await service.sandbox.faults.holding();
    const forced = release('?force=true');
    await service.sandbox.faults.holding();
    const isForced = { phone_number_id, 'provisioning.change.force': true };
    await expect.poll(() => service.connection.collection('phone_numbers').countDocuments(isForced)).toBe(1);
    service.sandbox.faults.add({ ...closed, call: 'twilio.updateNumber', times: ALWAYS });
    service.sandbox.faults.release();
    for (const { status, body } of await Promise.all([plain, forced])) {
      expect([200, 202], JSON.stringify(body)).toContain(status);
    }
    await settle(service);
    expect((await get()).status).toBe(404);
    service.sandbox.faults.clear();
  });

  it('answers 409 while the number is being imported or changed', async () => {
    const { caller, phone_number_id, release } = await imported();
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'hold_before' });
    const assigning = caller.client.phoneNumbers.assign.mutate({ phone_number_id, agent_id: 'reception' });
    await service.sandbox.faults.holding();
    expect((await release()).body).toMatchObject({ status: 409, code: 'phone_number_busy' });
    service.sandbox.faults.release();
    await assigning.catch(problemIn);
    await settle(service);
  });

  it('answers 404 for a number of another organization', async () => {
    const { phone_number_id, get } = await imported();
    const another = await service.newOrganization();
    const { status } = await another.rest('DELETE', `/api/phone-numbers/${phone_number_id}`);
    expect(status).toBe(404);
    expect((await get()).status).toBe(200);
  });

  it('requires the permission to delete', async () => {
    const { caller, phone_number_id } = await imported();
    const user = await service.newKey(caller, 'user');
    expect((await user.rest('DELETE', `/api/phone-numbers/${phone_number_id}`)).status).toBe(403);
  });
});
