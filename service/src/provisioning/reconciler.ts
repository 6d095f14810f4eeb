import type { Clock } from '../clock.ts';
import { UnreadableRow } from '../database/collection.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Gate } from './gate.ts';
import { LeaseLost } from './lease.ts';
import type { HeldQueue, Queues } from './queues.ts';

/** A collection whose records fall due. */
export interface Source {
  name: string;
  /** The queues in which something is due. */
  dueQueues(): Promise<string[]>;
  /** Claims one record of a queue. Undefined: none is due. */
  claim(queue: string): Promise<Work | undefined>;
}

export interface Worked {
  /** For the metrics. */
  outcome: string;
  /** How long the provider has asked to wait before the next call; 0 if it has not. */
  wait_ms: number;
}
type Work = () => Promise<Worked>;

export interface Reconciler {
  /** Works on everything that is due now. */
  turn(): Promise<void>;
  /** Takes turns until stopped. */
  start(): void;
  /** Claims nothing more. Resolves when the work under way is done. */
  stop(): Promise<void>;
}

export interface ReconcilerDependencies {
  sources: readonly Source[];
  queues: Queues;
  gate: Pick<Gate, 'isPaused'>;
  clock: Clock;
  log: Log;
  metrics: Pick<Metrics, 'reconciled'>;
  interval_ms: number;
}

/** How many queues are worked on at once, and how many records of each. */
const QUEUES_AT_ONCE = 4;
const RECORDS_AT_ONCE = 8;
/** How long a queue is worked on before the next has its turn, however many records are due. */
const SLICE_MS = 2000;

/** The loop that finishes interrupted work. Any number of replicas can run it: each claims the records that it works on. */
export const createReconciler = ({
  sources,
  queues,
  gate,
  clock,
  log,
  metrics,
  interval_ms,
}: ReconcilerDependencies): Reconciler => {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  /** Logs a failure and goes on, so that nothing else misses its turn. */
  const orElse =
    <T>(otherwise: T, what: string) =>
    (error: unknown): T => {
      if (!stopping.signal.aborted) log.error({ event: 'reconciler_failed', err: error }, what);
      return otherwise;
    };

  const dueQueues = async (): Promise<string[]> => {
    const found = sources.map((source) =>
      source.dueQueues().catch(orElse([], `Could not look for ${source.name} that are due`)),
    );
    return inRandomOrder([...new Set((await Promise.all(found)).flat())]);
  };

  /** Works on a queue for one slice. True: there was something to work on. */
  const workOn = async (queue: string): Promise<boolean> => {
    const held = await queues.take(queue);
    if (held === undefined) return false;
    const slice = { ends_at: clock.now() + SLICE_MS, wait_ms: 0, workers: 0, worked: 0 };
    try {
      await workThrough(queue, held, slice);
    } finally {
      await held.release(slice.wait_ms);
    }
    return slice.worked > 0;
  };

  /** Starts a second worker once there is a first record, and so on: most queues have one, and each look costs a query. */
  const workThrough = async (queue: string, held: HeldQueue, slice: Slice): Promise<void> => {
    slice.workers++;
    let other: Promise<void> | undefined;
    while (slice.wait_ms === 0 && clock.now() < slice.ends_at) {
      const work = await nextOf(queue);
      if (work === undefined) break;
      slice.worked++;
      if (slice.workers < RECORDS_AT_ONCE) other ??= workThrough(queue, held, slice);
      const { outcome, wait_ms } = await finish(work);
      metrics.reconciled.inc({ outcome });
      slice.wait_ms = Math.max(slice.wait_ms, wait_ms);
      if (!(await held.renew().catch(orElse(false, 'Could not hold a queue of what is due')))) break;
    }
    await other;
  };

  /** A row that cannot be read is still claimed: it fails as one piece of work and does not stop the others. */
  const nextOf = async (queue: string): Promise<Work | undefined> => {
    for (const { name, claim } of sources) {
      if (stopping.signal.aborted) return undefined;
      const work = await claim(queue).catch((error: unknown) => {
        if (error instanceof UnreadableRow) return () => Promise.reject(error);
        return orElse(undefined, `Could not look for ${name} that are due`)(error);
      });
      if (work) return work;
    }
    return undefined;
  };

  /** A failed piece of work does not stop the others: it is not due again before its lease ends. */
  const finish = async (work: Work): Promise<Worked> => {
    try {
      return await work();
    } catch (error) {
      const failed = { outcome: 'failed', wait_ms: 0 };
      return error instanceof LeaseLost ? failed : orElse(failed, 'Could not work on a record that is due')(error);
    }
  };

  const turn = async (): Promise<void> => {
    for (let isWorked = true; isWorked; ) {
      if (await gate.isPaused().catch(orElse(true, 'Could not check whether the operator has paused the service')))
        return;
      const due = await dueQueues();
      isWorked = false;
      const workThroughQueues = async () => {
        for (let queue = due.pop(); queue !== undefined && !stopping.signal.aborted; queue = due.pop()) {
          isWorked = (await workOn(queue).catch(orElse(false, 'Could not work on what is due'))) || isWorked;
        }
      };
      await Promise.all(Array.from({ length: QUEUES_AT_ONCE }, workThroughQueues));
    }
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await turn();
      await clock.sleep(interval_ms * (0.75 + Math.random() / 2), stopping.signal).catch(() => {});
    }
  };

  return {
    turn,
    start: () => {
      running ??= run();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
};

interface Slice {
  ends_at: number;
  wait_ms: number;
  workers: number;
  worked: number;
}

/** So that replicas do not all begin with the same queue. */
const inRandomOrder = <T>(items: T[]): T[] =>
  items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
