import { beforeEach, describe, expect, it } from 'vitest';
import { createFaults } from '../src/sandbox/faults.ts';
import { type Overview, readOverview } from '../src/sandbox/overview.ts';
import { createMemoryShelf, type Shelf } from '../src/sandbox/shelf.ts';
import { seedAccount } from '../src/sandbox/twilio-seed.ts';

const phone_number = '+15551234567';
const TRUNK = `TK${'1'.repeat(32)}`;
const metadata = '{"trunkline":{"installation_id":"8c8733878dfc","phone_number_id":"phon_0bffdca994ff"}}';
const inbound = { sipTrunkId: 'ST_in', numbers: [phone_number], metadata };
const outbound = { sipTrunkId: 'ST_out', numbers: [phone_number], address: 'sip.example.com', metadata };
const rule = { sipDispatchRuleId: 'SDR_1', trunkIds: ['ST_in'], metadata };

let shelf: Shelf;
beforeEach(() => {
  shelf = createMemoryShelf();
});

const read = (): Promise<Overview> => readOverview(shelf, createFaults());
const putCarrierTrunk = () =>
  shelf.put('twilio.trunk', TRUNK, { sid: TRUNK, friendly_name: 'trunkline 8c8733878dfc intg_1', domain_name: 'x' });
const put = async (things: { inbound?: object; outbound?: object; rule?: object }) => {
  if (things.inbound) await shelf.put('livekit.inbound_trunk', 'ST_in', things.inbound);
  if (things.outbound) await shelf.put('livekit.outbound_trunk', 'ST_out', things.outbound);
  if (things.rule) await shelf.put('livekit.dispatch_rule', 'SDR_1', things.rule);
};

describe('the overview of the sandbox', () => {
  it('shows a number as connected if it is on our trunk and everything that answers it exists', async () => {
    await seedAccount(shelf, [{ phone_number, trunk_sid: TRUNK }]);
    await putCarrierTrunk();
    await put({ inbound, rule });
    const { paths, verdict } = await read();
    expect(paths).toMatchObject([{ phone_number_id: 'phon_0bffdca994ff', provider: 'Twilio', state: 'connected' }]);
    expect(verdict.is_whole).toBe(true);
  });

  it('finds a number in whichever Region it is connected', async () => {
    const regional_tokens = { ie1: 'token' };
    const { sid } = await seedAccount(shelf, [{ phone_number }], { regional_tokens });
    const [number] = await shelf.list<{ sid: string }>('twilio.ie1.number');
    await shelf.put('twilio.ie1.number', number!.sid, { ...number, account_sid: sid, trunk_sid: TRUNK });
    await shelf.put('twilio.ie1.trunk', TRUNK, { sid: TRUNK, friendly_name: 'trunkline a b', domain_name: 'x' });
    await put({ inbound, rule });
    expect((await read()).paths).toMatchObject([
      { state: 'connected', boxes: [{ id: number!.sid }, { id: TRUNK }, {}, {}, {}] },
    ]);
  });

  it.each<[string, Parameters<typeof put>[0]]>([
    ['an inbound trunk without a rule', { inbound }],
    ['all of LiveKit, but no routing at Twilio', { inbound, rule, outbound }],
  ])('shows a number as unfinished with %s', async (_what, things) => {
    await seedAccount(shelf, [{ phone_number }]);
    await put(things);
    const { paths, verdict } = await read();
    expect(paths).toMatchObject([{ state: 'unfinished' }]);
    expect(verdict).toEqual({ is_whole: false, says: expect.stringContaining(phone_number) });
  });

  it('shows a number for outbound calls only as connected, at Twilio and by SIP', async () => {
    await put({ outbound });
    expect((await read()).paths).toMatchObject([{ provider: 'SIP', state: 'connected' }]);
    await seedAccount(shelf, [{ phone_number }]);
    expect((await read()).paths).toMatchObject([{ provider: 'Twilio', state: 'connected' }]);
  });

  it('shows what somebody else made, and does not count it as part of an import', async () => {
    await seedAccount(shelf, [{ phone_number, trunk_sid: TRUNK }]);
    await put({ inbound: { ...inbound, metadata: '' } });
    const { paths, verdict } = await read();
    const other = { state: 'other', note: 'not made by Trunkline' };
    expect(paths).toMatchObject([
      { state: 'nothing built', boxes: [{}, { ...other, id: TRUNK }, { ...other, id: 'ST_in' }, {}, {}] },
    ]);
    expect(verdict.is_whole).toBe(true);
  });

  it('says that an account keeps its carrier trunk', async () => {
    await seedAccount(shelf, [{ phone_number }]);
    expect((await read()).verdict.says).not.toContain('carrier trunk');
    await putCarrierTrunk();
    expect((await read()).verdict).toEqual({ is_whole: true, says: expect.stringMatching(/carrier trunk .* stays/) });
  });
});
