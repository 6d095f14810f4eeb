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
import { provisioningShape } from '../provisioning/index.ts';
import { conditions } from './conditions.ts';

export type PartName = Exclude<StepName, 'verify_ownership'>;
const partNames = stepNames.filter((name): name is PartName => name !== 'verify_ownership');

/** What callers set, and may change. Null is what was not asked for: its default is derived where it is read. */
const settings = {
  status: z.enum(['free', 'assigned']),
  assigned_agent_id: z.string().nullable(),
  /** JSON: what the agent is dispatched with. */
  agent_metadata: z.string().nullable(),
  supports_inbound: z.boolean(),
  supports_outbound: z.boolean(),
  inbound_room_name: z.string(),
  inbound_pin: Sealed.nullable(),
  /** Drawn anew with each PIN: what was sent is kept without it, and two sealed texts cannot be compared. */
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

/** What of a number's settings a change touches, as it will be. */
const Wanted = z.object(eachOptional({ ...settings, ...settingsOfSip }));
export type Wanted = z.output<typeof Wanted>;

/** The one change under way: settled at the providers before it shows. */
const Change = z.object({
  kind: z.enum(['import', 'update', 'assign', 'unassign', 'release']),
  /** What will be other than it is recorded; null: the number is let go of. */
  wanted: z.union([Wanted, z.null()]),
  actor: Actor,
  request_id: orNull(z.string()),
  /** The stored request that asked for it, where it came with an Idempotency-Key. */
  stored_request: z.string().exactOptional(),
  /** A release: also where the account refuses to route the number back. */
  force: z.literal(true).exactOptional(),
  /** Also where the number is routed elsewhere: of what takes calls to it from now on. */
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
    /** The stored request that asked for it, where it came with an Idempotency-Key. */
    stored_request: orNull(z.string()),
    /** Whether it was to take the number off what is not ours: told where that had no effect. */
    replace_existing_routing: z.literal(true).exactOptional(),
    /** Of schema 1, in place of that: the key itself. */
    idempotency_key: orNull(z.string()).exactOptional(),
  }),
  change: orNull(Change),
  /** The last stored request whose change was reached, and the revision that it made: sent again, it is no other change. */
  last_change: z.object({ stored_request: z.string(), revision: z.number() }).exactOptional(),
  /** What we may not mend, and since when: the number is `degraded`. */
  obstacle: orNull(z.object({ code: z.string(), detail: z.string(), since: z.date() })),
  /** Why the last change was dropped, for whoever waits for it; `at`: of that change. */
  outcome: orNull(
    z.object({
      code: z.enum(problemCodes),
      detail: z.string(),
      provider: ProviderSaid.exactOptional(),
      at: z.date().exactOptional(),
    }),
  ),
  /** What was read at the carrier. No failure erases it. */
  known: z
    .object({
      number_sid: orNull(z.string()),
      verified_at: orNull(z.date()),
      /** Of a verified caller ID, which is no number of the account: for calls out alone. */
      caller_id_sid: z.string().exactOptional(),
      conditions: z.array(z.enum(conditions)).exactOptional(),
      /** The Region that was in force before us, where that was another. Null: none was set. */
      former_voice_region: z.string().nullable().exactOptional(),
    })
    .default({ number_sid: null, verified_at: null }),
});

const ofEither = {
  phone_number_id: PhoneNumberId,
  organization_id: OrganizationId,
  /** What falls due of one account is worked on by one replica at a time: the integration's id, else the organization's. */
  queue: z.string(),
  phone_number: z.string(),
  /** The number, as long as it is this record's: unique. Absent once it is let go of. */
  holds: z.string().exactOptional(),
  /** Raised by each change of its settings. */
  revision: z.number(),
  ...settings,
  /**
   * `importing` goes forward; `releasing` goes back, as it was not imported or is let go of: stored before the caller is
   * answered. `gone`: nothing is left of it, and what carries its mark may be removed wherever it turns up.
   */
  provisioning_state: z.enum(['importing', 'active', 'degraded', 'releasing', 'gone']),
  provisioning,
  /** When a row that is gone is deleted. */
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
  /** How Twilio routed the number before us: JSON, sealed, for it may hold a voice URL's secrets. Schema 2 kept it in clear. */
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

/** Whether its change has it take calls that it did not take before: then its provider is asked first, as for an import. */
export const opensInbound = (record: PhoneNumberRecord): boolean =>
  record.provisioning.change?.kind === 'import' ||
  (!record.supports_inbound && record.provisioning.change?.wanted?.supports_inbound === true);

/** Whether its change has it dial out, which it did not before. */
export const opensOutbound = ({ supports_outbound, provisioning }: PhoneNumberRecord): boolean =>
  !supports_outbound && provisioning.change?.wanted?.supports_outbound === true;

/** Whether its number will be free, and is not yet. */
export const isBeingReleased = ({ provisioning_state }: PhoneNumberRecord): boolean =>
  provisioning_state === 'releasing' || provisioning_state === 'gone';

/** A record as its change will leave it. Null: nothing is to be left of it. */
export const wantedOf = (record: PhoneNumberRecord): PhoneNumberRecord | null => {
  const { change } = record.provisioning;
  if (change) return change.wanted && { ...record, ...change.wanted };
  return isBeingReleased(record) ? null : record;
};
