import { systemClock } from '../src/clock.ts';
import { collections } from '../src/compose/collections.ts';
import { connect, databaseOf } from '../src/database/connect.ts';
import { drawId } from '../src/database/ids.ts';
import { buildIndexes } from '../src/database/indexes.ts';
import type { PhoneNumberRecord } from '../src/phone-numbers/record.ts';
import { createPhoneNumberStore } from '../src/phone-numbers/store.ts';
import { createQueues, createReconciler } from '../src/provisioning/index.ts';
import { createLogging } from '../src/telemetry/log.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';
import { median, quantile, report } from './quantile.ts';

const FEW = 10;
const MANY = 50_000;
/** Records that are not due, on both sides, because most numbers need no work. */
const RESTING = 10_000;
const PAIRS = 400;
const WARM_UP = 50;

/** Claims the longest due record, with few records due and with many, in turns. */
export const measureClaims = async (database: (name: string) => string): Promise<void> => {
  const few = await openQueue(database('claims_few'), FEW);
  const many = await openQueue(database('claims_many'), MANY);
  const pairs: { few: number; many: number }[] = [];
  for (let pair = -WARM_UP; pair < PAIRS; pair++) {
    const times = { few: await few.claim(), many: await many.claim() };
    if (pair >= 0) pairs.push(times);
  }
  console.log(`\nA claim of what is due, ${PAIRS} pairs`);
  report(`with ${MANY} records due ÷ with ${FEW}`, median(pairs.map((it) => it.many / it.few)).toFixed(2), '≤ 1.2');
  for (const [side, due] of [
    ['few', FEW],
    ['many', MANY],
  ] as const) {
    const times = pairs.map((pair) => pair[side]);
    report(`  with ${due}: ms, p50 and p95`, `${median(times).toFixed(2)} and ${quantile(times, 0.95).toFixed(2)}`);
  }
  await Promise.all([few.close(), many.close()]);
};

/** How many records a turn takes. The rest waits. */
const OF_A_TURN = 1000;
const TURNS = 10;
const SOME = 1000;

/** Runs whole turns of the reconciler, including finding the queues and taking one, and measures the cost per record. */
export const measureTurns = async (database: (name: string) => string): Promise<void> => {
  const some = await openQueue(database('turns_some'), SOME);
  const many = await openQueue(database('turns_many'), MANY);
  const pairs: { some: number; many: number }[] = [];
  for (let pair = -1; pair < TURNS; pair++) {
    const times = { some: await some.turn(), many: await many.turn() };
    if (pair >= 0) pairs.push(times);
  }
  console.log(`\nA turn of ${OF_A_TURN} records, by what one costs, ${TURNS} pairs`);
  report(`with ${MANY} records due ÷ with ${SOME}`, median(pairs.map((it) => it.many / it.some)).toFixed(2), '≤ 1.2');
  const each = (side: 'some' | 'many') => median(pairs.map((pair) => pair[side])).toFixed(2);
  report('', `${each('many')} ÷ ${each('some')}`, 'ms a record, p50');
  await Promise.all([some.close(), many.close()]);
};

const OF_ANOTHER = 10_000;
const INTERVAL_MS = 1000;
/** How long the work on a record takes: one provider call. */
const WORK_MS = 50;
const WAITS = 5;

/** Measures how long one account's only record waits while thousands of another's are due. */
export const measureFairness = async (database: (name: string) => string): Promise<void> => {
  const { store, connection, reconcilerOn, close } = await openQueue(database('fairness'), OF_ANOTHER);
  const rows = databaseOf(connection).collection('phone_numbers');
  const waits: number[] = [];
  let found: (() => void) | undefined;
  const reconciler = reconcilerOn(async (queue) => {
    const claim = await store.claimDue(queue);
    // Stop when the record is claimed. That its queue is checked once more afterwards is no wait.
    if (claim && queue !== QUEUE) found?.();
    return claim && (() => systemClock.sleep(WORK_MS).then(() => claim.release({}, { due_at: new Date() })));
  });
  reconciler.start();
  for (let wait = 0; wait < WAITS; wait++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    found = resolve;
    const single = numberOf(OF_ANOTHER + RESTING + wait, new Date());
    const queue = `org_${String(wait + 1).repeat(12)}`;
    const begun = performance.now();
    await rows.insertOne({ ...single, queue });
    await promise;
    waits.push(performance.now() - begun);
    await rows.deleteOne({ queue });
  }
  await reconciler.stop();
  console.log(`\nOne record beside ${OF_ANOTHER} of another account, ${WAITS} times`);
  report('the longest that it waited', `${(Math.max(...waits) / 1000).toFixed(1)} s`, '≤ 4 s');
  await close();
};

