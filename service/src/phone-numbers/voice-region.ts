import { Problem } from '@trunkline/contracts';
import { type Content, isRefusal, Obstacle, type Seen, type Told } from '../provisioning/index.ts';
import { carrierOf, type Job } from './job.ts';
import type { PhoneNumberRecord, TwilioRecord } from './record.ts';

// Each of Twilio's Regions has trunks of its own, and a configuration of its own of each number. A table that all share
// says which of them is in force. https://www.twilio.com/docs/global-infrastructure/inbound-call-processing

/** Where none was set: Twilio names it the default, and a number may have another since it was bought. */
const DEFAULT_REGION = 'us1';

/** Undefined: nobody may see it. */
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

/** What is to be given back one day, if another Region is in force. Throws where that is not ours to replace. */
export function formerRegionOf(job: Job, { voice_region }: { voice_region: string | null }) {
  const { phone_number, provisioning } = job.record;
  const { region } = carrierOf(job);
  const inForce = voice_region ?? DEFAULT_REGION;
  if (inForce === region) return {};
  if (!provisioning.change?.replace_existing_routing) {
    throw new Problem(
      'number_routed_elsewhere',
      `Twilio handles calls to ${phone_number} in its Region ${inForce}, and this integration is of ${region}. Import it with an integration of ${inForce}, or send replace_existing_routing: true: a release then restores it.`,
    );
  }
  return { former_voice_region: voice_region };
}

/** Whether the import has to move it, which it does where another was in force. */
export const isMoved = (record: PhoneNumberRecord): record is TwilioRecord =>
  record.provider === 'twilio' && record.provisioning.known.former_voice_region !== undefined;

export const regionContentOf = (job: Job): Content => ({ voice_region: carrierOf(job).region });

/** Where it was ours and is not any more, only what was before is ours to replace: it was given back late. */
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

/** Leaves it alone where somebody else has moved it meanwhile. */
export async function giveBackRegion(job: Job): Promise<Told | undefined> {
  const { phone_number, provisioning } = job.record;
  const routes = routesOf(job);
  const former = provisioning.known.former_voice_region ?? DEFAULT_REGION;
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

/** As whoever imports the number reads it. */
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
