import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { type CollectionDefinition, openCollection } from '../database/collection.ts';
import { type Connection, repeatedField } from '../database/connect.ts';
import { drawToken } from '../database/ids.ts';

/** The records of one account that fall due: one replica at a time works on them, so that the account is not asked by all at once. */
const Queue = z.object({
  queue: z.string(),
  token: z.string(),
  /** Until then nobody else takes it: somebody works on it, or the provider has asked to wait. */
  until: z.date(),
});

export const queuesCollection = {
  name: 'queues',
  id: 'queue',
  shape: Queue,
  indexes: [
    { key: { queue: 1 }, unique: true },
    // One that nobody has taken for a day is made again when it is.
    { key: { until: 1 }, expireAfterSeconds: 86_400 },
  ],
} as const satisfies CollectionDefinition;

export interface HeldQueue {
  /** Goes on holding it. False: another has taken it. */
  renew(): Promise<boolean>;
  /** Lets go of it. Nobody takes it before `wait_ms` are over. */
  release(wait_ms: number): Promise<void>;
}

export type Queues = ReturnType<typeof createQueues>;

export const createQueues = (connection: Connection, { clock, lease_ms }: { clock: Clock; lease_ms: number }) => {
  const queues = openCollection(connection, queuesCollection);
  const later = (ms: number) => new Date(clock.now() + ms);

  return {
    /** Undefined: another has it, or its provider has asked to wait. */
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
