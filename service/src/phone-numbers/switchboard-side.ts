import { Problem } from '@trunkline/contracts';
import type { Seen } from '../provisioning/part.ts';
import { Conflict } from '../provisioning/provider.ts';
import { type Job, knownOf, need } from './job.ts';
import type { Found, Switchboard } from './providers.ts';
import type { PhoneNumberRecord } from './record.ts';
import { dispatchRuleOf, inboundTrunkOf } from './trunk-settings.ts';

/** LiveKit refuses a second trunk for a number. What is in the way may be ours: made by a call whose answer was lost. */
export async function createInboundTrunk(job: Job): Promise<string> {
  const line = await inboundTrunkOf(job);
  try {
    return await job.switchboard.createInboundTrunk(line);
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const found = await job.switchboard.findInboundTrunks(job.record.phone_number);
    const [own] = mine(job, found);
    if (own !== undefined) return own.resource_id;
    const foreign = await findForeignTrunk(job, job.switchboard);
    if (foreign !== undefined || found.length === 0) throw answeredElsewhere(job.record, foreign ?? error.resource_id);
    for (const { resource_id } of found) {
      await job.admitRemoval();
      await job.switchboard.removeTrunk(resource_id);
    }
    return job.switchboard.createInboundTrunk(line);
  }
}

export async function createDispatchRule(job: Job): Promise<string> {
  try {
    return await job.switchboard.createDispatchRule(await dispatchRuleOf(job, need(job, 'inbound_trunk')));
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const [own] = mine(job, await findDispatchRules(job));
    if (own !== undefined) return own.resource_id;
    throw answeredElsewhere(job.record, error.resource_id);
  }
}

/** In place it dispatches another agent. Bound to a trunk that is gone it answers nobody: then it is made anew. */
export async function changeDispatchRule(
  job: Job,
  dispatch_rule_id: string,
  differences: readonly string[],
): Promise<string | undefined> {
  const { switchboard, record } = job;
  if (differences.includes('inbound_trunk_id')) {
    await switchboard.removeDispatchRule(dispatch_rule_id);
    return createDispatchRule(job);
  }
  if (!differences.includes('agent_id')) return dispatch_rule_id;
  return (await switchboard.setAgent(dispatch_rule_id, record.assigned_agent_id)) ? dispatch_rule_id : undefined;
}

/** The rules of this record's inbound trunk, also of one that was removed. */
export async function findDispatchRules(job: Job): Promise<Found[]> {
  const inbound_trunk_id = knownOf(job, 'inbound_trunk');
  return inbound_trunk_id ? job.switchboard.findDispatchRules(inbound_trunk_id) : [];
}

/** An inbound trunk for the number that is neither this record's nor let go of by this installation. */
export async function findForeignTrunk(job: Job, switchboard: Switchboard): Promise<string | undefined> {
  for (const { resource_id, mark } of await switchboard.findInboundTrunks(job.record.phone_number)) {
    const ours = mark?.installation_id === job.installation_id;
    if (ours && (mark.phone_number_id === job.record.phone_number_id || (await job.wasLetGo(mark.phone_number_id))))
      continue;
    return resource_id;
  }
  return undefined;
}

export const answeredElsewhere = ({ phone_number }: PhoneNumberRecord, trunk_id: string | undefined) =>
  new Problem(
    'number_answered_elsewhere',
    `LiveKit has an inbound trunk for ${phone_number} that Trunkline did not create${trunk_id ? `, ${trunk_id}` : ''}. Remove it there, then import again.`,
    trunk_id === undefined ? {} : { trunk_id },
  );

/** Those that carry this record's mark. */
export const mine = ({ record, installation_id }: Job, found: Found[]): Seen[] =>
  found.filter(
    ({ mark }) => mark?.installation_id === installation_id && mark.phone_number_id === record.phone_number_id,
  );
