import { Problem } from '@trunkline/contracts';
import { LRUCache } from 'lru-cache';
import pLimit, { type LimitFunction } from 'p-limit';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { networkOf } from './network.ts';

/** How many keys are looked up at once, in total and per network, and how many per network may wait. */
const AT_ONCE = 32;
const AT_ONCE_OF_NETWORK = 8;
const MOST_WAITING = 1000;
/** After this many failed guesses in a minute, a network's guesses are refused without asking the database. */
const GUESSES_PER_MINUTE = 60;
const MOST_NETWORKS = 10_000;

/** Looks up keys, few at a time, so that one caller's wrong keys do not delay others. Each replica counts alone. */
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

  /** `isGuess`: the key has no checksum and did not exist before. Throws `rate_limited`. */
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
