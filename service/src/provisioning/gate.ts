import { Problem } from '@trunkline/contracts';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { type CollectionDefinition, openCollection } from '../database/collection.ts';
import type { Connection } from '../database/connect.ts';
import { installationsCollection } from '../database/installation.ts';
import type { Log } from '../telemetry/log.ts';

/** How many removals repairs have made within one hour: of an account, or of the whole installation. */
const Removals = z.object({ of: z.string(), hour: z.date(), count: z.number() });

export const removalsCollection = {
  name: 'removals',
  id: 'of',
  shape: Removals,
  indexes: [
    { key: { of: 1, hour: 1 }, unique: true },
    { key: { hour: 1 }, expireAfterSeconds: 86_400 },
  ],
} as const satisfies CollectionDefinition;

/** Nothing is sent to a provider until the operator resumes. */
export class Paused extends Problem {
  constructor(detail: string) {
    super('paused', detail, { retry_after_seconds: 60 });
    this.name = 'Paused';
  }
}

const HOUR_MS = 3_600_000;
/** How long a replica trusts what it has read. */
const BELIEVED_MS = 1000;
/** This many removals of trunks and rules an hour are normal, for an account and for the whole installation. */
const FEW = 10;
/** So are this many for each number that is held. */
const SHARE = 0.01;

export type Gate = ReturnType<typeof createGate>;

export interface GateDependencies {
  connection: Connection;
  clock: Clock;
  log: Log;
  /** How many numbers an account holds; without `queue`, all accounts. */
  countHeld(queue?: string): Promise<number>;
}

/** Tenants read it in the problem of their numbers. */
const BRAKED =
  'Repairs are paused: they would have removed unusually many trunks or rules. Ask the operator of this service to resume them.';

/** Stops work on the providers: when the operator pauses it, or when repairs remove suspiciously much. */
export const createGate = ({ connection, clock, log, countHeld }: GateDependencies) => {
  const installations = openCollection(connection, installationsCollection);
  const removals = openCollection(connection, removalsCollection);
  const installation = { _id: 'installation' } as const;
  let believed = { until: 0, isPaused: false, isBraked: false };

  const read = async () => {
    if (clock.now() < believed.until) return believed;
    const { paused_at, braked_at } = (await installations.findOne(installation)) ?? {};
    believed = { until: clock.now() + BELIEVED_MS, isPaused: Boolean(paused_at), isBraked: Boolean(braked_at) };
    return believed;
  };

  /** Counts one more removal. True: it is too many in this hour, for this account or for all. */
  const isTooMany = async (of: string): Promise<boolean> => {
    const hour = new Date(Math.floor(clock.now() / HOUR_MS) * HOUR_MS);
    const one = { $inc: { count: 1 }, $setOnInsert: { of, hour } };
    const counted = await removals.findOneAndUpdate({ of, hour }, one, { upsert: true, returnDocument: 'after' });
    const count = counted?.count ?? 1;
    return count > FEW && count > SHARE * (await countHeld(of === ALL ? undefined : of));
  };

  return {
    isPaused: async (): Promise<boolean> => (await read()).isPaused,

    /** Throws `Paused` if the operator has paused the service. */
    requireOpen: async (): Promise<void> => {
      if ((await read()).isPaused)
        throw new Paused(
          'The operator has paused this service: numbers and integrations can be read, but not changed. Try again later.',
        );
    },

    /** Throws `Paused` if repairs must remove nothing more: too many removals may be a mistake of ours. */
    admitRemoval: async (queue: string): Promise<void> => {
      const isStopped = (await read()).isBraked || (await isTooMany(queue)) || (await isTooMany(ALL));
      if (!isStopped) return;
      log.error(
        { event: 'removals_stopped', queue },
        'Stopped the repairs, which would have removed unusually many trunks or rules: check why, then run trunkline resume',
      );
      await installations.updateOne(installation, { $set: { braked_at: new Date(clock.now()) } });
      believed = { ...believed, until: 0 };
      throw new Paused(BRAKED);
    },

    /** For the operator. */
    pause: async (): Promise<void> => {
      await installations.updateOne(installation, { $set: { paused_at: new Date(clock.now()) } });
    },
    resume: async (): Promise<void> => {
      await installations.updateOne(installation, { $unset: { paused_at: 1, braked_at: 1 } });
      await removals.deleteAll();
    },
  };
};

const ALL = 'installation';