const openQueue = async (mongodb_uri: string, due: number) => {
  const connection = await connect(mongodb_uri);
  await buildIndexes(connection, collections);
  const rows = databaseOf(connection).collection('phone_numbers');
  const begun = Date.now();
  const made = Array.from({ length: due + RESTING }, (_, n) => numberOf(n, n < due ? new Date(begun - n) : undefined));
  for (let from = 0; from < made.length; from += 5000) await rows.insertMany(made.slice(from, from + 5000));
  const store = createPhoneNumberStore(connection, { clock: systemClock, lease_ms: 60_000, settle_ms: 10_000 });
  const reconcilerOn = (
    claim: (queue: string) => Promise<(() => Promise<void>) | undefined>,
    dueQueues = store.dueQueues,
  ) =>
    createReconciler({
      sources: [
        {
          name: 'phone numbers',
          dueQueues,
          claim: async (queue) => {
            const work = await claim(queue);
            return work && (() => work().then(() => ({ outcome: 'settled', wait_ms: 0 })));
          },
        },
      ],
      queues: createQueues(connection, { clock: systemClock, lease_ms: 60_000 }),
      gate: { isPaused: async () => false },
      clock: systemClock,
      log: createLogging('silent', { write: () => {} }).log,
      metrics: createMetrics(),
      interval_ms: INTERVAL_MS,
    });
  return {
    store,
    connection,
    reconcilerOn,
    /** Returns how long the claim took. Puts the record back behind the others. */
    claim: async (): Promise<number> => {
      const started = performance.now();
      const claim = await store.claimDue(QUEUE);
      const ms = performance.now() - started;
      if (claim === undefined) throw new Error('Nothing was due');
      await claim.release({}, { due_at: new Date() });
      return ms;
    },
    /** Returns the cost per record. Puts each back behind the others. */
    turn: async (): Promise<number> => {
      let left = OF_A_TURN;
      const reconciler = reconcilerOn(
        async (queue) => {
          const claim = left-- > 0 ? await store.claimDue(queue) : undefined;
          return claim && (() => claim.release({}, { due_at: new Date() }));
        },
        async () => (left > 0 ? store.dueQueues() : []),
      );
      const started = performance.now();
      await reconciler.turn();
      return (performance.now() - started) / OF_A_TURN;
    },
    close: () => connection.close(),
  };
};

const QUEUE = `org_${'0'.repeat(12)}` as const;

/** A record. Every third due one was abandoned by its holder. */
export const numberOf = (n: number, due_at: Date | undefined): PhoneNumberRecord => ({
  phone_number_id: drawId('phon'),
  organization_id: QUEUE,
  queue: QUEUE,
  phone_number: `+1555${1_000_000 + n}`,
  holds: `+1555${1_000_000 + n}`,
  provider: 'sip',
  status: 'free',
  assigned_agent_id: null,
  supports_inbound: true,
  supports_outbound: false,
  inbound_room_name: 'call',
  inbound_pin: null,
  inbound_pin_version: null,
  agent_metadata: null,
  label: null,
  description: null,
  revision: 1,
  provisioning_state: due_at ? 'importing' : 'active',
  provisioning: {
    attempt: 1,
    uncertain_until: null,
    ...(due_at && { due_at }),
    lease_token: due_at && n % 3 === 0 ? 'of a replica that died' : null,
    imported_by: { key_id: `key_${'0'.repeat(12)}`, request_id: 'bench', stored_request: null },
    problem: null,
    change: null,
    obstacle: null,
    outcome: null,
    parts: {},
    known: { number_sid: null, verified_at: null },
  },
  sip_trunk_name: 'bench',
  sip_username: null,
  sip_password: null,
  sip_password_version: null,
  sip_from_host: null,
  sip_server_address: null,
  media_encryption: 'allow',
  sip_transport: 'auto',
  allowed_addresses: [],
  inbound_authentication: 'none',
  created_at: new Date(),
  updated_at: new Date(),
});
