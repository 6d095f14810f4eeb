import {
  IntegrationId,
  KeyId,
  OrganizationId,
  PhoneNumberId,
  type ProviderAnswer,
  problemCodes,
  type StepName,
  stepNames,
} from '@trunkline/contracts';
import { z } from 'zod';
import { eachOptional, orNull, Sealed } from '../database/shape.ts';
import { Actor } from '../events/store.ts';
import { provisioningShape, type Told } from '../provisioning/index.ts';
import { conditions } from './conditions.ts';

export type PartName = Exclude<StepName, 'verify_ownership'>;
const partNames = stepNames.filter((name): name is PartName => name !== 'verify_ownership');

/** What callers set and may change. Null: not set, and its default is derived where it is read. */
const settings = {
  status: z.enum(['free', 'assigned']),
  assigned_agent_id: z.string().nullable(),
  /** JSON that the agent is dispatched with. */
  agent_metadata: z.string().nullable(),
  supports_inbound: z.boolean(),
  supports_outbound: z.boolean(),
  inbound_room_name: z.string(),
  inbound_pin: Sealed.nullable(),
  /** A new one for each PIN, to tell PINs apart: `sent` has no secrets, and two encrypted texts cannot be compared. */
  inbound_pin_version: z.string().nullable(),
  label: z.string().nullable(),
  description: z.string().nullable(),
};

const settingsOfSip = {
  sip_trunk_name: z.string(),
  sip_username: z.string().nullable(),
  sip_password: Sealed.nullable(),
  sip_password_version: z.string().nullable(),
  sip_server_address: z.string().nullable(),
  sip_from_host: z.string().nullable(),
  media_encryption: z.enum(['disable', 'allow', 'require']),
  sip_transport: z.enum(['auto', 'udp', 'tcp', 'tls']),
  allowed_addresses: z.array(z.string()),
  inbound_authentication: z.enum(['digest', 'none']).nullable(),
};

/** The settings that a change sets, with their new values. */
const Wanted = z.object(eachOptional({ ...settings, ...settingsOfSip }));
export type Wanted = z.output<typeof Wanted>;

/** The one change under way. Callers see it once the providers have it. */
const Change = z.object({
  kind: z.enum(['import', 'update', 'assign', 'unassign', 'release']),
  /** What will differ from the record; null: the number is released. */
  wanted: z.union([Wanted, z.null()]),
  actor: Actor,
  request_id: orNull(z.string()),
  /** The stored request that asked for it, if it came with an Idempotency-Key. */
  stored_request: z.string().exactOptional(),
  /** For a release: go on even if the account refuses to restore the number's routing. */
  force: z.literal(true).exactOptional(),
  /** Replace the number's routing even if it leads elsewhere. For changes that start to take calls. */
  replace_existing_routing: z.literal(true).exactOptional(),
  at: z.date(),
});
export type Change = z.output<typeof Change>;

const ProviderSaid = z.object({
  name: z.enum(['twilio', 'livekit']),
  status: z.number(),
  code: orNull(z.string()),
  message: orNull(z.string()),
  request_id: orNull(z.string()),
  more_info: orNull(z.string()),
}) satisfies z.ZodType<ProviderAnswer>;

const provisioning = z.object({
  ...provisioningShape(partNames),
  imported_by: z.object({
    key_id: KeyId,
    request_id: z.string(),
    /** The stored request that asked for it, if it came with an Idempotency-Key. */
    stored_request: orNull(z.string()),
    /** Whether it asked to replace a foreign routing: used to warn if that had no effect. */
    replace_existing_routing: z.literal(true).exactOptional(),
    /** Schema 1 stored the key itself instead of `stored_request`. */
    idempotency_key: orNull(z.string()).exactOptional(),
  }),
  change: orNull(Change),
  /** An update has asked for another From host, so the trunk's is ours, even if the record has none. */
  has_changed_from_host: z.literal(true).exactOptional(),
  /** The last stored request whose change was done, and the revision it made: sent again, it is not another change. */
  last_change: z.object({ stored_request: z.string(), revision: z.number() }).exactOptional(),
  /** What is in the way that we may not change, and since when. The number is then `degraded`. */
  obstacle: orNull(z.object({ code: z.string(), detail: z.string(), since: z.date() })),
  /** Why the last change was dropped, for requests that wait for it. `at`: when that change was asked for. */
  outcome: orNull(
    z.object({
      code: z.enum(problemCodes),
      detail: z.string(),
      provider: ProviderSaid.exactOptional(),
      at: z.date().exactOptional(),
    }),
  ),
  /** What was read from the carrier. A failure does not erase it. */
  known: z
    .object({
      number_sid: orNull(z.string()),
      verified_at: orNull(z.date()),
      /** For a verified caller ID, which is not a number of the account: only for outbound calls. */
      caller_id_sid: z.string().exactOptional(),
      conditions: z.array(z.enum(conditions)).exactOptional(),
      /** The Region that was in force before us, if it was another one. Null: none was set. */
      former_voice_region: z.string().nullable().exactOptional(),
      /** `at` of the change that read all this: a second try of it finds the Region that the first has set. */
      read_for: z.date().exactOptional(),
    })
    .default({ number_sid: null, verified_at: null }),
});

