import { Problem } from '@trunkline/contracts';
import { type Content, isRefusal, Obstacle, type Seen, type Told } from '../provisioning/index.ts';
import { carrierOf, type Job } from './job.ts';
import type { Known, PhoneNumberRecord, TwilioRecord } from './record.ts';

// Each Twilio Region has its own trunks and its own configuration of each number. A shared table says which Region's is
// in force. https://www.twilio.com/docs/global-infrastructure/inbound-call-processing

/** In force if none was set: Twilio calls it the default. A number may have another from its purchase on. */
const DEFAULT_REGION = 'us1';

/** Undefined: our credentials may not see it. */
export type SeenRegion = { voice_region: string | null } | undefined;

/** The Region that is in force for a number. */
export async function readRegion(job: Job): Promise<SeenRegion> {
  const { record } = job;
  const { routes } = carrierOf(job);
  if (!record.supports_inbound || routes === undefined) return undefined;
  try {
    return { voice_region: (await routes.readRegion(record.phone_number))?.voice_region ?? null };
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/**
 * The Region that a release restores, if another is in force than ours. A second try finds the one that the first set:
 * what that had read stays. Throws if we may not replace the Region in force.
 */
export function formerRegionOf(job: Job, seen: SeenRegion): Pick<Known, 'former_voice_region'> {
  const { phone_number, provisioning } = job.record;
  const { change, known } = provisioning;
  const { region } = carrierOf(job);
  const kept = known.former_voice_region === undefined ? {} : { former_voice_region: known.former_voice_region };
  if (seen === undefined) return kept;
  const inForce = seen.voice_region ?? DEFAULT_REGION;
  if (inForce === region) return mayHaveMoved(job) ? kept : {};
  if (!change?.replace_existing_routing) {
    throw new Problem(
      'number_routed_elsewhere',
      `Twilio handles calls to ${phone_number} in its Region ${inForce}, and this integration is of ${region}. Import it with an integration of ${inForce}, or send replace_existing_routing: true: a release then restores it.`,
    );
  }
  return { former_voice_region: seen.voice_region };
}

/** Whether the Region in force, which is ours, may have been set by us: by this change, or by one whose answer was lost. */
const mayHaveMoved = ({ record: { provisioning } }: Job): boolean => {
  const { change, known, parts, uncertain_until } = provisioning;
  const isSecondTry = change?.kind === 'import' || change?.at.getTime() === known.read_for?.getTime();
  const { state = 'undone' } = parts.carrier_region ?? {};
  return isSecondTry || uncertain_until !== null || state !== 'undone';
};

/** Whether calls are moved to our Region: another one was in force. */
export const isMoved = (record: PhoneNumberRecord): record is TwilioRecord =>
  record.provider === 'twilio' && record.provisioning.known.former_voice_region !== undefined;

export const regionContentOf = (job: Job): Content => ({ voice_region: carrierOf(job).region });

/** If calls were in our Region and no longer are, only the former Region may be replaced: then a release took effect late. */
export async function moveRegion(job: Job, was: string | null): Promise<string> {
  const { phone_number, provisioning } = job.record;
  const { region } = carrierOf(job);
  const routes = routesOf(job);
  if (was !== null) {
    const inForce = (await routes.readRegion(phone_number))?.voice_region ?? DEFAULT_REGION;
    if (inForce !== region && inForce !== (provisioning.known.former_voice_region ?? DEFAULT_REGION))
      throw new Obstacle('number_routed_elsewhere', movedByAnother(job, inForce));
  }
  return routes.setRegion(phone_number, region);
}

export async function findRegion(job: Job): Promise<Seen[]> {
  const found = await routesOf(job).readRegion(job.record.phone_number);
  return found?.voice_region === carrierOf(job).region
    ? [{ resource_id: found.resource_id, content: { voice_region: found.voice_region } }]
    : [];
}

/** Leaves the Region alone if somebody else has changed it meanwhile. */
export async function giveBackRegion(job: Job): Promise<Told | undefined> {
  const { phone_number, provisioning } = job.record;
  const { former_voice_region } = provisioning.known;
  // It was in our Region when the number was last imported or turned on.
  if (former_voice_region === undefined) return undefined;
  const routes = routesOf(job);
  const former = former_voice_region ?? DEFAULT_REGION;
  const inForce = (await routes.readRegion(phone_number))?.voice_region ?? DEFAULT_REGION;
  if (inForce === former) return undefined;
  if (inForce !== carrierOf(job).region)
    return { code: 'number_routed_elsewhere', detail: `${movedByAnother(job, inForce)} It was left unchanged.` };
  await routes.setRegion(phone_number, former);
  return {
    code: 'voice_region_changing',
    detail: `Twilio handles calls to ${phone_number} in its Region ${former} again, which takes up to five minutes.`,
  };
}

export const regionWarnings = ({ phone_number, provisioning }: TwilioRecord): string[] => {
  const { state, at, sent } = provisioning.parts.carrier_region ?? {};
  if (state !== 'done' || at === undefined) return [];
  return [
    `Calls to ${phone_number} were moved to Twilio's Region ${sent?.voice_region} at ${at.toISOString()}, which takes up to five minutes. Until then they are handled as before.`,
  ];
};

const movedByAnother = (job: Job, inForce: string): string =>
  `Twilio handles calls to ${job.record.phone_number} in its Region ${inForce}, and no longer in ${carrierOf(job).region}.`;

const routesOf = (job: Job) => {
  const { routes, account_sid } = carrierOf(job);
  if (routes !== undefined) return routes;
  throw new Problem(
    'provider_credentials_refused',
    `The Region of ${job.record.phone_number} was set with routing_credentials, which the integration of ${account_sid} no longer has. Add routing_credentials to the integration again.`,
  );
};
