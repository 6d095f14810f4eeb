import { backoffMs, type Clock } from '../clock.ts';
import { isBusy, isPassing, saidRetryAfterMs } from './provider.ts';

/** A passing failure of a provider is tried again this often before the caller hears of it. */
const MOST_TRIES = 3;

/** When the caller is answered. Once `signal` is aborted, no call begins. */
export interface Deadline {
  at: number;
  signal: AbortSignal;
}

export interface TryOptions {
  clock: Clock;
  deadline: Deadline;
  retry_base_ms: number;
}

/** Runs work again where a provider failed in passing, while the deadline allows. A busy provider is waited for in each call. */
export const tryAgain = async <T>(
  run: (tries: number) => Promise<T>,
  { clock, deadline, retry_base_ms }: TryOptions,
): Promise<T> => {
  for (let tries = 1; ; tries++) {
    try {
      return await run(tries);
    } catch (error) {
      const { at, signal } = deadline;
      if (!isPassing(error) || isBusy(error) || tries === MOST_TRIES || signal.aborted) throw error;
      const wait_ms = Math.max(backoffMs(tries, { base_ms: retry_base_ms }), saidRetryAfterMs(error));
      if (clock.now() + wait_ms >= at) throw error;
      await clock.sleep(wait_ms, signal).catch(() => signal.throwIfAborted());
    }
  }
};
