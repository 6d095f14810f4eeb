import type { Clock } from '../src/clock.ts';

/** Shorter waits (retries, polling) pass quickly by themselves. Longer ones end when the test advances the clock. */
const SHORT_MS = 2000;
const SPED_UP = 50;

export interface TurnedClock extends Clock {
  /** Advances the clock: everything due by then happens. */
  advance(ms: number): void;
}

/** A real clock that a test can advance. */
export const createTurnedClock = (): TurnedClock => {
  let turned_ms = 0;
  const waiting = new Set<() => void>();
  const now = () => Date.now() + turned_ms;
  return {
    now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const until = now() + ms;
        const finish = (settle: () => void) => {
          clearTimeout(timer);
          waiting.delete(look);
          signal?.removeEventListener('abort', abort);
          settle();
        };
        const look = () => {
          if (now() >= until) finish(resolve);
        };
        const abort = () => finish(() => reject(signal?.reason));
        const timer = setTimeout(() => finish(resolve), ms <= SHORT_MS ? ms / SPED_UP : ms);
        timer.unref();
        waiting.add(look);
        if (signal?.aborted) abort();
        else signal?.addEventListener('abort', abort, { once: true });
      }),
    advance: (ms) => {
      turned_ms += ms;
      for (const look of [...waiting]) look();
    },
  };
};
