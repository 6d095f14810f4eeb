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

const FIVE_MINUTES_MS = 300_000;

/** How long to wait before the next attempt: twice as long each time, a little at random, up to a limit. */
export const backoffMs = (attempt: number, { base_ms = 1000, most_ms = FIVE_MINUTES_MS } = {}): number =>
  Math.min(most_ms, base_ms * 2 ** Math.min(attempt, 20)) * (0.75 + Math.random() / 4);
