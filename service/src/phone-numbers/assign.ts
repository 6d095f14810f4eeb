import {
  type AssignPhoneNumber,
  type Caller,
  type NamePhoneNumber,
  type PhoneNumberId,
  Problem,
} from '@trunkline/contracts';
import { LeaseLost } from '../provisioning/lease.ts';
import type { Strays } from '../provisioning/strays.ts';
import type { Reconcile } from './reconcile.ts';
import type { PhoneNumberRecord } from './record.ts';
import type { PhoneNumberStore } from './store.ts';

export interface AssignDependencies {
  store: PhoneNumberStore;
  reconcile: Reconcile;
  strays: Strays<PhoneNumberId>;
}

/** Has LiveKit send an agent into each caller's room, or none. It shows when LiveKit has it, and not before. */
const createSetAgent = ({ store, reconcile, strays }: AssignDependencies) => {
  const set = async (
    caller: Caller,
    record: PhoneNumberRecord,
    agent_id: string | null,
  ): Promise<PhoneNumberRecord> => {
    const { key_id, request_id } = caller;
    const { phone_number_id } = record;
    const claim = await store.claimUnchanged(record, { 'provisioning.assigning': { agent_id, key_id, request_id } });
    if (claim === undefined) throw busy(phone_number_id);
    try {
      await reconcile.assignOrDrop(claim);
      return claim.record;
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      strays(phone_number_id);
      throw busy(phone_number_id);
    }
  };

  return async (
    caller: Caller,
    phone_number_id: PhoneNumberId,
    agent_id: string | null,
  ): Promise<PhoneNumberRecord> => {
    const record = await store.get(caller.organization_id, phone_number_id);
    if (record === null) throw notFound(phone_number_id);
    const { assigned_agent_id, provisioning } = record;
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

export const notFound = (phone_number_id: PhoneNumberId) =>
  new Problem(
    'phone_number_not_found',
    `There is no phone number ${phone_number_id} in your organization. GET /api/phone-numbers lists those that there are.`,
  );

export const busy = (phone_number_id: PhoneNumberId) =>
  new Problem(
    'phone_number_busy',
    `${phone_number_id} is being changed by another request. Try again in a few seconds.`,
    { retry_after_seconds: 5 },
  );
