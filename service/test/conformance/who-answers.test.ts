import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Answerer, type Call, whoAnswers } from './who-answers.ts';
import { openWhole, type Whole } from './whole.ts';

const program = inject('who_answers') ?? '';
const CHOSEN = '+15550000001';
const STRANGER = '+15550000002';
const HERE = '203.0.113.7';
const THERE = '198.51.100.7';

const withoutPlus = (number: string) => number.replace('+', '');
const withBlanks = (number: string) => number.replace('+1555', '1 (555) ');
const withDashes = (number: string) => number.replace('+1555', '+1-555-');

describe.skipIf(inject('real_livekit') === null || program === '')(
  'An import does not change who answers other calls',
  () => {
    let whole: Whole;
    beforeAll(async () => {
      whole = await openWhole();
    });
    afterAll(() => whole?.close());

    const make = async (method: string, body: object) => {
      const answer = await whole.post(method, body);
      expect(answer).toMatchObject({ status: 200 });
      return answer.body;
    };
    /** A foreign trunk, with a foreign rule that answers its calls. */
    const makeTheirs = async (trunk: object): Promise<string> => {
      const { sip_trunk_id } = await make('CreateSIPInboundTrunk', { trunk: { name: 'theirs', ...trunk } });
      const rule = { dispatchRuleIndividual: { roomPrefix: 'theirs' } };
      await make('CreateSIPDispatchRule', { rule, trunkIds: [sip_trunk_id] });
      return sip_trunk_id;
    };
    /** LiveKit compares before it stores, so several concurrent creates may succeed. */
    const makeTwoThatClash = async (): Promise<[string, string]> => {
      const trunk = { name: 'theirs', authUsername: 'u', authPassword: 'p' };
      for (let round = 0; round < 50; round++) {
        await Promise.all(Array.from({ length: 8 }, () => whole.post('CreateSIPInboundTrunk', { trunk })));
        const made = (await whole.readLiveKit()).inbound_trunk.filter(({ numbers }) => numbers.length === 0);
        const [one, other, ...surplus] = made.map(({ sip_trunk_id }) => sip_trunk_id);
        await removeTheirs(...surplus);
        if (other !== undefined) return [one, other];
        await removeTheirs(one);
      }
      return expect.unreachable('one after another only: the server has learned to lock');
    };
    const removeTheirs = async (...trunk_ids: string[]) => {
      const { dispatch_rule } = await whole.readLiveKit();
      for (const sip_trunk_id of trunk_ids) {
        for (const { sip_dispatch_rule_id, trunk_ids: bound } of dispatch_rule)
          if (bound.includes(sip_trunk_id)) await make('DeleteSIPDispatchRule', { sip_dispatch_rule_id });
        await make('DeleteSIPTrunk', { sip_trunk_id });
      }
    };

    /** Calls from each caller and each address. */
    const callsTo = (...numbers: string[]): Call[] =>
      numbers.flatMap((to) =>
        [CHOSEN, STRANGER].flatMap((from) => [HERE, THERE].map((address) => ({ from, to, address }))),
      );
    const decide = async (calls: Call[]) => whoAnswers(program, await whole.readLiveKit(), calls);
    const isAnswered = (answerer: Answerer | undefined) => answerer !== undefined && 'rule' in answerer;

    let drawn = 0;
    const another = () => `+1555888${String(1000 + drawn++)}`;

    describe.each(['ofSip', 'ofTwilio'] as const)('%s', (input) => {
      it.each([
        ['all callers', (number: string) => ({ numbers: [number] })],
        ['chosen callers', (number: string) => ({ numbers: [number], allowedNumbers: [CHOSEN] })],
        ['chosen addresses', (number: string) => ({ numbers: [number], allowedAddresses: [THERE] })],
        [
          'the number without a plus',
          (number: string) => ({ numbers: [withoutPlus(number)], allowedNumbers: [CHOSEN] }),
        ],
        ['the number with blanks', (number: string) => ({ numbers: [withBlanks(number)], allowedNumbers: [CHOSEN] })],
        ['the number with dashes', (number: string) => ({ numbers: [withDashes(number)], allowedNumbers: [CHOSEN] })],
        ['other numbers, too', (number: string) => ({ numbers: [another(), number], allowedNumbers: [CHOSEN] })],
      ])('if a foreign trunk is for %s', async (_what, trunkOf) => {
        const wanted = whole[input]();
        const trunk = trunkOf(wanted.phone_number);
        const trunk_id = await makeTheirs(trunk);
        const calls = callsTo(wanted.phone_number, ...trunk.numbers);
        const before = await decide(calls);
        expect(before.some(isAnswered)).toBe(true);
        const { status, body } = await whole.importNumber(wanted);
        expect({ status, code: body.code, trunk_id: body.trunk_id }).toEqual({
          ...{ status: 409, code: 'number_answered_elsewhere', trunk_id },
        });
        expect(await decide(calls)).toEqual(before);
        await removeTheirs(trunk_id);
        expect((await whole.importNumber(wanted)).status).toBe(201);
        const fromTwilio = input === 'ofTwilio' ? '54.172.60.1' : HERE;
        const [after] = await decide([{ from: STRANGER, to: wanted.phone_number, address: fromTwilio }]);
        expect(isAnswered(after)).toBe(true);
      });

      it.each([
        ['all callers', { authUsername: 'u', authPassword: 'p' }],
        ['chosen callers', { authUsername: 'u', authPassword: 'p', allowedNumbers: [CHOSEN] }],
        ['chosen addresses', { allowedAddresses: [THERE] }],
      ])('if a foreign trunk takes calls to all numbers, from %s', async (_who, trunk) => {
        const trunk_id = await makeTheirs(trunk);
        const wanted = whole[input]();
        const calls = callsTo(wanted.phone_number, another());
        const before = await decide(calls);
        const { status, body } = await whole.importNumber(wanted);
        expect(status).toBe(201);
        const after = await decide(calls);
        for (const [n, answerer] of before.entries()) {
          if (!isAnswered(answerer)) continue;
          const ours = { trunk: body.data.inbound_trunk_id, rule: body.data.dispatch_rule_id };
          expect(calls[n]?.to === wanted.phone_number ? [ours, answerer] : [answerer]).toContainEqual(after[n]);
        }
        await removeTheirs(trunk_id);
      });
    });

    it("for a trunk's other numbers, once this one is taken off it as the problem says", async () => {
      const wanted = whole.ofSip();
      const neighbours = [another(), another()];
      const written = withBlanks(wanted.phone_number);
      const trunk_id = await makeTheirs({ numbers: [...neighbours, written], allowedNumbers: [CHOSEN] });
      const before = await decide(callsTo(...neighbours));
      const { body: problem } = await whole.importNumber(wanted);
      expect(problem.detail).toContain(`written ${written}). Take ${wanted.phone_number} off that trunk`);
      await make('UpdateSIPInboundTrunk', { sipTrunkId: trunk_id, update: { numbers: { remove: [written] } } });
      const { status, body } = await whole.importNumber(wanted);
      expect(status).toBe(201);
      expect(await decide(callsTo(...neighbours))).toEqual(before);
      const ours = { trunk: body.data.inbound_trunk_id, rule: body.data.dispatch_rule_id };
      expect(await decide(callsTo(wanted.phone_number))).toEqual(Array(4).fill(ours));
      await removeTheirs(trunk_id);
    });

    it('if two foreign trunks for all numbers clash: both are named, and nothing changes', async () => {
      const [one, other] = await makeTwoThatClash();
      const wanted = whole.ofSip();
      const calls = callsTo(wanted.phone_number, another());
      const before = await decide(calls);
      const { status, body } = await whole.importNumber(wanted);
      expect({ status, code: body.code }).toEqual({ status: 409, code: 'livekit_clash' });
      expect(body.detail).toContain(one);
      expect(body.detail).toContain(other);
      expect(await decide(calls)).toEqual(before);
      await removeTheirs(one, other);
      expect((await whole.importNumber(wanted)).status).toBe(201);
    });

    it('unlike LiveKit, which creates a second trunk beside one for chosen callers and then answers none of their calls', async () => {
      const number = another();
      const theirs = await makeTheirs({ numbers: [number], allowedNumbers: [CHOSEN] });
      const calls = [{ from: CHOSEN, to: number, address: HERE }];
      expect((await decide(calls)).map(isAnswered)).toEqual([true]);
      const second = await makeTheirs({ numbers: [number] });
      expect(await decide(calls)).toEqual([{ error: expect.stringContaining('Multiple SIP Trunks matched') }]);
      await removeTheirs(theirs, second);
    });
  },
);
