import { type PhoneNumberId, Problem, type StepName } from '@trunkline/contracts';
import { Conflict } from '../provider.ts';
import type { Step } from '../provision.ts';
import { answerOf, inboundLineOf, type LineSettings, outboundLineOf } from './line.ts';
import type { Carrier, Found, OutboundLine, OwnedNumber, Switchboard } from './providers.ts';
import type { PhoneNumberRecord, TwilioRecord } from './record.ts';

/** What the steps work on: one record, and both sides of its line. */
export interface Job {
  record: PhoneNumberRecord;
  installation_id: string;
  settings: LineSettings;
  switchboard: Switchboard;
  /** Of a Twilio number. */
  carrier: CarrierSide | undefined;
  /** Decrypts a secret of the record. */
  open(field: 'inbound_pin' | 'sip_password'): Promise<string | null>;
  /** Whether this installation had a record of this id, and let go of it. */
  wasLetGo(phone_number_id: PhoneNumberId): Promise<boolean>;
}

interface CarrierSide {
  account_sid: string;
  numbers: Carrier;
  /** The integration's own trunk, if it is there already. */
  trunk_sid: string | undefined;
  /** The integration's own trunk, made if need be. */
  trunk(): Promise<CarrierTrunk>;
}

/** The integration's own trunk at the carrier, and how LiveKit dials out through it. */
export interface CarrierTrunk extends Pick<OutboundLine, 'address' | 'username' | 'password'> {
  trunk_sid: string;
}

const ofTwilio = ({ provider }: PhoneNumberRecord) => provider === 'twilio';
const inbound = ({ supports_inbound }: PhoneNumberRecord) => supports_inbound;
const outbound = ({ supports_outbound }: PhoneNumberRecord) => supports_outbound;

/**
 * How a number gets there. The carrier's routing comes last, so that no call arrives before something answers it;
 * undoing goes from the bottom up.
 */
export const steps: readonly Step<Job, StepName>[] = [
  {
    name: 'verify_ownership',
    after: [],
    when: ofTwilio,
    make: verifyOwnership,
  },
  {
    name: 'carrier_trunk',
    after: ['verify_ownership'],
    when: (record) => ofTwilio(record) && (inbound(record) || outbound(record)),
    make: async (job) => (await carrierOf(job).trunk()).trunk_sid,
  },
  {
    name: 'inbound_trunk',
    after: ['verify_ownership'],
    when: inbound,
    make: createInboundTrunk,
    list: async (job) => mine(job, await job.switchboard.findInboundTrunks(job.record.phone_number)),
    remove: (job, trunk_id) => job.switchboard.removeTrunk(trunk_id),
  },
  {
    name: 'dispatch_rule',
    after: ['inbound_trunk'],
    when: inbound,
    make: createDispatchRule,
    list: async (job) => mine(job, await findDispatchRules(job)),
    remove: (job, dispatch_rule_id) => job.switchboard.removeDispatchRule(dispatch_rule_id),
  },
  {
    name: 'outbound_trunk',
    after: ['verify_ownership', 'carrier_trunk'],
    when: outbound,
    make: async (job) => job.switchboard.createOutboundTrunk(await outboundLineOf(job)),
    list: async (job) => mine(job, await job.switchboard.findOutboundTrunks(job.record.phone_number)),
    remove: (job, trunk_id) => job.switchboard.removeTrunk(trunk_id),
  },
  {
    name: 'carrier_routing',
    after: ['carrier_trunk', 'inbound_trunk', 'dispatch_rule', 'outbound_trunk'],
    when: (record) => ofTwilio(record) && inbound(record),
    make: routeToTrunk,
    list: findRouting,
    remove: giveBackRouting,
  },
];

const mine = ({ record, installation_id }: Job, found: Found[]): string[] =>
  found
    .filter(({ mark }) => mark?.installation_id === installation_id && mark.phone_number_id === record.phone_number_id)
    .map(({ resource_id }) => resource_id);

const carrierOf = ({ carrier, record }: Job): CarrierSide => {
  if (carrier === undefined) throw new Error(`${record.phone_number_id} has no carrier`);
  return carrier;
};

const madeBy = (job: Job, step: StepName): string | undefined => {
  const made = job.record.provisioning.steps[step];
  return made?.state === 'done' && made.resource_id !== null ? made.resource_id : undefined;
};

const need = (job: Job, step: StepName): string => {
  const made = madeBy(job, step);
  if (made === undefined) throw new Error(`${job.record.phone_number_id} needs ${step}, which is not done`);
  return made;
};

