import type { Log } from './telemetry/log.ts';

/** Work that goes on after its caller was answered, so that draining can wait for it. */
export interface Background {
  /** Hands the work back; its failure is logged, whoever else hears of it. */
  run<T>(what: string, work: Promise<T>): Promise<T>;
  /** Resolves when nothing is under way. */
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
