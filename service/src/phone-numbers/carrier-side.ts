import { isDeepStrictEqual } from 'node:util';
import { type FormerRouting, Problem, type ProblemCode } from '@trunkline/contracts';
import { UnopenedSecret } from '../database/secrets.ts';
import { Gone, isNotFound, isRefusal, Obstacle, type Seen, type Told } from '../provisioning/index.ts';
import { requireCallerId } from './caller-id.ts';
import { carrierOf, type Job, knownOf, need } from './job.ts';
import type { OwnedNumber } from './providers.ts';
import type { Known } from './record.ts';
import { requireUnanswered } from './switchboard-side.ts';
import { formerRegionOf, isMoved, readRegion } from './voice-region.ts';

/** Checks, before anything is made, that the account owns the number, and that it has voice and is not used elsewhere. */
export async function verifyOwnership(job: Job): Promise<Omit<Known, 'verified_at'>> {
  const { supports_inbound, supports_outbound } = job.record;
  const dialsAlone = supports_outbound && !supports_inbound;
  const [number, gone] = await Promise.allSettled([verifyNumber(job), dialsAlone && isTrunkGone(job)]);
  if (number.status === 'rejected') throw number.reason;
  if (gone.status === 'rejected') throw gone.reason;
  if (gone.value) await carrierOf(job).lookAtTrunk();
  return number.value;
}

/** Makes the trunk again if it was deleted, before a number dials out through it. */
export async function lookForTrunk(job: Job): Promise<void> {
  if (job.carrier && (await isTrunkGone(job))) await job.carrier.lookAtTrunk();
}

/** Routing a number shows that its trunk is gone. For outbound only nothing is routed, and calls would fail unnoticed. */
async function isTrunkGone(job: Job): Promise<boolean> {
  const { numbers, trunkSid } = carrierOf(job);
  const trunk_sid = trunkSid();
  return trunk_sid !== undefined && !(await numbers.isTrunkThere(trunk_sid).catch(ifRefused(true)));
}

async function verifyNumber(job: Job): Promise<Omit<Known, 'verified_at'>> {
  const { record } = job;
  const { numbers } = carrierOf(job);
  const [there, owned, unanswered, trial, region] = await Promise.allSettled([
    // The integration could still be deleted before this number's record existed, but not since.
    record.provisioning.change?.kind === 'import' ? carrierOf(job).requireThere() : undefined,
    numbers.findNumber(record.phone_number),
    requireUnanswered(job),
    isTrial(job),
    readRegion(job),
  ]);
  if (there.status === 'rejected') throw there.reason;
  if (owned.status === 'rejected') throw owned.reason;
  const ofAccount = [
    ...(trial.status === 'fulfilled' && trial.value ? (['trial_account'] as const) : []),
    ...(carrierOf(job).routes === undefined ? (['trunk_region_unknown'] as const) : []),
  ];
  if (owned.value === undefined) {
    return { number_sid: null, caller_id_sid: await requireCallerId(job), conditions: [...ofAccount] };
  }
  if (!owned.value.has_voice) {
    throw new Problem(
      'phone_number_without_voice',
      `${record.phone_number} has no voice capability at Twilio. Import a number that has one.`,
    );
  }
  if (record.supports_inbound) await rememberRouting(job, owned.value);
  if (unanswered.status === 'rejected') throw unanswered.reason;
  if (trial.status === 'rejected') throw trial.reason;
  if (region.status === 'rejected') throw region.reason;
  const conditions = [...owned.value.conditions, ...ofAccount];
  const isRegionKnown = region.value !== undefined || isMoved(record);
  if (record.supports_inbound && !isRegionKnown) conditions.push('region_unknown');
  return {
    number_sid: owned.value.number_sid,
    conditions,
    ...formerRegionOf(job, region.value),
  };
}

/** A trial account may have been upgraded. Credentials that may not see that leave what was seen last. */
async function isTrial(job: Job): Promise<boolean> {
  const { is_trial, numbers, noteUpgrade } = carrierOf(job);
  if (!is_trial || (await numbers.isTrial().catch(undefinedIfProblem)) !== false) return is_trial;
  await noteUpgrade();
  return false;
}

