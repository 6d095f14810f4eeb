import { KeyId, OrganizationId } from '@trunkline/contracts';
import type { ClientSession } from 'mongoose';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { type CollectionDefinition, openCollection } from '../database/collection.ts';
import type { Connection } from '../database/connect.ts';
import { drawId } from '../database/ids.ts';
import { orNull } from '../database/shape.ts';

export const Actor = z.union([
  z.object({ key_id: KeyId }),
  z.object({ system: z.enum(['reconciler', 'command_line', 'bootstrap']) }),
]);
export type Actor = z.output<typeof Actor>;

/** Who changed what. Written in the transaction of the change itself. */
const EventRecord = z.object({
  event_id: z.templateLiteral(['evnt_', z.string()]),
  organization_id: OrganizationId,
  type: z.enum([
    'phone_number.imported',
    'phone_number.import_failed',
    'phone_number.import_undone',
    'phone_number.updated',
    'phone_number.assigned',
    'phone_number.unassigned',
    'phone_number.released',
    'integration.created',
    'integration.updated',
    'integration.trunk_password_rotated',
    'integration.deleted',
    'integration.refused',
    'integration.accepted',
    'api_key.created',
    'api_key.revoked',
    'organization.created',
  ]),
  subject_id: z.string(),
  actor: Actor,
  request_id: orNull(z.string()),
  /** The changed fields with their new values. Never a secret. */
  changes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  at: z.date(),
});
export type NewEvent = Omit<z.output<typeof EventRecord>, 'event_id' | 'at'>;

export const eventsCollection = {
  name: 'events',
  id: 'event_id',
  shape: EventRecord,
  indexes: [{ key: { event_id: 1 }, unique: true }, { key: { organization_id: 1, _id: -1 } }],
} as const satisfies CollectionDefinition;

export type EventStore = ReturnType<typeof createEventStore>;

export const createEventStore = ({ connection, clock }: { connection: Connection; clock: Clock }) => {
  const events = openCollection(connection, eventsCollection);
  return {
    write: (event: NewEvent, session: ClientSession): Promise<void> =>
      events.insert({ ...event, event_id: drawId('evnt'), at: new Date(clock.now()) }, { session }),
  };
};
