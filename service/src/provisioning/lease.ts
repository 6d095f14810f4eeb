import { problemOf } from '@trunkline/contracts';
import type { ClientSession } from 'mongoose';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Update as AnyUpdate, Collection, Index } from '../database/collection.ts';
import { isDatabaseLost } from '../database/connect.ts';
import { drawToken } from '../database/ids.ts';
import { orNull } from '../database/shape.ts';

/** Why something failed, for whoever reads the record. */
export const Told = z.object({ code: z.string(), detail: z.string() });
export type Told = z.output<typeof Told>;

export const toldOf = (error: unknown): Told => {
  const { code, detail } = problemOf(error);
  return { code, detail };
};

/** What one step made, and how it went. */
const StepRecord = z.object({
  state: z.enum(['done', 'failed', 'undone']),
  resource_id: orNull(z.string()),
  at: z.date(),
  problem: Told.exactOptional(),
});
export type StepRecord = z.output<typeof StepRecord>;

/** The part of a record that says how far its provisioning is, and who works on it; for every collection of such records. */
export const provisioningShape = <const StepName extends string>(stepNames: readonly StepName[]) => ({
  attempt: z.number(),
  /** Until then a call whose answer was lost may still take effect: look before making, and once more after. */
  doubtful_until: orNull(z.date()),
  /** When the reconciler must look at it: the end of a lease, or a check put off. Absent: nothing is to do. */
  due_at: z.date().exactOptional(),
  /** Held by whoever works on it; every write of theirs names it. */
  lease_token: orNull(z.string()),
  /** Why it was put off, until it is worked on with success. */
  problem: orNull(Told),
  steps: z.partialRecord(z.enum(stepNames), StepRecord).default({}),
});

export type Provisioning<StepName extends string = string> = Omit<
  z.output<z.ZodObject<ReturnType<typeof provisioningShape<StepName>>>>,
  'steps'
> & { steps: { [Name in StepName]?: StepRecord } };

/** Another replica has taken the record over: what this one wanted to write is no longer its business. */
export class LeaseLost extends Error {
  override name = 'LeaseLost';
  constructor() {
    super('Another holder has taken this record over');
  }
}

/** With the lease or the database lost, nothing can be stored: whoever claims the record next goes on. */
export const isOursToStore = (error: unknown): boolean => !(error instanceof LeaseLost) && !isDatabaseLost(error);

type Fields = Record<string, unknown>;
export type Update = Pick<AnyUpdate, '$set' | '$unset'>;
export interface WriteOptions {
  /** Also a condition of the write, beside the lease. */
  only?: Fields;
  session?: ClientSession;
}

/** The exclusive right to work on one record. */
export interface Claim<R> {
  /** As it was when it was claimed; the holder keeps it in step with what it writes. */
  record: R;
  /** Renews the lease unless it lasts for longer than `ms` from now. Throws `LeaseLost`. */
  ensure(ms: number): Promise<void>;
  /** Writes these fields together with whatever is written next. */
  alongside(fields: Fields): void;
  /** Writes what is to be written alongside, if there is any. */
  flush(): Promise<void>;
  /** Throws `LeaseLost`, and writes nothing, where another has taken over or `only` does not hold. */
  write(update: Update, options?: WriteOptions): Promise<void>;
  /** Writes, and lets go. The reconciler looks again at `due_at`, if given. */
  release(update: Update, options?: WriteOptions & { due_at?: Date | undefined }): Promise<void>;
  /** Deletes the record. Throws `LeaseLost`. */
  remove(session: ClientSession): Promise<void>;
}

interface Held {
  lease_token: string;
  due_at: Date;
}

/** Whether a record will be looked at again, or why not. */
export type LookedAgain = 'due' | 'held' | 'gone';

export interface LeaseSettings {
  clock: Clock;
  lease_ms: number;
  /** How long after its answer was lost a call may still take effect. */
  settle_ms: number;
}

/** Holds what is due, now or later, and nothing that is at rest. Named, for its key has had another index. */
export const dueIndex = {
  name: 'due',
  key: { 'provisioning.due_at': 1 },
  partialFilterExpression: { 'provisioning.due_at': { $exists: true } },
} as const satisfies Index;

/** What is due at this time. It says `$exists` as the index does, so that every server sees that the two belong together. */
export const dueAt = (now: number) => ({ 'provisioning.due_at': { $exists: true, $lte: new Date(now) } });