/** Stores the number's current routing, which a release restores. Throws if we may not replace that routing. */
async function rememberRouting(job: Job, { routing }: OwnedNumber): Promise<void> {
  const { record } = job;
  if (isOn(carrierOf(job).trunkSid(), routing)) return;
  const obstacle = routedElsewhere(routing);
  if (obstacle && !record.provisioning.change?.replace_existing_routing) {
    throw new Problem(
      'number_routed_elsewhere',
      `Twilio routes ${record.phone_number} to ${obstacle}, which is not Trunkline's. Remove that routing, or send replace_existing_routing: true: a release then restores it.`,
    );
  }
  await job.rememberRouting(routing);
}

type Routed = Pick<FormerRouting, 'trunk_sid' | 'voice_application_sid'>;

const isOn = (trunk_sid: string | undefined, routing: Routed): boolean =>
  routing.trunk_sid !== null && routing.trunk_sid === trunk_sid;

/** What the number is routed to, if we may not replace that unasked. A voice URL we may. */
const routedElsewhere = ({ trunk_sid, voice_application_sid }: Routed): string | null =>
  trunk_sid ? `the trunk ${trunk_sid}` : voice_application_sid && `the voice application ${voice_application_sid}`;

/** Whether an import would be refused because of the number's routing. `trunk_sid`: the integration's own trunk. */
export const isRoutedElsewhere = (routing: Routed, trunk_sid: string | undefined): boolean =>
  !isOn(trunk_sid, routing) && routedElsewhere(routing) !== null;

/**
 * A number that was on our trunk and no longer is may be taken back only from its former routing: then the release of
 * an earlier record took effect late. Any other routing was set by somebody on purpose, and is left alone.
 */
export async function routeToTrunk(job: Job): Promise<string> {
  const was = knownOf(job, 'carrier_routing') ?? null;
  const number_sid = job.record.provisioning.known.number_sid ?? was;
  if (number_sid === null) throw new Error(`${job.record.phone_number_id} is routed before it is verified`);
  if (was !== null) {
    const number = await carrierOf(job).numbers.readNumber(number_sid);
    const problem = await inTheWay(job, number);
    if (problem) throw new Obstacle(problem.code, problem.detail);
  }
  return attach(job, number_sid);
}

/** Undefined for a number on no trunk if we took it off ourselves, or nothing happened to it but that its trunk was deleted. */
const inTheWay = async (job: Job, number: OwnedNumber | undefined) => {
  const { state, sent } = job.record.provisioning.parts.carrier_routing ?? {};
  const before = sent?.trunk_sid;
  const isTrunkNew = before !== undefined && before !== need(job, 'carrier_trunk');
  if (number && state === 'undone' && routedElsewhere(number.routing) === null) return undefined;
  if (number && isTrunkNew && number.routing.trunk_sid === before) return undefined;
  const isLoose = number && isTrunkNew && routedElsewhere(number.routing) === null;
  const former = await job.formerRouting().catch(unknownIfUnopened(isLoose));
  if (isLoose && (former === null || isDeepStrictEqual(number.routing, { ...former, ...onNothing }))) return undefined;
  return leftAlone(job, number, former);
};

/** If Twilio does not find what the routing names, the trunk may have been deleted: checks that, and makes it again. */
export async function attach(job: Job, number_sid: string): Promise<string> {
  const { numbers, lookAtTrunk } = carrierOf(job);
  const trunk_sid = need(job, 'carrier_trunk');
  try {
    await numbers.routeToTrunk(number_sid, trunk_sid);
    return number_sid;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await lookAtTrunk();
    throw carrierOf(job).trunkSid() === trunk_sid ? error : new Gone();
  }
}

export async function findRouting(job: Job): Promise<Seen[]> {
  const trunk_sid = trunkOf(job);
  if (trunk_sid === undefined) return [];
  const number = await readNumber(job);
  return number?.routing.trunk_sid === trunk_sid ? [{ resource_id: number.number_sid, content: { trunk_sid } }] : [];
}