/** Checks, before anything is made, that the number is theirs, can talk, and is not in use elsewhere. */
async function verifyOwnership(job: Job): Promise<string> {
  const { record, switchboard } = job;
  const { account_sid, numbers } = carrierOf(job);
  const [owned, inTheWay] = await Promise.allSettled([
    numbers.findNumber(record.phone_number),
    record.supports_inbound ? findForeignTrunk(job, switchboard) : undefined,
  ]);
  if (owned.status === 'rejected') throw owned.reason;
  if (owned.value === undefined) {
    throw new Problem(
      'phone_number_not_owned',
      `The Twilio account ${account_sid} does not own ${record.phone_number}. Import it with the integration of the account that does.`,
    );
  }
  if (!owned.value.has_voice) {
    throw new Problem(
      'phone_number_without_voice',
      `${record.phone_number} has no voice capability at Twilio. Import a number that has.`,
    );
  }
  if (record.supports_inbound) rememberRouting(job, owned.value);
  if (inTheWay.status === 'rejected') throw inTheWay.reason;
  if (inTheWay.value !== undefined) throw answeredElsewhere(record, inTheWay.value);
  return owned.value.number_sid;
}

/** Keeps how the number is routed today, to be given back one day. Throws where that routing is not ours to replace. */
function rememberRouting(job: Job, { routing }: OwnedNumber): void {
  const record = job.record as TwilioRecord;
  if (routing.trunk_sid !== null && routing.trunk_sid === carrierOf(job).trunk_sid) return;
  const obstacle = routing.trunk_sid
    ? `the trunk ${routing.trunk_sid}`
    : routing.voice_application_sid && `the voice application ${routing.voice_application_sid}`;
  if (obstacle && !record.replace_existing_routing) {
    throw new Problem(
      'number_routed_elsewhere',
      `At Twilio ${record.phone_number} is routed to ${obstacle}, which is not Trunkline's. Take it off there, or send replace_existing_routing: true; it is given back when the number is released.`,
    );
  }
  record.former_routing = routing;
}

async function findForeignTrunk(job: Job, switchboard: Switchboard): Promise<string | undefined> {
  for (const { resource_id, mark } of await switchboard.findInboundTrunks(job.record.phone_number)) {
    const ours = mark?.installation_id === job.installation_id;
    if (ours && (mark.phone_number_id === job.record.phone_number_id || (await job.wasLetGo(mark.phone_number_id))))
      continue;
    return resource_id;
  }
  return undefined;
}

const answeredElsewhere = ({ phone_number }: PhoneNumberRecord, trunk_id: string | undefined) =>
  new Problem(
    'number_answered_elsewhere',
    `LiveKit has an inbound trunk for ${phone_number} that Trunkline did not make${trunk_id ? `, ${trunk_id}` : ''}. Remove it there, then import again.`,
    trunk_id === undefined ? {} : { trunk_id },
  );

/** LiveKit refuses a second trunk for a number. What is in the way may be ours: made by a call whose answer was lost. */
async function createInboundTrunk(job: Job): Promise<string> {
  const line = await inboundLineOf(job);
  try {
    return await job.switchboard.createInboundTrunk(line);
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const found = await job.switchboard.findInboundTrunks(job.record.phone_number);
    const [own] = mine(job, found);
    if (own !== undefined) return own;
    const foreign = await findForeignTrunk(job, job.switchboard);
    if (foreign !== undefined || found.length === 0) throw answeredElsewhere(job.record, foreign ?? error.resource_id);
    for (const { resource_id } of found) await job.switchboard.removeTrunk(resource_id);
    return job.switchboard.createInboundTrunk(line);
  }
}

async function createDispatchRule(job: Job): Promise<string> {
  try {
    return await job.switchboard.createDispatchRule(await answerOf(job, need(job, 'inbound_trunk')));
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const [own] = mine(job, await findDispatchRules(job));
    if (own !== undefined) return own;
    throw answeredElsewhere(job.record, error.resource_id);
  }
}

async function findDispatchRules(job: Job): Promise<Found[]> {
  const inbound_trunk_id = job.record.provisioning.steps.inbound_trunk?.resource_id;
  return inbound_trunk_id ? job.switchboard.findDispatchRules(inbound_trunk_id) : [];
}

async function routeToTrunk(job: Job): Promise<string> {
  const number_sid = need(job, 'verify_ownership');
  await carrierOf(job).numbers.routeToTrunk(number_sid, need(job, 'carrier_trunk'));
  return number_sid;
}

/** Whether the number is on our trunk now. */
async function findRouting(job: Job): Promise<string[]> {
  const number_sid = madeBy(job, 'verify_ownership');
  const trunk_sid = madeBy(job, 'carrier_trunk');
  if (number_sid === undefined || trunk_sid === undefined) return [];
  const number = await carrierOf(job).numbers.readNumber(number_sid);
  return number?.routing.trunk_sid === trunk_sid ? [number_sid] : [];
}

/** Leaves the number alone where somebody else has routed it meanwhile. */
async function giveBackRouting(job: Job, number_sid: string): Promise<void> {
  if ((await findRouting(job)).length === 0) return;
  const { former_routing } = job.record as TwilioRecord;
  await carrierOf(job).numbers.giveBack(number_sid, former_routing ?? unrouted);
}

const unrouted = {
  voice_url: null,
  voice_method: null,
  voice_fallback_url: null,
  voice_fallback_method: null,
  trunk_sid: null,
  voice_application_sid: null,
};
