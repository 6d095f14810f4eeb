import { type AssignPhoneNumber, type Caller, Problem, type UnassignPhoneNumber } from '@trunkline/contracts';
import { type createChange, notFound, requireRevision } from './change.ts';
import type { PhoneNumberRecord } from './record.ts';
import type { PhoneNumberStore } from './store.ts';

export interface AssignDependencies {
  store: PhoneNumberStore;
  change: ReturnType<typeof createChange>;
}

/** Has LiveKit send an agent into each caller's room. */
export const createAssign =
  ({ store, change }: AssignDependencies) =>
  async (caller: Caller, { phone_number_id, agent_id, if_revision }: AssignPhoneNumber): Promise<PhoneNumberRecord> => {
    const record = await store.get(caller.organization_id, phone_number_id);
    if (record === null) throw notFound(phone_number_id);
    requireRevision(record, if_revision);
    const { phone_number, assigned_agent_id, provisioning_state } = record;
    const isOthers = assigned_agent_id !== null && assigned_agent_id !== agent_id;
    if (isOthers && provisioning_state !== 'degraded') {
      throw new Problem(
        'phone_number_assigned',
        `${phone_number} is assigned to the agent ${assigned_agent_id}. Unassign it first.`,
      );
    }
    const wanted = { status: 'assigned', assigned_agent_id: agent_id } as const;
    return change(caller, record, { kind: 'assign', wanted }, if_revision);
  };

/** Has LiveKit send no agent any longer. */
export const createUnassign =
  ({ store, change }: AssignDependencies) =>
  async (caller: Caller, { phone_number_id, if_revision }: UnassignPhoneNumber): Promise<PhoneNumberRecord> => {
    const record = await store.get(caller.organization_id, phone_number_id);
    if (record === null) throw notFound(phone_number_id);
    const wanted = { status: 'free', assigned_agent_id: null } as const;
    return change(caller, record, { kind: 'unassign', wanted }, if_revision);
  };
