import { setTimeout as wait } from 'node:timers/promises';

/** The time that the service goes by. Tests replace it to control time. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Looking {
  clock: Clock;
  /** When to give up. */
  until: number;
  every_ms: number;
}

/** Calls `look` until it finds something. Returns undefined once the time is over. */
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

/** Milliseconds before the next attempt: doubled each time up to `most_ms`, minus up to a quarter at random. */
export const backoffMs = (attempt: number, { base_ms = 1000, most_ms = FIVE_MINUTES_MS } = {}): number =>
  Math.min(most_ms, base_ms * 2 ** Math.min(attempt, 20)) * (0.75 + Math.random() / 4);
