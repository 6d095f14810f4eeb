import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { databaseOf } from '../src/database/connect.ts';
import { createIntegrationStore } from '../src/integrations/store.ts';
import { createPhoneNumberStore, type PhoneNumberStore } from '../src/phone-numbers/store.ts';
import { readDump, upgradeRows } from './fixtures/load.ts';
import { type OpenedService, openService } from './open-service.ts';

const LEASE_MS = 30_000;
const SETTLE_MS = 10_000;
const ROWS = 1000;

let service: OpenedService;
let numbers: PhoneNumberStore;
let sample: Record<string, any>;
beforeAll(async () => {
  service = await openService();
  numbers = createPhoneNumberStore(service.connection, settings());
  const { dump } = await readDump('schema-1');
  sample = (await upgradeRows(dump)).phone_numbers!.find(({ provider }) => provider === 'sip')!;
});
afterAll(() => service.close());

const settings = () => ({ clock: service.clock, lease_ms: LEASE_MS, settle_ms: SETTLE_MS });
const rows = (collection = 'phone_numbers') => databaseOf(service.connection).collection(collection);
const ago = (ms: number) => new Date(service.clock.now() - ms);
const hex = (n: number) => n.toString(16).padStart(12, '0');

const numberOf = (n: number, provisioning: object) => ({
  ...sample,
  _id: undefined,
  phone_number_id: `phon_${hex(n)}`,
  phone_number: `+1555${n}`,
  holds: `+1555${n}`,
  queue: 'queue',
  provisioning_state: 'importing',
  provisioning: {
    attempt: 1,
    uncertain_until: null,
    lease_token: null,
    imported_by: sample.provisioning.imported_by,
    ...provisioning,
  },
});
const insert = (...made: object[]) => rows().insertMany(made, { ignoreUndefined: true });

describe('a claim', () => {
  beforeEach(() => rows().deleteMany({}));

  it('takes what has been due longest, whether put off or abandoned, and nothing that is not due', async () => {
    await insert(
      numberOf(1, { due_at: ago(1000) }),
      numberOf(2, { due_at: ago(3000), lease_token: 'theirs' }),
      numberOf(3, { due_at: ago(2000) }),
      numberOf(4, { due_at: ago(-1000) }),
      numberOf(5, { due_at: ago(-1000), lease_token: 'theirs' }),
      numberOf(6, {}),
    );
    const claimed = [];
    for (let claim = await numbers.claimDue('queue'); claim; claim = await numbers.claimDue('queue'))
      claimed.push(claim.record);
    expect(claimed.map(({ phone_number }) => phone_number)).toEqual(['+15552', '+15553', '+15551']);
    expect(claimed.map(({ provisioning }) => provisioning.uncertain_until !== null)).toEqual([true, false, false]);
  });

  it('returns the record as it is after the claim', async () => {
    await insert(numberOf(1, { due_at: ago(1000), attempt: 3 }));
    const claimed_at = service.clock.now();
    const claim = await numbers.claimDue('queue');
    const kept = await rows().findOne();
    expect(kept?.provisioning.attempt).toBe(4);
    expect(claim?.record.provisioning).toEqual({
      ...kept?.provisioning,
      problem: null,
      parts: {},
      change: null,
      obstacle: null,
      outcome: null,
      known: { number_sid: null, verified_at: null },
      imported_by: expect.anything(),
    });
    expect(kept?.provisioning.due_at.getTime()).toBeGreaterThan(claimed_at + LEASE_MS - 1);
    expect(kept?.provisioning.due_at.getTime()).toBeLessThanOrEqual(service.clock.now() + LEASE_MS);
  });

  it('of an abandoned record stays uncertain after the next write, and until then by its own token', async () => {
    await insert(numberOf(1, { due_at: ago(1000), lease_token: 'theirs' }));
    const first = await numbers.claimDue('queue');
    service.clock.advance(LEASE_MS + 1);
    const second = await numbers.claimDue('queue');
    const { uncertain_until } = second!.record.provisioning;
    expect(uncertain_until!.getTime()).toBeGreaterThan(first!.record.provisioning.uncertain_until!.getTime());
    await second!.release({}, { due_at: ago(0) });
    expect((await rows().findOne())?.provisioning).toMatchObject({ uncertain_until, lease_token: null });
    const third = await numbers.claimDue('queue');
    expect(third!.record.provisioning).toMatchObject({
      uncertain_until,
      attempt: second!.record.provisioning.attempt + 1,
    });
  });
});

