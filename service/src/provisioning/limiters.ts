import { LRUCache } from 'lru-cache';
import pLimit, { type LimitFunction } from 'p-limit';
import type { Clock } from '../clock.ts';
import { type Busy, type Limiter, ProviderProblem } from './provider.ts';

/**
 * The most calls of one account that run at once from a replica. Twilio does not publish its limit, and answers 429
 * beyond it: https://www.twilio.com/docs/api/errors/20429
 */
const CALLS_AT_ONCE = 25;
/** A provider that asks for a longer wait is tried again after this one, by the next call. */
const LONGEST_WAIT_MS = 60_000;
const MOST_ACCOUNTS = 10_000;

interface Account {
  limit: LimitFunction;
  /** The provider's request to wait, and until when it holds. */
  busy?: { problem: Busy; until: number };
}

/** One limiter per account, by name: all calls of that account from this replica go through it. */
export type Limiters = ReturnType<typeof createLimiters>;

export const createLimiters = (clock: Pick<Clock, 'now'>) => {
  const accounts = new LRUCache<string, Account>({
    max: MOST_ACCOUNTS,
    memoMethod: () => ({ limit: pLimit(CALLS_AT_ONCE) }),
  });

  const requireFree = ({ busy }: Account): void => {
    const wait_ms = busy ? busy.until - clock.now() : 0;
    if (!busy || wait_ms <= 0) return;
    const { code, detail, members } = busy.problem;
    throw new ProviderProblem(code, detail, {
      ...members,
      retry_after_seconds: Math.ceil(wait_ms / 1000),
      passing: true,
      said_retry_after_ms: wait_ms,
      cause: busy.problem,
    });
  };

  return (name: string): Limiter => ({
    run: (call) => {
      const account = accounts.memo(name);
      return account.limit(() => {
        requireFree(account);
        return call();
      });
    },
    noteBusy: (problem) => {
      const account = accounts.memo(name);
      const until = clock.now() + Math.min(problem.said_retry_after_ms, LONGEST_WAIT_MS);
      // Calls that run at once may be told different waits: the longest counts.
      if (until > (account.busy?.until ?? 0)) account.busy = { problem, until };
    },
  });
};
