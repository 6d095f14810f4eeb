import { problemOf } from '@trunkline/contracts';
import type { ClientSession } from 'mongoose';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Update as AnyUpdate, Collection, Index } from '../database/collection.ts';
import { isDatabaseLost } from '../database/connect.ts';
import { drawToken } from '../database/ids.ts';
import { orNull } from '../database/shape.ts';

/** Why something failed, for those who read the record. */
export const Told = z.object({ code: z.string(), detail: z.string() });
export type Told = z.output<typeof Told>;

export const toldOf = (error: unknown): Told => {
  const { code, detail } = problemOf(error);
  return { code, detail };
};

/** What is known about one part at its provider. */
const PartRecord = z.object({
  state: z.enum(['done', 'failed', 'undone']),
  resource_id: orNull(z.string()),
  /** What it was sent, without secrets. Absent: unknown, for example because an answer was lost. */
  sent: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]))
    .exactOptional(),
  at: z.date(),
  problem: Told.exactOptional(),
});
export type PartRecord = z.output<typeof PartRecord>;

/** How far a record's provisioning has come, and who works on it: the same fields in every provisioned collection. */
export const provisioningShape = <const PartName extends string>(partNames: readonly PartName[]) => ({
  attempt: z.number(),
  /** Until then, a call whose answer was lost may still take effect: look before making anything, and again afterwards. */
  uncertain_until: orNull(z.date()),
  /** When the reconciler must look at it: at the end of a lease, or for a postponed check. Absent: nothing to do. */
  due_at: z.date().exactOptional(),
  /** Identifies the current holder of the lease: each of its writes requires this token. */
  lease_token: orNull(z.string()),
  /** Why it was postponed. Cleared when work on it succeeds. */
  problem: orNull(Told),
  /** An earlier holder may have made something that no record names, so the current one requeues the record on release. */
  is_requeued: z.literal(true).exactOptional(),
  parts: z.partialRecord(z.enum(partNames), PartRecord).default({}),
});

export type Provisioning<PartName extends string = string> = Omit<
  z.output<z.ZodObject<ReturnType<typeof provisioningShape<PartName>>>>,
  'parts'
> & { parts: { [Name in PartName]?: PartRecord } };

/** Another replica has taken over the record, so this one may no longer write to it. */
export class LeaseLost extends Error {
  override name = 'LeaseLost';
  constructor() {
    super('Another holder has taken this record over');
  }
}

/** False if the lease or the database was lost: nothing can be stored then, and the next to claim the record goes on. */
export const isOursToStore = (error: unknown): boolean => !(error instanceof LeaseLost) && !isDatabaseLost(error);

type Fields = Record<string, unknown>;
export type Update = Pick<AnyUpdate, '$set' | '$unset'>;
export interface WriteOptions {
  /** A further condition of the write, besides the lease. */
  only?: Fields | undefined;
  session?: ClientSession | undefined;
}

/** The exclusive right to work on one record. */
export interface Claim<R> {
  /** As it was when claimed. The holder updates it with what it writes. */
  record: R;
  /** Renews the lease if `ms` or less is left of it. Throws `LeaseLost`. */
  ensure(ms: number): Promise<void>;
  /** Writes these fields together with the next write. */
  writeWithNext(fields: Fields): void;
  /** Writes what `writeWithNext` has left unwritten. */
  flush(): Promise<void>;
  /** Throws `LeaseLost` and writes nothing if another holder has taken over, or `only` does not match. */
  write(update: Update, options?: WriteOptions): Promise<void>;
  /** Writes, and gives up the lease. The reconciler looks at the record at `due_at`, if given. */
  release(update: Update, options?: WriteOptions & { due_at?: Date | undefined }): Promise<void>;
  /** Deletes the record. Throws `LeaseLost`. */
  remove(session: ClientSession): Promise<void>;
}

/** How long the row of a released record is kept, to tell that whatever still carries its mark may be removed. */
export const REMEMBERED_MS = 90 * 24 * 3_600_000;

/** Releases a record that is not done. `problem`: why, if something failed. Without `due_at`, it is not looked at again. */
export const putOff = (
  claim: Claim<{ provisioning: Pick<Provisioning, 'uncertain_until'> }>,
  due_at: Date | undefined,
  problem: Told | null = null,
): Promise<void> => {
  const { uncertain_until } = claim.record.provisioning;
  const $set = { 'provisioning.uncertain_until': uncertain_until, 'provisioning.problem': problem };
  return claim.release({ $set }, { due_at });
};

interface Held {
  lease_token: string;
  due_at: Date;
}

export interface LeaseSettings {
  clock: Clock;
  lease_ms: number;
  /** How long a call may still take effect after its answer was lost. */
  settle_ms: number;
}

const whatIsDue = { 'provisioning.due_at': { $exists: true } };

/** Only records that are due, now or later: by account, and of all. The second has a name, as its key was once another. */
export const dueIndexes = [
  { key: { queue: 1, 'provisioning.due_at': 1 }, partialFilterExpression: whatIsDue },
  { name: 'due', key: { 'provisioning.due_at': 1 }, partialFilterExpression: whatIsDue },
] as const satisfies readonly Index[];

/** What is due at this time. It repeats the index's `$exists`, so that every server uses that index. */
const dueAt = (now: number) => ({ 'provisioning.due_at': { $exists: true, $lte: new Date(now) } });

