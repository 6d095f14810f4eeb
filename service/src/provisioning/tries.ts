import { backoffMs, type Clock } from '../clock.ts';
import { type Busy, isBusy, isPassing, saidRetryAfterMs } from './provider.ts';

/** How many times work is tried before the caller hears of a provider's passing failure. */
const MOST_TRIES = 3;

/** The time by which the caller is answered. Once `signal` is aborted, no call begins. */
export interface Deadline {
  at: number;
  signal: AbortSignal;
}

export interface TryOptions {
  clock: Clock;
  deadline: Deadline;
  retry_base_ms: number;
}

/** Runs work again after a passing failure, while the deadline allows. Not for a busy provider: each call waits for that. */
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

export interface WaitOptions extends Pick<TryOptions, 'clock' | 'deadline'> {
  /** Keeps for that long what the call needs. False: that is too long. */
  hold?(wait_ms: number): Promise<boolean>;
}

/** Waits for a busy provider if the deadline allows. True: make the call again. */
export const waitWhileBusy =
  ({ clock, deadline: { at, signal }, hold = async () => true }: WaitOptions) =>
  async ({ said_retry_after_ms }: Busy): Promise<boolean> => {
    // With some randomness, so that calls that were refused together do not come back together.
    const wait_ms = said_retry_after_ms * (1 + Math.random() / 4);
    if (clock.now() + wait_ms >= at || !(await hold(wait_ms))) return false;
    await clock.sleep(wait_ms, signal).catch(() => signal.throwIfAborted());
    return true;
  };
