import type { Log } from './telemetry/log.ts';

/** Tracks work that continues after its caller was answered, so that draining can wait for it. */
export interface Background {
  /** Returns the same promise. Logs a failure, even if the caller handles it too. */
  run<T>(what: string, work: Promise<T>): Promise<T>;
  /** Resolves when no work is in progress. */
  idle(): Promise<void>;
}

export const createBackground = (log: Log): Background => {
  const underWay = new Set<Promise<unknown>>();
  return {
    run: (what, work) => {
      const watched = work
        .catch((error: unknown) => log.debug({ event: 'background_failed', err: error }, `${what} failed`))
        .finally(() => underWay.delete(watched));
      underWay.add(watched);
      return work;
    },
    idle: async () => {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
};
