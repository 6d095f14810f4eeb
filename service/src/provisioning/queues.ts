import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { type CollectionDefinition, openCollection } from '../database/collection.ts';
import { type Connection, repeatedField } from '../database/connect.ts';
import { drawToken } from '../database/ids.ts';

/** The records of one account that fall due. One replica at a time works on them, so that not all call the account at once. */
const Queue = z.object({
  queue: z.string(),
  token: z.string(),
  /** Until then, no other replica takes it: one is working on it, or the provider has asked to wait. */
  until: z.date(),
});

export const queuesCollection = {
  name: 'queues',
  id: 'queue',
  shape: Queue,
  indexes: [
    { key: { queue: 1 }, unique: true },
    // A queue that nobody took for a day is deleted, and made again when it is taken.
    { key: { until: 1 }, expireAfterSeconds: 86_400 },
  ],
} as const satisfies CollectionDefinition;

export interface HeldQueue {
  /** Keeps holding it. False: another replica has taken it. */
  renew(): Promise<boolean>;
  /** Releases it. No replica takes it again before `wait_ms` have passed. */
  release(wait_ms: number): Promise<void>;
}

export type Queues = ReturnType<typeof createQueues>;

export const createQueues = (connection: Connection, { clock, lease_ms }: { clock: Clock; lease_ms: number }) => {
  const queues = openCollection(connection, queuesCollection);
  const later = (ms: number) => new Date(clock.now() + ms);

  return {
    /** Undefined: another replica has it, or its provider has asked to wait. */
    take: async (queue: string): Promise<HeldQueue | undefined> => {
      const token = drawToken();
      const free = { queue, until: { $lte: later(0) } };
      try {
        await queues.updateOne(free, { $set: { token, until: later(lease_ms) } }, { upsert: true });
      } catch (error) {
        if (repeatedField(error) === 'queue') return undefined;
        throw error;
      }
      const mine = { queue, token };
      return {
        renew: async () => (await queues.updateOne(mine, { $set: { until: later(lease_ms) } })).matchedCount > 0,
        release: async (wait_ms) => void (await queues.updateOne(mine, { $set: { until: later(wait_ms) } })),
      };
    },
  };
};