describe('with many rows due', () => {
  beforeAll(async () => {
    await rows().deleteMany({});
    const due = Array.from({ length: ROWS }, (_, n) => {
      const lease_token = n % 3 === 0 ? 'theirs' : null;
      return { ...numberOf(n, { due_at: ago(ROWS + n), lease_token }), queue: n % 10 === 0 ? 'queue' : `queue ${n}` };
    });
    const resting = Array.from({ length: ROWS }, (_, n) => ({
      ...numberOf(ROWS + n, {}),
      provisioning_state: 'active',
    }));
    await insert(...due, ...resting);
    const { dump } = await readDump('schema-1');
    const { _id: _, ...integration } = (await upgradeRows(dump)).integrations![0]!;
    await rows('integrations').insertMany(
      Array.from({ length: ROWS }, (_, n) => ({
        ...integration,
        integration_id: `intg_${hex(n)}`,
        account_sid: `AC${n}`,
        holds: `AC${n}`,
        queue: n % 10 === 0 ? 'queue' : `queue ${n}`,
        provisioning: {
          ...integration.provisioning,
          due_at: ago(ROWS - n),
          lease_token: n % 2 === 0 ? 'theirs' : null,
        },
      })),
      { ignoreUndefined: true },
    );
  });

  /** How the database executed the commands on a collection during `ask`. */
  const plansOf = async (collection: string, ask: () => Promise<unknown>) => {
    const db = databaseOf(service.connection);
    await db.command({ profile: 2 });
    await ask();
    await db.command({ profile: 0 });
    const lines = await db
      .collection('system.profile')
      .find({ ns: new RegExp(`\\.${collection}$`) })
      .toArray();
    await db.collection('system.profile').drop();
    return lines.map(({ planSummary, docsExamined, keysExamined, hasSortStage = false }) => ({
      planSummary,
      docsExamined,
      keysExamined,
      hasSortStage,
    }));
  };
  const oneByIndex = { docsExamined: 1, keysExamined: 1, hasSortStage: false };

  it('a claim reads one of them, by an index', async () => {
    const claimed = await plansOf('phone_numbers', () => numbers.claimDue('queue'));
    expect(claimed).toEqual([{ ...oneByIndex, planSummary: 'IXSCAN { queue: 1, provisioning.due_at: 1 }' }]);
    const integrations = createIntegrationStore(service.connection, settings());
    const trunks = await plansOf('integrations', () => integrations.claimDue('queue'));
    expect(trunks).toEqual([{ ...oneByIndex, planSummary: 'IXSCAN { queue: 1, provisioning.due_at: 1 }' }]);
  });

  it('the age of the oldest reads one of them, by an index', async () => {
    const asked = await plansOf('phone_numbers', () => numbers.longestDue());
    expect(asked).toEqual([{ ...oneByIndex, planSummary: 'IXSCAN { provisioning.due_at: 1 }' }]);
  });

  it('listing the queues with due work reads no row', async () => {
    let named: string[] = [];
    const asked = await plansOf('phone_numbers', async () => {
      named = await numbers.dueQueues();
    });
    expect(named).toHaveLength(ROWS - ROWS / 10 + 1);
    expect(asked).toMatchObject([{ docsExamined: 0 }]);
  });

  it('counting by state reads no row', async () => {
    let counted = {};
    const asked = await plansOf('phone_numbers', async () => {
      counted = await numbers.countByState();
    });
    expect(counted).toEqual({ importing: ROWS, active: ROWS, degraded: 0, releasing: 0 });
    const scans = asked.filter(({ planSummary }) => planSummary !== 'RECORD_STORE_FAST_COUNT');
    expect(scans).toHaveLength(4);
    for (const { planSummary, docsExamined } of scans) {
      expect(planSummary).toMatch(/(IXSCAN|COUNT_SCAN) \{ provisioning_state: 1 \}/);
      expect(docsExamined).toBe(0);
    }
  });

  it('counting the numbers of one account, and those of all, reads no row', async () => {
    let counted: number[] = [];
    const asked = await plansOf('phone_numbers', async () => {
      counted = [await numbers.countHeld('queue'), await numbers.countHeld()];
    });
    expect(counted).toEqual([ROWS + ROWS / 10, 2 * ROWS]);
    expect(asked).toMatchObject([
      { planSummary: expect.stringMatching(/^(IXSCAN|COUNT_SCAN) \{ queue: 1, holds: 1 \}$/), docsExamined: 0 },
      { planSummary: expect.stringMatching(/^(IXSCAN|COUNT_SCAN) \{ holds: 1 \}$/), docsExamined: 0 },
    ]);
  });
});

describe('a due row that cannot be read', () => {
  it('does not block the others, and is logged by id', async () => {
    await Promise.all(['phone_numbers', 'integrations'].map((name) => rows(name).deleteMany({})));
    const odd = Array.from({ length: 12 }, (_, n) => ({
      ...numberOf(n, { due_at: ago(10_000 + n) }),
      status: 'odd',
    }));
    const { data } = await service.admin.client.phoneNumbers.import.mutate({
      phone_number: '+15557654321',
      provider: 'sip',
      supports_inbound: true,
    });
    const { phone_number_id } = data;
    await rows().updateOne({ phone_number_id }, { $set: { 'provisioning.due_at': ago(1) } });
    await insert(...odd);
    await service.reconciler.turn();
    expect((await rows().findOne({ phone_number_id }))?.provisioning.due_at).toBeUndefined();
    expect(service.logged.join('')).toContain('phon_000000000003 in phone_numbers cannot be read: status ');
    expect(await numbers.longestDue()).toBeUndefined();
  });
});
