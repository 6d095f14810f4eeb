import { PhoneNumberId } from '@trunkline/contracts';
import type { ClientSession } from 'mongoose';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { type CollectionDefinition, openCollection } from '../database/collection.ts';
import type { Connection } from '../database/connect.ts';
import { PhoneNumberRecord } from './record.ts';

/** A record that is gone. What carries its mark was let go of, and may be removed wherever it turns up. */
const Tombstone = z.object({
  phone_number_id: PhoneNumberId,
  at: z.date(),
  /** When the reconciler must look once more for what carries its mark. Absent: never. */
  due_at: z.date().exactOptional(),
  /** The record as it was when it went, without its secrets. */
  record: PhoneNumberRecord,
});

export const tombstonesCollection = {
  name: 'tombstones',
  id: 'phone_number_id',
  shape: Tombstone,
  sealed_as: { collection: 'phone_numbers', within: 'record', only: ['former_routing'] },
  indexes: [
    { key: { phone_number_id: 1 }, unique: true },
    { name: 'due', key: { due_at: 1 }, partialFilterExpression: { due_at: { $exists: true } } },
  ],
} as const satisfies CollectionDefinition;

export type Tombstones = ReturnType<typeof createTombstones>;

/** Remembers which phone numbers of this installation were let go of. */
export const createTombstones = ({
  connection,
  clock,
  lease_ms,
}: {
  connection: Connection;
  clock: Clock;
  lease_ms: number;
}) => {
  const tombstones = openCollection(connection, tombstonesCollection);
  const later = (ms: number) => new Date(clock.now() + ms);
  return {
    put: async (record: PhoneNumberRecord, session: ClientSession): Promise<void> => {
      const { phone_number_id } = record;
      // How it was routed before stays, sealed: a routing that lands late is given back by it.
      const bare = { ...record, inbound_pin: null, ...(record.provider === 'sip' && { sip_password: null }) };
      await tombstones.replace({ phone_number_id }, { phone_number_id, at: later(0), record: bare }, { session });
    },
    has: (phone_number_id: PhoneNumberId): Promise<boolean> => tombstones.exists({ phone_number_id }),
    get: async (phone_number_id: PhoneNumberId): Promise<PhoneNumberRecord | undefined> =>
      (await tombstones.findOne({ phone_number_id }))?.record,
    /** Has what carries this mark looked for once more. */
    lookAgain: async (phone_number_id: PhoneNumberId): Promise<void> => {
      await tombstones.updateOne({ phone_number_id }, { $set: { due_at: later(0) } });
    },
    /** Takes one that is due; it comes again after the lease unless it is `laid` to rest. */
    claimDue: async (): Promise<PhoneNumberRecord | undefined> => {
      const due = { due_at: { $exists: true, $lte: later(0) } };
      const taken = { $set: { due_at: later(lease_ms) } };
      return (await tombstones.findOneAndUpdate(due, taken, { sort: { due_at: 1 }, returnDocument: 'before' }))?.record;
    },
    laid: async (phone_number_id: PhoneNumberId): Promise<void> => {
      await tombstones.updateOne({ phone_number_id }, { $unset: { due_at: 1 } });
    },
  };
};
