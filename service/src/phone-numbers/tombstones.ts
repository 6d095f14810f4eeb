import type { PhoneNumberId } from '@trunkline/contracts';
import { type ClientSession, type Connection, Schema } from 'mongoose';
import type { Clock } from '../clock.ts';
import type { PhoneNumberRecord } from './record.ts';

/** A record that is gone. What carries its mark was let go of, and may be removed wherever it turns up. */
interface Tombstone {
  phone_number_id: PhoneNumberId;
  at: Date;
  /** When the reconciler must look once more for what carries its mark. Absent: never. */
  due_at?: Date;
  /** The record as it was when it went, without its secrets. */
  record: PhoneNumberRecord;
}

const schema = new Schema<Tombstone>(
  {
    phone_number_id: { type: String, required: true, unique: true },
    at: { type: Date, required: true },
    due_at: { type: Date, required: false },
    record: { type: Object, required: true },
  },
  { strict: 'throw', strictQuery: 'throw', versionKey: false, minimize: false },
).index({ due_at: 1 });

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
  const tombstones = connection.model<Tombstone>('Tombstone', schema, 'tombstones');
  const later = (ms: number) => new Date(clock.now() + ms);
  return {
    put: async (record: PhoneNumberRecord, session: ClientSession): Promise<void> => {
      const { phone_number_id } = record;
      const bare = { ...record, inbound_pin: null, ...(record.provider === 'sip' && { sip_password: null }) };
      await tombstones.replaceOne(
        { phone_number_id },
        { phone_number_id, at: later(0), record: bare },
        { session, upsert: true },
      );
    },
    has: async (phone_number_id: PhoneNumberId): Promise<boolean> =>
      (await tombstones.exists({ phone_number_id })) !== null,
    get: async (phone_number_id: PhoneNumberId): Promise<PhoneNumberRecord | undefined> =>
      (await tombstones.findOne({ phone_number_id }).lean<Tombstone>())?.record,
    /** Has what carries this mark looked for once more. */
    lookAgain: async (phone_number_id: PhoneNumberId): Promise<void> => {
      await tombstones.updateOne({ phone_number_id }, { $set: { due_at: later(0) } });
    },
    /** Takes one that is due; it comes again after the lease unless it is `laid` to rest. */
    claimDue: async (): Promise<PhoneNumberRecord | undefined> => {
      const due = { due_at: { $lte: later(0) } };
      return (await tombstones.findOneAndUpdate(due, { $set: { due_at: later(lease_ms) } }).lean<Tombstone>())?.record;
    },
    laid: async (phone_number_id: PhoneNumberId): Promise<void> => {
      await tombstones.updateOne({ phone_number_id }, { $unset: { due_at: 1 } });
    },
  };
};
