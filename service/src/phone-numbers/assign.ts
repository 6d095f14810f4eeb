import {
  type AssignPhoneNumber,
  type Caller,
  type NamePhoneNumber,
  type PhoneNumberId,
  Problem,
} from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import { LeaseLost } from '../provisioning/lease.ts';
import type { Reconcile } from './reconcile.ts';
import type { PhoneNumberRecord } from './record.ts';
import type { PhoneNumberStore } from './store.ts';

export interface AssignDependencies {
  store: PhoneNumberStore;
  reconcile: Reconcile;
  clock: Clock;
}

/** Has LiveKit send an agent into each caller's room, or none. It shows when LiveKit has it, and not before. */
const createSetAgent = ({ store, reconcile, clock }: AssignDependencies) => {
  const set = async (
    { key_id, request_id }: Caller,
    record: PhoneNumberRecord,
    agent_id: string | null,
  ): Promise<PhoneNumberRecord> => {
    const claim = await store.startChange(record, {
      ...(agent_id === null ? { kind: 'unassign' } : { kind: 'assign' }),
      wanted: { status: agent_id === null ? 'free' : 'assigned', assigned_agent_id: agent_id },
      actor: { key_id },
      request_id,
      at: new Date(clock.now()),
    });
    if (claim === undefined) throw busy(record.phone_number_id);
    try {
      await reconcile.forwardOrDrop(claim);
      return claim.record;
    } catch (error) {
      if (error instanceof LeaseLost) throw busy(record.phone_number_id);
      throw error;
    }
  };

  return async (
    caller: Caller,
    phone_number_id: PhoneNumberId,
    agent_id: string | null,
  ): Promise<PhoneNumberRecord> => {
    const record = await store.get(caller.organization_id, phone_number_id);
    if (record === null) throw notFound(phone_number_id);
    const { assigned_agent_id, provisioning, provisioning_state } = record;
    if (provisioning_state === 'degraded') throw degraded(record);
    if (provisioning.lease_token === null && assigned_agent_id === agent_id) return record;
    if (agent_id !== null && assigned_agent_id !== null && assigned_agent_id !== agent_id) {
      throw new Problem(
        'phone_number_assigned',
        `${record.phone_number} is assigned to the agent ${assigned_agent_id}. Unassign it first.`,
      );
    }
    return set(caller, record, agent_id);
  };
};

export const createAssign = (deps: AssignDependencies) => {
  const setAgent = createSetAgent(deps);
  return (caller: Caller, { phone_number_id, agent_id }: AssignPhoneNumber) =>
    setAgent(caller, phone_number_id, agent_id);
};

export const createUnassign = (deps: AssignDependencies) => {
  const setAgent = createSetAgent(deps);
  return (caller: Caller, { phone_number_id }: NamePhoneNumber) => setAgent(caller, phone_number_id, null);
};

const degraded = ({ phone_number, provisioning: { obstacle } }: PhoneNumberRecord) =>
  new Problem(
    'phone_number_degraded',
    `${phone_number} cannot be changed until this is fixed: ${obstacle?.detail ?? 'GET the number to see what is in its way.'}`,
  );

export const notFound = (phone_number_id: PhoneNumberId) =>
  new Problem(
    'phone_number_not_found',
    `Your organization has no phone number ${phone_number_id}. GET /api/phone-numbers lists those it has.`,
  );

export const busy = (phone_number_id: PhoneNumberId) =>
  new Problem(
    'phone_number_busy',
    `${phone_number_id} is being changed by another request. Try again in a few seconds.`,
    { retry_after_seconds: 5 },
  );
