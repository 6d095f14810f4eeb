import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

let service: OpenedService;
let caller: Caller;
beforeAll(async () => {
  service = await openService();
  caller = service.admin;
});
afterAll(() => service.close());

const ask = (input: object) => caller.rest('POST', '/api/phone-numbers', input);

/** Import requests for the number, by provider. */
const inputs = {
  sip: async (phone_number: string) => ({ phone_number, provider: 'sip', supports_inbound: true }),
  twilio: async (phone_number: string) => {
    const { integration_id } = await service.integrate(caller, [{ phone_number }]);
    return { phone_number, provider: 'twilio', supports_inbound: true, integration_id };
  },
};

const withBlanks = (number: string) => number.replace('+1555', '1 (555) ');
const withoutPlus = (number: string) => number.replace('+', '');

let drawn = 0;
const putTrunk = async (trunk: object) => {
  const sipTrunkId = `ST_theirs${++drawn}`;
  await service.sandbox.shelf.put('livekit.inbound_trunk', sipTrunkId, { sipTrunkId, ...trunk });
  return sipTrunkId;
};
const removeTrunk = (id: string) => service.sandbox.shelf.remove('livekit.inbound_trunk', id);

describe.each(Object.keys(inputs) as (keyof typeof inputs)[])(
  'a foreign trunk that has the number, for an import from %s',
  (from) => {
    it.each([
      ['takes chosen callers', (number: string) => ({ numbers: [number], allowedNumbers: ['+15550000001'] })],
      ['is for chosen addresses', (number: string) => ({ numbers: [number], allowedAddresses: ['198.51.100.7'] })],
      ['writes it without a plus', (number: string) => ({ numbers: [withoutPlus(number)], allowedNumbers: ['+1555'] })],
      ['writes it with blanks', (number: string) => ({ numbers: [withBlanks(number)], allowedNumbers: ['+1555'] })],
      ['has others too', (number: string) => ({ numbers: ['+15550000007', number], allowedNumbers: ['+1555'] })],
    ])('and %s is named before anything is made, and left as it is', async (_what, trunkOf) => {
      const phone_number = drawNumber();
      const input = await inputs[from](phone_number);
      const trunk_id = await putTrunk(trunkOf(phone_number));
      const begun = service.sandbox.faults.calls.length;
      const before = await readWorld(service);
      const { status, body } = await ask(input);
      expect({ status, code: body.code, trunk_id: body.trunk_id }).toEqual({
        status: 409,
        code: 'number_answered_elsewhere',
        trunk_id,
      });
      const lists = from === 'sip' ? [] : ['twilio.fetchNumberRoute', 'twilio.listNumbers'];
      expect(service.sandbox.faults.calls.slice(begun).toSorted()).toEqual(['livekit.ListSIPInboundTrunk', ...lists]);
      expect(await readWorld(service)).toEqual(before);
      await removeTrunk(trunk_id);
      expect((await ask(input)).status).toBe(201);
      await settle(service);
      await expectWholeWorld(service);
    });
  },
);

describe('the advice about a foreign trunk', () => {
  const detailFor = async (numbersOf: (number: string) => string[]) => {
    const phone_number = drawNumber();
    const trunk_id = await putTrunk({ numbers: numbersOf(phone_number) });
    const { body } = await ask(await inputs.sip(phone_number));
    return { phone_number, trunk_id, detail: String(body.detail) };
  };

  it('is to delete it if it has no other number, and never to leave it empty', async () => {
    const { trunk_id, phone_number, detail } = await detailFor((number) => [number, withoutPlus(number)]);
    expect(detail).toContain(`${trunk_id}, which Trunkline did not make, has ${phone_number}`);
    expect(detail).toContain(`there it is written ${withoutPlus(phone_number)})`);
    expect(detail).toContain('Delete that trunk, which has no other number');
    expect(detail).toContain('Do not leave it without numbers');
  });

  it('is to take the number off it if it has others', async () => {
    const { phone_number, detail } = await detailFor((number) => ['+15550000002', withBlanks(number), '+15550000003']);
    expect(detail).toContain(`Take ${phone_number} off that trunk, but leave its other numbers there`);
    expect(detail).toContain(withBlanks(phone_number));
    expect(detail).not.toMatch(/remove/i);
  });
});

