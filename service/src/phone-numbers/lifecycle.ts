import type { Problem, StepName } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import type { Transaction } from '../database/connect.ts';
import type { Actor, EventStore, NewEvent } from '../events/store.ts';
import type { Told } from '../provisioning/lease.ts';
import { type Progress, progressOf } from '../provisioning/provision.ts';
import type { PhoneNumberClaim } from './store.ts';
import type { Tombstones } from './tombstones.ts';

export type Lifecycle = ReturnType<typeof createLifecycle>;

export interface LifecycleDependencies {
  inTransaction: Transaction;
  events: EventStore;
  tombstones: Tombstones;
  clock: Clock;
}

/** How a record changes. What a caller asked for, or would want to know, is written with its event in one transaction. */
export const createLifecycle = ({ inTransaction, events, tombstones, clock }: LifecycleDependencies) => {
  const now = () => new Date(clock.now());

  const tell = (
    { record }: PhoneNumberClaim,
    type: NewEvent['type'],
    changes: NewEvent['changes'],
    by: { actor: Actor; request_id: string | null } = importer(record),
  ): NewEvent => ({
    organization_id: record.organization_id,
    subject_id: record.phone_number_id,
    type,
    changes,
    ...by,
  });

  return {
    progressOf: (claim: PhoneNumberClaim): Progress<StepName> => {
      const { record } = claim;
      const routingOf = () => (record.provider === 'twilio' ? record.former_routing : null);
      const stored = routingOf();
      return progressOf(claim, clock.now, (name) =>
        // What verifying found out about today's routing must be stored before the routing is replaced. What it did not
        // find out is not written back: it may be sealed anew meanwhile.
        name === 'verify_ownership' && routingOf() !== stored ? { former_routing: routingOf() } : {},
      );
    },

    /** Importing is done. Throws `LeaseLost` where the deadline has turned it back meanwhile. */
    imported: async (claim: PhoneNumberClaim): Promise<void> => {
      const { record } = claim;
      const { phone_number, provider, assigned_agent_id } = record;
      const updated_at = now();
      await inTransaction(async (session) => {
        const due_at = record.provisioning.doubtful_until ?? undefined;
        const active = { $set: { provisioning_state: 'active', 'provisioning.problem': null, updated_at } };
        await claim.release(active, { session, due_at, only: { provisioning_state: 'importing' } });
        await events.write(
          tell(claim, 'phone_number.imported', { phone_number, provider, assigned_agent_id }),
          session,
        );
      });
      record.provisioning_state = 'active';
      record.updated_at = updated_at;
    },

    /** Stores that it goes back, before the caller is told. Throws `LeaseLost` where it is imported, or another's, already. */
    turnedBack: async (claim: PhoneNumberClaim, { code, detail }: Problem): Promise<void> => {
      const { record } = claim;
      const failure = { code, detail };
      await inTransaction(async (session) => {
        const back = { $set: { provisioning_state: 'releasing', 'provisioning.failure': failure, updated_at: now() } };
        await claim.write(back, { session, only: { provisioning_state: 'importing' } });
        await events.write(tell(claim, 'phone_number.import_failed', { code }), session);
      });
      record.provisioning_state = 'releasing';
      record.provisioning.failure = failure;
    },

    /** Nothing of it is left: the number is free for anyone. */
    removed: (claim: PhoneNumberClaim): Promise<void> =>
      inTransaction(async (session) => {
        const { phone_number_id, phone_number, provisioning } = claim.record;
        const { releasing, steps } = provisioning;
        const isSwept = await tombstones.has(phone_number_id);
        await claim.remove(session);
        await tombstones.put(claim.record, session);
        // It went before, and was told of then.
        if (isSwept) return;
        const { problem } = steps.carrier_routing ?? {};
        const changes = { ...(releasing && { phone_number }), ...(problem && { problem: problem.detail }) };
        const [type, by] = releasing
          ? (['phone_number.released', releasing] as const)
          : (['phone_number.import_undone', reconciler] as const);
        await events.write(tell(claim, type, changes, { actor: by.actor, request_id: by.request_id }), session);
      }),

    /** A provider refused before anything was removed: the number stays as it was. */
    releaseDropped: async (claim: PhoneNumberClaim): Promise<void> => {
      await claim.release({ $set: { provisioning_state: 'active', 'provisioning.releasing': null } });
      claim.record.provisioning_state = 'active';
      claim.record.provisioning.releasing = null;
    },

    /** Nothing is left to do about it. */
    settled: (claim: PhoneNumberClaim): Promise<void> =>
      claim.release({ $set: { 'provisioning.doubtful_until': null, 'provisioning.problem': null } }),

    /** Puts it off: the reconciler looks again at `due_at`. `problem` tells why, where something failed. */
    postponed: (claim: PhoneNumberClaim, due_at: Date, problem: Told | null = null): Promise<void> => {
      const { doubtful_until } = claim.record.provisioning;
      return claim.release(
        { $set: { 'provisioning.doubtful_until': doubtful_until, 'provisioning.problem': problem } },
        { due_at },
      );
    },

    /** LiveKit would not have the assignment; after a lost answer it is made to match the record again. */
    assignmentDropped: (claim: PhoneNumberClaim): Promise<void> => {
      const { doubtful_until } = claim.record.provisioning;
      const dropped = { $set: { 'provisioning.assigning': null, 'provisioning.doubtful_until': doubtful_until } };
      return claim.release(dropped, { due_at: doubtful_until ?? undefined });
    },

    /** What was being assigned is settled at LiveKit. */
    assigned: async (claim: PhoneNumberClaim): Promise<void> => {
      const { record } = claim;
      const { assigning, doubtful_until } = record.provisioning;
      if (assigning === null) return;
      const { agent_id, key_id, request_id } = assigning;
      const change = {
        status: agent_id === null ? 'free' : 'assigned',
        assigned_agent_id: agent_id,
        updated_at: now(),
      } as const;
      await inTransaction(async (session) => {
        const settled = { $set: { ...change, 'provisioning.assigning': null, 'provisioning.problem': null } };
        await claim.release(settled, { session, due_at: doubtful_until ?? undefined });
        const type = agent_id === null ? 'phone_number.unassigned' : 'phone_number.assigned';
        await events.write(
          tell(claim, type, { assigned_agent_id: agent_id }, { actor: { key_id }, request_id }),
          session,
        );
      });
      Object.assign(record, change);
    },
  };
};

const reconciler = { actor: { system: 'reconciler' }, request_id: null } as const;

const importer = ({ provisioning: { imported_by } }: PhoneNumberClaim['record']) => ({
  actor: { key_id: imported_by.key_id },
  request_id: imported_by.request_id,
});
