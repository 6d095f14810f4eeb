import { setTimeout as wait } from 'node:timers/promises';

/** Time as everything here sees it, so that tests can turn it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Looking {
  clock: Clock;
  /** When nobody looks any longer. */
  until: number;
  every_ms: number;
}

/** Looks again and again, until something is found. Undefined: the time is over. */
export const poll = async <T>(
  { clock, until, every_ms }: Looking,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> => {
  for (; clock.now() < until; await clock.sleep(every_ms)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  return undefined;
};

export const systemClock: Clock = {
  now: Date.now,
  sleep: (ms, signal) => wait(ms, undefined, { signal }),
};
