import type { Clock } from '../clock.ts';
import { UnreadableRow } from '../database/collection.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { LeaseLost } from './lease.ts';

/** A kind of work that falls due. */
export interface Duty {
  name: string;
  /** Takes one piece, for nobody else to take meanwhile. Undefined: none is due. */
  claim(): Promise<Work | undefined>;
}

/** Does it, and tells what became of it. */
type Work = () => Promise<string>;

export interface Reconciler {
  /** Works through everything that is due now. */
  turn(): Promise<void>;
  /** Takes turns until it is stopped. */
  start(): void;
  /** Claims nothing more; resolves when what is under way is done. */
  stop(): Promise<void>;
}

export interface ReconcilerDependencies {
  duties: readonly Duty[];
  clock: Clock;
  log: Log;
  metrics: Pick<Metrics, 'reconciled'>;
  interval_ms: number;
  /** Records worked on at once. */
  concurrency: number;
}

/** The loop that finishes what was interrupted. Any number of replicas run it side by side: each claims what it works on. */
export const createReconciler = ({
  duties,
  clock,
  log,
  metrics,
  interval_ms,
  concurrency,
}: ReconcilerDependencies): Reconciler => {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  const workThrough = async ({ name, claim }: Duty): Promise<void> => {
    try {
      for (let work = await next(claim); work; work = await next(claim)) await finish(name, work);
    } catch (error) {
      if (!stopping.signal.aborted)
        log.error({ event: 'reconciler_failed', err: error }, `Could not look for ${name} that are due`);
    }
  };

  /** A row that cannot be read is claimed all the same: it fails as a piece of work, and ends nothing for the others. */
  const next = async (claim: Duty['claim']): Promise<Work | undefined> => {
    if (stopping.signal.aborted) return undefined;
    return claim().catch((error: unknown) => {
      if (error instanceof UnreadableRow) return () => Promise.reject(error);
      throw error;
    });
  };

  /** Whatever becomes of one piece, the others have their turn: it is not due again before its lease ends. */
  const finish = async (name: string, work: Work): Promise<void> => {
    try {
      metrics.reconciled.inc({ outcome: await work() });
    } catch (error) {
      // What is under way when everything is closed goes on after the next start.
      if (stopping.signal.aborted) return;
      metrics.reconciled.inc({ outcome: 'failed' });
      if (!(error instanceof LeaseLost))
        log.error({ event: 'reconciler_failed', err: error }, `Could not work on one of the ${name} that are due`);
    }
  };

  const turn = async (): Promise<void> => {
    const hands = duties.flatMap((duty) => Array.from({ length: concurrency }, () => workThrough(duty)));
    await Promise.all(hands);
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