it('a trunk with a longer number, or one that looks the same only to people, does not block an import', async () => {
  const phone_number = drawNumber();
  await putTrunk({ numbers: [`${phone_number}0`], allowedNumbers: ['+1555'] });
  await putTrunk({ numbers: [phone_number.replace('+1555', '(+1) 555')], allowedNumbers: ['+1555'] });
  expect((await ask(await inputs.sip(phone_number))).status).toBe(201);
});

describe('foreign trunks for all numbers', () => {
  const forAll = { authUsername: 'u', authPassword: 'p' };

  it('do not block an import if they do not clash', async () => {
    const trunks = [await putTrunk(forAll), await putTrunk({ ...forAll, allowedNumbers: ['+15550000001'] })];
    for (const from of Object.values(inputs)) expect((await ask(await from(drawNumber()))).status).toBe(201);
    await Promise.all(trunks.map(removeTrunk));
  });

  it.each(Object.entries(inputs))(
    'are both named if they clash, and neither is said to have the number: %s',
    async (_from, inputOf) => {
      const one = await putTrunk(forAll);
      const other = await putTrunk(forAll);
      const phone_number = drawNumber();
      const input = await inputOf(phone_number);
      const { status, body } = await ask(input);
      expect({ status, code: body.code }).toEqual({ status: 409, code: 'livekit_clash' });
      expect(body.detail).toContain(one);
      expect(body.detail).toContain(other);
      expect(body.detail).toContain('both take calls to all numbers');
      expect((await caller.client.phoneNumbers.list.query({ phone_number })).data).toEqual([]);
      await removeTrunk(one);
      await settle(service);
      expect((await ask(input)).status).toBe(201);
      await removeTrunk(other);
    },
  );
});

it('foreign dispatch rules that clash are reported as clashing', async () => {
  const { shelf } = service.sandbox;
  const rule = { dispatchRuleDirect: { roomName: 'x' } };
  for (const sipDispatchRuleId of ['SDR_one', 'SDR_other'])
    await shelf.put('livekit.dispatch_rule', sipDispatchRuleId, { sipDispatchRuleId, rule, name: 'theirs' });
  const input = await inputs.sip(drawNumber());
  const { status, body } = await ask(input);
  expect({ status, code: body.code }).toEqual({ status: 409, code: 'livekit_clash' });
  expect(body.detail).toMatch(/dispatch rule while two .* SDR_/);
  for (const id of ['SDR_one', 'SDR_other']) await shelf.remove('livekit.dispatch_rule', id);
  await settle(service);
  await expectWholeWorld(service);
  expect((await ask(input)).status).toBe(201);
});

it('a number that lost its trunk is not built again while a foreign trunk has it', async () => {
  const phone_number = drawNumber();
  const { body } = await ask(await inputs.sip(phone_number));
  const { phone_number_id, inbound_trunk_id } = body.data;
  await removeTrunk(inbound_trunk_id);
  const theirs = await putTrunk({ numbers: [phone_number], allowedNumbers: ['+15550000001'] });
  const doubt = { 'provisioning.uncertain_until': new Date(service.clock.now()), 'provisioning.due_at': new Date(0) };
  await service.connection.collection('phone_numbers').updateOne({ phone_number_id }, { $set: doubt });
  await service.reconciler.turn();
  const { data } = await caller.client.phoneNumbers.get.query({ phone_number_id });
  expect(data).toMatchObject({
    provisioning_state: 'degraded',
    provisioning: { obstacle: { code: 'number_answered_elsewhere', detail: expect.stringContaining(theirs) } },
  });
  const having = async () =>
    (await readWorld(service)).inbound.filter(({ numbers }) => numbers?.includes(phone_number));
  expect((await having()).map(({ sipTrunkId }) => sipTrunkId)).toEqual([theirs]);
  await removeTrunk(theirs);
  service.clock.advance(3_600_001);
  await settle(service);
  const mended = (await caller.client.phoneNumbers.get.query({ phone_number_id })).data;
  expect(mended.provisioning_state).toBe('active');
  expect((await having()).map(({ sipTrunkId }) => sipTrunkId)).toEqual([mended.inbound_trunk_id]);
});
