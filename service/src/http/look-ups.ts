import { Problem } from '@trunkline/contracts';
import { LRUCache } from 'lru-cache';
import pLimit, { type LimitFunction } from 'p-limit';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { networkOf } from './network.ts';

/** Keys that are looked up at once, from everywhere and from one network; and how many of a network wait their turn. */
const AT_ONCE = 32;
const AT_ONCE_OF_NETWORK = 8;
const MOST_WAITING = 1000;
/** So many failed guesses per minute and network; then the database is not asked for unknown keys from there. */
const GUESSES_PER_MINUTE = 60;
const MOST_NETWORKS = 10_000;

/** Asks the database for keys, so few at once that nobody's wrong keys hold up the rest: on each replica for itself. */
export const createLookUps = () => {
  const everywhere = pLimit(AT_ONCE);
  const lanes = new LRUCache<string, LimitFunction>({
    max: MOST_NETWORKS,
    memoMethod: () => pLimit(AT_ONCE_OF_NETWORK),
  });
  const failed = new RateLimiterMemory({ points: GUESSES_PER_MINUTE, duration: 60 });

  const refuseGuessing = async (network: string): Promise<void> => {
    const guesses = await failed.get(network);
    if (guesses !== null && guesses.consumedPoints >= GUESSES_PER_MINUTE) throw tooMany(guesses);
  };

  /** `isGuess`: nothing about the key tells that it could be one. Throws `rate_limited`. */
  return async <T>(address: string, isGuess: boolean, look: () => Promise<T | undefined>): Promise<T | undefined> => {
    const network = networkOf(address);
    const lane = lanes.memo(network);
    if (lane.pendingCount >= MOST_WAITING) throw tooMany({ msBeforeNext: 1000 });
    return lane(async () => {
      if (isGuess) await refuseGuessing(network);
      const found = await everywhere(look);
      if (isGuess && found === undefined) await failed.penalty(network);
      return found;
    });
  };
};

const tooMany = ({ msBeforeNext }: Pick<RateLimiterRes, 'msBeforeNext'>) =>
  new Problem(
    'rate_limited',
    'Too many requests from this address without a valid API key. Check the key and try again later.',
    { retry_after_seconds: Math.max(1, Math.ceil(msBeforeNext / 1000)) },
  );