const ofEither = {
  phone_number_id: PhoneNumberId,
  organization_id: OrganizationId,
  /** One replica at a time works on the records of a queue: the integration's id, else the organization's. */
  queue: z.string(),
  phone_number: z.string(),
  /** The number, as long as this record holds it: unique. Absent once it is released. */
  holds: z.string().exactOptional(),
  /** Incremented by each change of the settings. */
  revision: z.number(),
  ...settings,
  /**
   * `importing`: being built. `releasing`: being torn down, after a failed import or for a release; stored before the
   * caller is answered. `gone`: nothing is left, and whatever still carries its mark may be removed.
   */
  provisioning_state: z.enum(['importing', 'active', 'degraded', 'releasing', 'gone']),
  provisioning,
  /** When the row of a released number is deleted. */
  expires_at: z.date().exactOptional(),
  created_at: z.date(),
  updated_at: z.date(),
};

const routing = {
  voice_url: orNull(z.string()),
  voice_method: orNull(z.string()),
  voice_fallback_url: orNull(z.string()),
  voice_fallback_method: orNull(z.string()),
  trunk_sid: orNull(z.string()),
  voice_application_sid: orNull(z.string()),
};

const TwilioRecord = z.object({
  provider: z.literal('twilio'),
  ...ofEither,
  integration_id: IntegrationId,
  /** How Twilio routed the number before us: JSON, encrypted as a voice URL may hold secrets. Schema 2 stored it in clear. */
  former_routing: orNull(z.union([Sealed, z.object(routing)])),
});
export type TwilioRecord = z.output<typeof TwilioRecord>;

const SipRecord = z.object({
  provider: z.literal('sip'),
  ...ofEither,
  ...settingsOfSip,
});
export type SipRecord = z.output<typeof SipRecord>;

export const PhoneNumberRecord = z.discriminatedUnion('provider', [TwilioRecord, SipRecord]);
export type PhoneNumberRecord = z.output<typeof PhoneNumberRecord>;

/** Whether its change makes it take calls, which it did not before: its provider is then checked first, as for an import. */
export const opensInbound = (record: PhoneNumberRecord): boolean =>
  record.provisioning.change?.kind === 'import' ||
  (!record.supports_inbound && record.provisioning.change?.wanted?.supports_inbound === true);

/** What was read from the carrier. */
export type Known = PhoneNumberRecord['provisioning']['known'];

/** Whether its change makes it dial out, which it did not before. */
export const opensOutbound = ({ supports_outbound, provisioning }: PhoneNumberRecord): boolean =>
  !supports_outbound && provisioning.change?.wanted?.supports_outbound === true;

/** Whether its number will be free but is not yet. */
export const isBeingReleased = ({ provisioning_state }: PhoneNumberRecord): boolean =>
  provisioning_state === 'releasing' || provisioning_state === 'gone';

/** The record as its change will leave it. Null: it is to be removed. */
export const wantedOf = (record: PhoneNumberRecord): PhoneNumberRecord | null => {
  const { change } = record.provisioning;
  if (change) return change.wanted && { ...record, ...change.wanted };
  return isBeingReleased(record) ? null : record;
};

/** What could not be restored when this part was removed. */
export const notRestored = (
  { provisioning }: PhoneNumberRecord,
  part: 'carrier_routing' | 'carrier_region',
): Told | undefined => {
  const { state, problem } = provisioning.parts[part] ?? {};
  return state === 'undone' ? problem : undefined;
};
