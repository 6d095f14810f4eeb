import type { Clock } from './clock.ts';
import { LeaseLost } from './lease.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** A kind of work that falls due: `next` takes one piece and does it, and answers false when none is due. */
export interface Duty {
  name: string;
  next(): Promise<false | string>;
}

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

  const workThrough = async ({ name, next }: Duty): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const outcome = await next();
        if (outcome === false) return;
        metrics.reconciled.inc({ outcome });
      } catch (error) {
        // What is under way when everything is closed goes on after the next start.
        if (stopping.signal.aborted) return;
        metrics.reconciled.inc({ outcome: 'failed' });
        if (error instanceof LeaseLost) continue;
        log.error({ err: error }, `Could not work on the ${name} that are due`);
        return;
      }
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
