import { Problem } from '@trunkline/contracts';
import type { Request, Response } from 'express';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { createLookUps } from './look-ups.ts';
import { networkOf } from './network.ts';

/** How many files a browser requests at once on its first visit to the reference. */
const FILES_OF_A_PAGE = 60;

export type Limits = ReturnType<typeof createLimits>;

export interface LimitSettings {
  calls_per_second: number;
  /** Requests without a valid key, per address. */
  anonymous_per_second: number;
}

/** Limits calls per key, requests without one per address, and look-ups of keys. In memory, for each replica alone. */
export const createLimits = ({ calls_per_second, anonymous_per_second }: LimitSettings) => {
  const anonymousByAddress = new RateLimiterMemory({ points: anonymous_per_second, duration: 1 });
  const filesByAddress = new RateLimiterMemory({ points: anonymous_per_second * FILES_OF_A_PAGE, duration: 1 });
  const byKey = new RateLimiterMemory({ points: calls_per_second, duration: 1 });

  return {
    lookUp: createLookUps(),

    /** Counts calls of a key and sets the RateLimit headers. Throws `rate_limited`. */
    count: async (key_id: string, calls: number, res: Response): Promise<void> => {
      const left: Limit = await byKey.consume(key_id, calls).catch(asLimit);
      res.setHeader('RateLimit-Policy', `"key";q=${calls_per_second};w=1`);
      res.setHeader('RateLimit', `"key";r=${Math.max(0, left.remainingPoints)};t=${secondsOf(left)}`);
      if (left.isExceeded) {
        throw new Problem(
          'rate_limited',
          `An API key may make ${calls_per_second} calls per second; every call in a batch counts. Slow down and try again.`,
          {
            retry_after_seconds: secondsOf(left),
          },
        );
      }
    },

    /** Counts a request that needs no key or has no valid one. Throws `rate_limited`. */
    countAnonymous: (req: Request, res: Response): Promise<void> => countAddress(anonymousByAddress, req, res),
    /** The same for the files of the reference page, of which a browser needs many. */
    countFile: (req: Request, res: Response): Promise<void> => countAddress(filesByAddress, req, res),
  };
};

const countAddress = async (
  limiter: RateLimiterMemory,
  { ip = '' }: Pick<Request, 'ip'>,
  res: Response,
): Promise<void> => {
  const left: Limit = await limiter.consume(networkOf(ip)).catch(asLimit);
  if (!left.isExceeded) return;
  // Ignores whatever else was sent on this connection.
  res.setHeader('Connection', 'close');
  throw new Problem(
    'rate_limited',
    'Too many requests from this address, without an API key or for no known route. Try again in a second.',
    {
      retry_after_seconds: secondsOf(left),
    },
  );
};

interface Limit {
  remainingPoints: number;
  msBeforeNext: number;
  isExceeded?: boolean;
}

/** At the limit, the library rejects with a result instead of an error. */
const asLimit = (rejection: unknown): Limit => {
  if (!(rejection instanceof RateLimiterRes)) throw rejection;
  return { remainingPoints: rejection.remainingPoints, msBeforeNext: rejection.msBeforeNext, isExceeded: true };
};

const secondsOf = ({ msBeforeNext }: Pick<Limit, 'msBeforeNext'>): number =>
  Math.max(1, Math.ceil(msBeforeNext / 1000));
