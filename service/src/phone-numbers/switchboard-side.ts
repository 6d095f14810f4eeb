import { Conflict, Obstacle, type Seen } from '../provisioning/index.ts';
import { answeredElsewhere, refusedForAnother, ruleOnOurTrunk, rulesClash, trunksClash } from './in-the-way.ts';
import { type Job, knownOf, need } from './job.ts';
import type { Found, FoundInboundTrunk, RuleField, SwitchboardKind } from './providers.ts';
import { dispatchRuleOf, inboundTrunkOf, outboundTrunkOf } from './trunk-settings.ts';

/** Checked first, because LiveKit accepts a second trunk for the number if one of the two takes only chosen callers. */
export async function requireUnanswered(job: Job): Promise<void> {
  const foreign = job.record.supports_inbound ? await findForeignTrunk(job) : undefined;
  if (foreign !== undefined) throw answeredElsewhere(job.record, foreign);
}

/** LiveKit refuses a second trunk for a number. The first may be ours, made by a call whose answer was lost. */
export async function createInboundTrunk(job: Job, was: string | null): Promise<string> {
  const { switchboard, record } = job;
  if (!job.isChecked) await standAside(job);
  if (was !== null) await removeRulesOf(job, was);
  await removeFormer(job, 'inbound_trunk', was);
  const line = await inboundTrunkOf(job);
  try {
    return await switchboard.createInboundTrunk(line);
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const found = await switchboard.findInboundTrunks(record.phone_number);
    const [own] = mine(job, found);
    if (own !== undefined) return own.resource_id;
    const foreign = await findForeignTrunk(job, found);
    if (foreign !== undefined) throw answeredElsewhere(record, foreign);
    const [one, other] = error.resource_ids.filter((id) => found.every(({ resource_id }) => resource_id !== id));
    if (one !== undefined && other !== undefined) throw trunksClash(one, other);
    if (found.length === 0) throw refusedForAnother(record, one);
    for (const { resource_id } of found) {
      await job.admitRemoval();
      await switchboard.removeTrunk(resource_id);
    }
    return switchboard.createInboundTrunk(line);
  }
}

/** Our rules on such a trunk do not answer the number, and would never be found again once that trunk's id is replaced. */
async function removeRulesOf(job: Job, trunk_id: string): Promise<void> {
  for (const { resource_id } of mine(job, await job.switchboard.findDispatchRules(trunk_id))) {
    await job.admitRemoval();
    await job.switchboard.removeDispatchRule(resource_id);
  }
}

/** Somebody may have changed ours so that it is no longer found for the number: once its id is replaced, it never would be. */
async function removeFormer(job: Job, kind: SwitchboardKind, was: string | null): Promise<void> {
  const found = was === null ? undefined : await job.switchboard.findById(kind, was);
  for (const { resource_id } of mine(job, found ? [found] : [])) {
    await job.admitRemoval();
    if (kind === 'dispatch_rule') await job.switchboard.removeDispatchRule(resource_id);
    else await job.switchboard.removeTrunk(resource_id);
  }
}

/** If our trunk is gone, somebody else's may answer the number by now: then leave it to them. */
async function standAside(job: Job): Promise<void> {
  const foreign = await findForeignTrunk(job);
  if (foreign === undefined) return;
  const { code, detail } = answeredElsewhere(job.record, foreign);
  throw new Obstacle(code, detail);
}

export async function createOutboundTrunk(job: Job, was: string | null): Promise<string> {
  await removeFormer(job, 'outbound_trunk', was);
  return job.switchboard.createOutboundTrunk(await outboundTrunkOf(job));
}

export async function createDispatchRule(job: Job, was: string | null): Promise<string> {
  const inbound_trunk_id = need(job, 'inbound_trunk');
  await removeFormer(job, 'dispatch_rule', was);
  try {
    return await job.switchboard.createDispatchRule(await dispatchRuleOf(job, inbound_trunk_id));
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const found = await findDispatchRules(job);
    const [own] = mine(job, found);
    if (own !== undefined) return own.resource_id;
    const [rule_id] = error.resource_ids;
    throw found.some(({ resource_id }) => resource_id === rule_id)
      ? ruleOnOurTrunk(rule_id, inbound_trunk_id)
      : rulesClash(rule_id);
  }
}

/** Changes it in place. A rule bound to a deleted trunk answers no calls, so it is made anew. */
export async function changeDispatchRule(
  job: Job,
  dispatch_rule_id: string,
  differences: readonly string[],
): Promise<string | undefined> {
  const { switchboard } = job;
  if (differences.includes('inbound_trunk_id')) return createDispatchRule(job, dispatch_rule_id);
  const fields = [...new Set(differences.flatMap((name) => fieldOf[name] ?? []))];
  const answer = await dispatchRuleOf(job, need(job, 'inbound_trunk'));
  const isThere = await switchboard.changeDispatchRule(dispatch_rule_id, answer, fields, formerAgentOf(job));
  return isThere ? dispatch_rule_id : undefined;
}

/** The agent that the rule was given last. Undefined: unknown, because a call whose answer was lost may have changed it. */
const formerAgentOf = ({ record: { provisioning } }: Job): string | null | undefined => {
  const agent_id = provisioning.parts.dispatch_rule?.sent?.agent_id;
  return typeof agent_id === 'string' || agent_id === null ? agent_id : undefined;
};

/** The rule's field to change, by the content field that differs. */
const fieldOf: Readonly<Record<string, RuleField>> = {
  room_prefix: 'room_prefix',
  has_pin: 'pin',
  pin_version: 'pin',
  agent_id: 'agent_id',
  agent_metadata: 'agent_metadata',
};

/** The rules of this record's inbound trunk, even if the trunk was removed. */
export async function findDispatchRules(job: Job): Promise<Found[]> {
  const inbound_trunk_id = knownOf(job, 'inbound_trunk');
  return inbound_trunk_id ? job.switchboard.findDispatchRules(inbound_trunk_id) : [];
}

/** An inbound trunk for the number that is neither this record's nor left over from one that this installation released. */
async function findForeignTrunk(job: Job, found?: FoundInboundTrunk[]): Promise<FoundInboundTrunk | undefined> {
  for (const trunk of found ?? (await job.switchboard.findInboundTrunks(job.record.phone_number))) {
    if (mine(job, [trunk]).length === 0 && (await isInTheWay(trunk, job))) return trunk;
  }
  return undefined;
}

/** True unless the trunk was made for a record that this installation has released. */
export async function isInTheWay(
  { mark }: Found,
  { installation_id, wasLetGo }: Pick<Job, 'installation_id' | 'wasLetGo'>,
): Promise<boolean> {
  return mark?.installation_id !== installation_id || !(await wasLetGo(mark.phone_number_id));
}

/** Those marked as this record's. */
export const mine = ({ record, installation_id }: Job, found: Found[]): Seen[] =>
  found.filter(
    ({ mark }) => mark?.installation_id === installation_id && mark.phone_number_id === record.phone_number_id,
  );