/** Leases on the records of one collection, each named by the field `id`. */
export const createLeases = <R extends { provisioning: Provisioning }>(
  records: Pick<
    Collection<R>,
    'updateOne' | 'updateMany' | 'count' | 'exists' | 'deleteOne' | 'findOneAndUpdate' | 'distinct' | 'earliest'
  >,
  id: keyof R & string,
  { clock, lease_ms, settle_ms }: LeaseSettings,
) => {
  const leaseOf = (record: R, { lease_token: token, due_at }: Held): Claim<R> => {
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
      writeWithNext: (fields) => {
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
      release: async ({ $set, $unset }, { due_at, only, session } = {}) => {
        const let_go = (due: Date | undefined, set: Fields = {}, unset: Fields = {}) => ({
          $set: { ...$set, ...set, 'provisioning.lease_token': null, ...(due && { 'provisioning.due_at': due }) },
          $unset: { ...$unset, ...unset, ...(!due && { 'provisioning.due_at': 1 }) },
        });
        try {
          await write(let_go(due_at), { session, only: { ...only, 'provisioning.is_requeued': { $exists: false } } });
        } catch (error) {
          if (!(error instanceof LeaseLost)) throw error;
          const now = new Date(clock.now());
          const theirs = z
            .date()
            .safeParse($set?.['provisioning.uncertain_until'] ?? record.provisioning.uncertain_until);
          const uncertain_until = theirs.success && theirs.data > now ? theirs.data : now;
          await write(
            let_go(now, { 'provisioning.uncertain_until': uncertain_until }, { 'provisioning.is_requeued': 1 }),
            {
              session,
              only,
            },
          );
        }
      },
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

  /** The updates that requeue a record: `due` for one that nobody holds, `requeued` for one that is held. */
  const requeueUpdates = () => {
    const now = new Date(clock.now());
    return {
      // A call of an earlier holder may take effect until the time already stored, so that is never shortened.
      due: { $set: { 'provisioning.due_at': now }, $max: { 'provisioning.uncertain_until': now } },
      requeued: { $set: { 'provisioning.is_requeued': true } },
    };
  };

  /** The fields of a record that is inserted under a lease. */
  const newLease = (): Held => ({ lease_token: drawToken(), due_at: new Date(clock.now() + lease_ms) });

  return {
    leaseOf,
    newLease,
    /** The queues in which something is due. */
    dueQueues: (): Promise<string[]> =>
      // Without $exists, with which the server would read each row.
      records.distinct('queue', { queue: { $gt: '' }, 'provisioning.due_at': { $lte: new Date(clock.now()) } }),
    /** When the record that has waited longest fell due. */
    longestDue: () => records.earliest('provisioning.due_at', dueAt(clock.now())),
    /** Takes a record that nobody holds. */
    claimFree: async (filter: Fields, set: Fields = {}): Promise<Claim<R> | undefined> => {
      const held = newLease();
      const free = { ...filter, 'provisioning.lease_token': null };
      const record = await records.findOneAndUpdate(free, taking(held, 0, set), { returnDocument: 'after' });
      return record ? leaseOf(record, held) : undefined;
    },
    /**
     * Takes the record that has been due longest: postponed until now, or left by a holder whose lease ran out. In the
     * latter case the token is still there and that holder's calls may still take effect, so what it sent for the
     * `untold` parts is no longer known.
     */
    claimDue: async (
      filter: Fields = {},
      untold: readonly (keyof R['provisioning']['parts'] & string)[] = [],
    ): Promise<Claim<R> | undefined> => {
      const now = clock.now();
      const held = newLease();
      const record = await records.findOneAndUpdate({ ...filter, ...dueAt(now) }, taking(held, 1), {
        // Sorted by queue too, so that no server scans the queues of others.
        sort: { queue: 1, 'provisioning.due_at': 1 },
        returnDocument: 'before',
      });
      if (record === null) return undefined;
      const { provisioning } = record;
      const isAbandoned = provisioning.lease_token !== null;
      Object.assign(provisioning, held, { attempt: provisioning.attempt + 1 });
      const claim = leaseOf(record, held);
      if (isAbandoned) {
        provisioning.uncertain_until = new Date(now + settle_ms);
        claim.writeWithNext({ 'provisioning.uncertain_until': provisioning.uncertain_until });
        for (const name of untold) {
          const part = provisioning.parts[name];
          if (part?.sent === undefined) continue;
          delete part.sent;
          claim.writeWithNext({ [`provisioning.parts.${name}`]: part });
        }
      }
      return claim;
    },
    /** Has the reconciler look at all of these: now, or for one that is held, once it is released. */
    requeueAll: async (filter: Fields): Promise<void> => {
      const { due, requeued } = requeueUpdates();
      await records.updateMany({ ...filter, 'provisioning.lease_token': { $ne: null } }, requeued);
      await records.updateMany({ ...filter, 'provisioning.lease_token': null }, due);
    },
    /** Includes records that were just claimed: by the holder's clock, a lease may end later. */
    countDue: (queue: string): Promise<number> => records.count({ queue, ...dueAt(clock.now() + 2 * lease_ms) }),
    /**
     * Has the reconciler look at a record: now, or once its holder releases it. So what a holder that lost its lease may
     * have made is found. Stored and not kept in memory, because this process may end as well. `set` is written with it.
     * False: there is no such record.
     */
    requeue: async (filter: Fields, set: Fields = {}): Promise<boolean> => {
      const { due, requeued } = requeueUpdates();
      const write = async (lease_token: Fields | null, update: AnyUpdate) => {
        const whole = { ...update, $set: { ...update.$set, ...set } };
        const found = await records.updateOne({ ...filter, 'provisioning.lease_token': lease_token }, whole);
        return found.matchedCount > 0;
      };
      while (!(await write(null, due)) && !(await write({ $ne: null }, requeued))) {
        if (!(await records.exists(filter))) return false;
      }
      return true;
    },
  };
};
