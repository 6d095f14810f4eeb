import { isDeepStrictEqual } from 'node:util';
import { type FormerRouting, Problem, type ProblemCode } from '@trunkline/contracts';
import { Gone, isNotFound, isRefusal, Obstacle, type Seen, type Told } from '../provisioning/index.ts';
import { requireCallerId } from './caller-id.ts';
import { carrierOf, type Job, knownOf, need } from './job.ts';
import type { OwnedNumber } from './providers.ts';
import type { PhoneNumberRecord } from './record.ts';
import { requireUnanswered } from './switchboard-side.ts';
import { formerRegionOf, isMoved, readRegion } from './voice-region.ts';

type Known = PhoneNumberRecord['provisioning']['known'];

/** Checks, before anything is made, that the number is theirs, can talk, and is not in use elsewhere. */
export async function verifyOwnership(job: Job): Promise<Omit<Known, 'verified_at'>> {
  const { supports_inbound, supports_outbound } = job.record;
  const dialsAlone = supports_outbound && !supports_inbound;
  const [number, gone] = await Promise.allSettled([verifyNumber(job), dialsAlone && isTrunkGone(job)]);
  if (number.status === 'rejected') throw number.reason;
  if (gone.status === 'rejected') throw gone.reason;
  if (gone.value) await carrierOf(job).lookAtTrunk();
  return number.value;
}

/** Has the trunk made again where it was deleted, before a number dials out by it. */
export async function lookForTrunk(job: Job): Promise<void> {
  if (job.carrier && (await isTrunkGone(job))) await job.carrier.lookAtTrunk();
}

/** Routing a number to a trunk tells that it is gone. Where none is routed, calls out would be refused, unsaid. */
async function isTrunkGone(job: Job): Promise<boolean> {
  const { numbers, trunkSid } = carrierOf(job);
  const trunk_sid = trunkSid();
  return trunk_sid !== undefined && !(await numbers.isTrunkThere(trunk_sid).catch(ifRefused(true)));
}

async function verifyNumber(job: Job): Promise<Omit<Known, 'verified_at'>> {
  const { record } = job;
  const { numbers } = carrierOf(job);
  const [there, owned, unanswered, trial, region] = await Promise.allSettled([
    // It may have been deleted until the record of this number was there, and not after.
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
    ...(region.value && formerRegionOf(job, region.value)),
  };
}

/** An account that was a trial may have been upgraded. Whoever may not see that knows what was seen last. */
async function isTrial(job: Job): Promise<boolean> {
  const { is_trial, numbers, noteUpgrade } = carrierOf(job);
  if (!is_trial || (await numbers.isTrial().catch(undefinedIfProblem)) !== false) return is_trial;
  await noteUpgrade();
  return false;
}

/** Keeps how the number is routed today, to be given back one day. Throws where that routing is not ours to replace. */
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

/** What takes the number's calls that is not ours to replace unasked. A voice URL is. */
const routedElsewhere = ({ trunk_sid, voice_application_sid }: Routed): string | null =>
  trunk_sid ? `the trunk ${trunk_sid}` : voice_application_sid && `the voice application ${voice_application_sid}`;

/** Whether an import would be refused for where the number is routed. `trunk_sid` is the integration's own trunk. */
export const isRoutedElsewhere = (routing: Routed, trunk_sid: string | undefined): boolean =>
  !isOn(trunk_sid, routing) && routedElsewhere(routing) !== null;

/**
 * Where it was on our trunk and is not any more, only its former routing is ours to replace: then a giving back of an
 * earlier record has taken effect late. Any other routing is somebody's will, and left alone.
 */
export async function routeToTrunk(job: Job): Promise<string> {
  const was = knownOf(job, 'carrier_routing') ?? null;
  const number_sid = job.record.provisioning.known.number_sid ?? was;
  if (number_sid === null) throw new Error(`${job.record.phone_number_id} is routed before it is verified`);
  if (was !== null) {
    const number = await carrierOf(job).numbers.readNumber(number_sid);
    const problem = wasOnOurs(job, number) ? undefined : leftAlone(job, number, await job.formerRouting());
    if (problem) throw new Obstacle(problem.code, problem.detail);
  }
  return attach(job, number_sid);
}

/** Where our trunk was made anew, a number that is on none, or on the trunk that is gone, is ours still. */
const wasOnOurs = (job: Job, number: OwnedNumber | undefined): boolean => {
  const before = job.record.provisioning.parts.carrier_routing?.sent?.trunk_sid;
  const { trunk_sid } = number?.routing ?? {};
  return before !== undefined && before !== need(job, 'carrier_trunk') && (trunk_sid === null || trunk_sid === before);
};

/** Where Twilio does not find what the routing names, the trunk may have been deleted: it is looked for, and made again. */
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

/** Whether the number is on our trunk now. */
export async function findRouting(job: Job): Promise<Seen[]> {
  const trunk_sid = trunkOf(job);
  if (trunk_sid === undefined) return [];
  const number = await readNumber(job);
  return number?.routing.trunk_sid === trunk_sid ? [{ resource_id: number.number_sid, content: { trunk_sid } }] : [];
}

/** Our trunk, where the number is on it, or was. */
const trunkOf = (job: Job): string | undefined => knownOf(job, 'carrier_trunk') ?? carrierOf(job).trunkSid();

const readNumber = (job: Job): Promise<OwnedNumber | undefined> => {
  const { numbers } = carrierOf(job);
  const known = job.record.provisioning.known.number_sid;
  // Records of schema 1 may have lost the number's id.
  return known ? numbers.readNumber(known) : numbers.findNumber(job.record.phone_number);
};

/**
 * Leaves the number alone where somebody else has routed it meanwhile. Where its former routing is unknown, or its former
 * trunk or application is gone, it is taken off our trunk all the same. Tells what could not be given back.
 */
export async function giveBackRouting(job: Job, number_sid: string): Promise<Told | undefined> {
  const trunk_sid = trunkOf(job);
  const isOurs = (number: OwnedNumber | undefined) => number !== undefined && number.routing.trunk_sid === trunk_sid;
  const number = await readNumber(job);
  const former = await job.formerRouting();
  if (!isOurs(number)) return leftAlone(job, number, former);
  const { phone_number } = job.record;
  const { numbers } = carrierOf(job);
  // Where the answer alone was lost, it is off our trunk, and what could not be given back is to be told.
  const detach = () =>
    numbers.detach(number_sid).catch(async (error: unknown) => {
      if (isOurs(await readNumber(job))) throw error;
    });
  // Nobody knows what it was: what Twilio still has of it stays.
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

/** What is to be said of a number that is not on our trunk: nothing where it has its former routing back already. */
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

const undefinedIfProblem = (error: unknown): undefined => {
  if (!(error instanceof Problem)) throw error;
};

const ifRefused =
  <T>(otherwise: T) =>
  (error: unknown): T => {
    if (isRefusal(error) && error.code !== 'provider_credentials_refused') return otherwise;
    throw error;
  };

const unrouted: FormerRouting = {
  voice_url: null,
  voice_method: null,
  voice_fallback_url: null,
  voice_fallback_method: null,
  trunk_sid: null,
  voice_application_sid: null,
};
