import { type AssignPhoneNumber, type Caller, Problem, type UnassignPhoneNumber } from '@trunkline/contracts';
import { type createChange, getOwn } from './change.ts';
import type { PhoneNumberRecord } from './record.ts';
import type { PhoneNumberStore } from './store.ts';

export interface AssignDependencies {
  store: PhoneNumberStore;
  change: ReturnType<typeof createChange>;
}

/** Makes LiveKit send an agent into each caller's room. */
export const createAssign =
  ({ store, change }: AssignDependencies) =>
  async (caller: Caller, input: AssignPhoneNumber): Promise<PhoneNumberRecord> => {
    const { agent_id, if_revision } = input;
    const record = await getOwn(store, caller, input);
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

/** Stops LiveKit from sending an agent. */
export const createUnassign =
  ({ store, change }: AssignDependencies) =>
  async (caller: Caller, input: UnassignPhoneNumber): Promise<PhoneNumberRecord> => {
    const record = await getOwn(store, caller, input);
    const wanted = { status: 'free', assigned_agent_id: null } as const;
    return change(caller, record, { kind: 'unassign', wanted }, input.if_revision);
  };
