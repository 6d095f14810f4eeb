import type { EventId, KeyId, OrganizationId } from '@trunkline/contracts';
import { type ClientSession, type Connection, Schema } from 'mongoose';
import type { Clock } from '../clock.ts';
import { drawId } from '../random.ts';

export type Actor = { key_id: KeyId } | { system: 'reconciler' | 'command_line' | 'bootstrap' };

/** Who changed what: written in the transaction of the change that it tells of. */
export interface NewEvent {
  organization_id: OrganizationId;
  type:
    | 'phone_number.imported'
    | 'phone_number.import_failed'
    | 'phone_number.import_undone'
    | 'phone_number.assigned'
    | 'phone_number.unassigned'
    | 'integration.created'
    | 'integration.refused'
    | 'integration.accepted'
    | 'api_key.created'
    | 'api_key.revoked'
    | 'organization.created';
  subject_id: string;
  actor: Actor;
  request_id: string | null;
  /** The fields that changed, as they are now. Never a secret. */
  changes: Record<string, string | number | boolean | null>;
}

export interface EventRecord extends NewEvent {
  event_id: EventId;
  at: Date;
}

const schema = new Schema<EventRecord>(
  {
    event_id: { type: String, required: true, unique: true },
    organization_id: { type: String, required: true },
    type: { type: String, required: true },
    subject_id: { type: String, required: true },
    actor: { type: Object, required: true },
    request_id: { type: String, default: null },
    changes: { type: Object, required: true },
    at: { type: Date, required: true },
  },
  { strict: 'throw', strictQuery: 'throw', versionKey: false, minimize: false },
).index({ organization_id: 1, _id: -1 });

export type EventStore = ReturnType<typeof createEventStore>;

export const createEventStore = ({ connection, clock }: { connection: Connection; clock: Clock }) => {
  const events = connection.model<EventRecord>('Event', schema, 'events');
  return {
    write: async (event: NewEvent, session: ClientSession): Promise<void> => {
      await events.create([{ ...event, event_id: drawId('evnt'), at: new Date(clock.now()) }], { session });
    },
  };
};