/** The trunk of ours that the number is on, or was. */
const trunkOf = (job: Job): string | undefined => knownOf(job, 'carrier_trunk') ?? carrierOf(job).trunkSid();

const readNumber = (job: Job): Promise<OwnedNumber | undefined> => {
  const { numbers } = carrierOf(job);
  const known = job.record.provisioning.known.number_sid;
  // Records of schema 1 may lack the number's id.
  return known ? numbers.readNumber(known) : numbers.findNumber(job.record.phone_number);
};

/**
 * Leaves the number alone if somebody else has routed it meanwhile. If its former routing is unknown, or its former
 * trunk or application is gone, the number is still taken off our trunk. Returns what could not be restored.
 */
export async function giveBackRouting(job: Job, number_sid: string): Promise<Told | undefined> {
  const trunk_sid = trunkOf(job);
  const isOurs = (number: OwnedNumber | undefined) => number !== undefined && number.routing.trunk_sid === trunk_sid;
  const number = await readNumber(job);
  const former = await job.formerRouting().catch(unknownIfUnopened(job.record.provisioning.change?.force));
  if (!isOurs(number)) return leftAlone(job, number, former);
  const { phone_number } = job.record;
  const { numbers } = carrierOf(job);
  // If only the answer was lost, the number is off our trunk, and what could not be restored must still be reported.
  const detach = () =>
    numbers.detach(number_sid).catch(async (error: unknown) => {
      if (isOurs(await readNumber(job))) throw error;
    });
  // The former routing is unknown: keep what Twilio still has of it.
  if (former === null) {
    await detach();
    return {
      code: 'former_routing_unknown',
      detail: `${phone_number} was removed from Trunkline's trunk. Its earlier routing is unknown: set it in the Twilio console.`,
    };
  }
  if (await numbers.giveBack(number_sid, former).catch(ifRefused(false))) return undefined;
  if (!isOurs(await readNumber(job))) return undefined;
  await detach();
  const before = former.trunk_sid ?? former.voice_application_sid ?? 'its former voice URL';
  return {
    code: 'former_routing_gone',
    detail: `${phone_number} was removed from Trunkline's trunk, but Twilio refused to route it to ${before} again. Set its routing in the Twilio console.`,
  };
}

/** What to report of a number that is not on our trunk. Undefined: it already has its former routing back. */
const leftAlone = (
  { record: { phone_number } }: Job,
  number: OwnedNumber | undefined,
  former: FormerRouting | null,
): { code: ProblemCode; detail: string } | undefined => {
  if (number === undefined)
    return { code: 'phone_number_not_owned', detail: `The Twilio account no longer owns ${phone_number}.` };
  if (isDeepStrictEqual(number.routing, former ?? unrouted)) return undefined;
  return {
    code: 'number_routed_elsewhere',
    detail: `${phone_number} was no longer on Trunkline's trunk, and is not routed as it was before the import. It was left unchanged: check its routing in the Twilio console.`,
  };
};

/** If no key opens the former routing, goes on without it where that is allowed. */
const unknownIfUnopened =
  (isAllowed: boolean | undefined) =>
  (error: unknown): null => {
    if (isAllowed && error instanceof UnopenedSecret) return null;
    throw error;
  };

const undefinedIfProblem = (error: unknown): undefined => {
  if (!(error instanceof Problem)) throw error;
};

const ifRefused =
  <T>(otherwise: T) =>
  (error: unknown): T => {
    if (isRefusal(error) && error.code !== 'provider_credentials_refused') return otherwise;
    throw error;
  };

/** What is left of a routing to a trunk once that is deleted: Twilio keeps the voice URLs, and drops an application. */
const onNothing = { trunk_sid: null, voice_application_sid: null } as const;

const unrouted: FormerRouting = {
  voice_url: null,
  voice_method: null,
  voice_fallback_url: null,
  voice_fallback_method: null,
  ...onNothing,
};