/** Leases on the records of one collection, each named by the field `id`. */
export const createLeases = <R extends { provisioning: Provisioning }>(
  records: Pick<Collection<R>, 'updateOne' | 'exists' | 'deleteOne' | 'findOneAndUpdate'>,
  id: keyof R & string,
  { clock, lease_ms, settle_ms }: LeaseSettings,
) => {
  const hold = (record: R, { lease_token: token, due_at }: Held): Claim<R> => {
    let until = due_at.getTime();
    const mine = { [id]: record[id], 'provisioning.lease_token': token };

    let unwritten: Fields = {};

    const write = async ({ $set, $unset }: Update, { only, session }: WriteOptions = {}) => {
      const sent = unwritten;
      const update = { $set: { ...sent, ...$set }, ...($unset && { $unset }) };
      const { matchedCount } = await records.updateOne({ ...only, ...mine }, update, { session });
      if (matchedCount === 0) throw new LeaseLost();
      // A transaction may be rolled back, and tried again.
      if (session === undefined && unwritten === sent) unwritten = {};
    };

    return {
      record,
      write,
      alongside: (fields) => {
        unwritten = { ...unwritten, ...fields };
      },
      flush: async () => {
        if (Object.keys(unwritten).length > 0) await write({});
      },
      ensure: async (ms) => {
        if (until - clock.now() > ms) return;
        const renewed = clock.now() + lease_ms;
        await write({ $set: { 'provisioning.due_at': new Date(renewed) } });
        until = renewed;
      },
      release: ({ $set, $unset }, { due_at, ...options } = {}) =>
        write(
          {
            $set: { ...$set, 'provisioning.lease_token': null, ...(due_at && { 'provisioning.due_at': due_at }) },
            $unset: { ...$unset, ...(!due_at && { 'provisioning.due_at': 1 }) },
          },
          options,
        ),
      remove: async (session) => {
        const { deletedCount } = await records.deleteOne(mine, { session });
        if (deletedCount === 0) throw new LeaseLost();
      },
    };
  };

  const taking = ({ lease_token, due_at }: Held, attempts: 0 | 1, set: Fields = {}) => ({
    $set: { ...set, 'provisioning.lease_token': lease_token, 'provisioning.due_at': due_at },
    $inc: { 'provisioning.attempt': attempts },
  });

  /** What a record has that is made under a lease. */
  const newlyHeld = (): Held => ({ lease_token: drawToken(), due_at: new Date(clock.now() + lease_ms) });

  return {
    hold,
    newlyHeld,
    /** Takes a record that nobody holds. */
    claimFree: async (filter: Fields, set: Fields = {}): Promise<Claim<R> | undefined> => {
      const held = newlyHeld();
      const free = { ...filter, 'provisioning.lease_token': null };
      const record = await records.findOneAndUpdate(free, taking(held, 0, set), { returnDocument: 'after' });
      return record ? hold(record, held) : undefined;
    },
    /**
     * Takes what has been due for longest: what was put off until now, or whose holder let its lease run out. Of the
     * latter the token is still there, and what that holder was doing may still take effect.
     */
    claimDue: async (filter: Fields = {}): Promise<Claim<R> | undefined> => {
      const now = clock.now();
      const held = newlyHeld();
      const record = await records.findOneAndUpdate({ ...filter, ...dueAt(now) }, taking(held, 1), {
        sort: dueIndex.key,
        returnDocument: 'before',
      });
      if (record === null) return undefined;
      const { provisioning } = record;
      const isAbandoned = provisioning.lease_token !== null;
      Object.assign(provisioning, held, { attempt: provisioning.attempt + 1 });
      const claim = hold(record, held);
      if (isAbandoned) {
        provisioning.doubtful_until = new Date(now + settle_ms);
        claim.alongside({ 'provisioning.doubtful_until': provisioning.doubtful_until });
      }
      return claim;
    },
    /** Has a record that nobody holds looked at now, as after a lost answer. */
    lookAgain: async (filter: Fields): Promise<LookedAgain> => {
      const now = new Date(clock.now());
      // A call of whoever holds no lease now may take effect for as long as is written already.
      const due = { $set: { 'provisioning.due_at': now }, $max: { 'provisioning.doubtful_until': now } };
      const { matchedCount } = await records.updateOne({ ...filter, 'provisioning.lease_token': null }, due);
      if (matchedCount > 0) return 'due';
      return (await records.exists(filter)) ? 'held' : 'gone';
    },
  };
};
