import { IntegrationId, OrganizationId } from '@trunkline/contracts';
import { z } from 'zod';
import { orNull, Sealed } from '../database/shape.ts';
import { Actor } from '../events/store.ts';
import { provisioningShape } from '../provisioning/index.ts';

/** The parts of the carrier trunk. */
const carrierPartNames = [
  'trunk',
  'origination_url',
  'credential_list',
  'credential',
  'other_credential',
  'permission',
  'region',
] as const;
export type CarrierPartName = (typeof carrierPartNames)[number];

const callTransfers = ['disabled', 'sip', 'all'] as const;
export type CallTransfers = (typeof callTransfers)[number];

/** What a trunk is made for: Secure Trunking, which LiveKit's media encryption follows, and where Twilio sends calls. */
const MadeFor = z.object({ secure: z.boolean(), sip_host: z.string() });
export type MadeFor = z.output<typeof MadeFor>;

const Deletion = z.object({
  actor: Actor,
  request_id: orNull(z.string()),
  /** Go on even if Twilio refuses to remove something. */
  force: z.literal(true).exactOptional(),
});
export type Deletion = z.output<typeof Deletion>;

const Rotation = z.object({
  /**
   * Which credentials these are. `coming`: the next ones, in force once Twilio has them. `going`: the former ones,
   * while a number may still dial with them. `unused`: the former ones when none does.
   */
  state: z.enum(['coming', 'going', 'unused']),
  username: z.string(),
  password: Sealed,
  /** Who asked for the rotation. */
  actor: Actor,
  request_id: orNull(z.string()),
  at: z.date(),
});
export type Rotation = z.output<typeof Rotation>;

/** Twilio's name for the Region that applies if none is set. */
export const DEFAULT_REGION = 'us1';

export const IntegrationRecord = z.object({
  integration_id: IntegrationId,
  organization_id: OrganizationId,
  /** The integration's own id. Its numbers have the same queue. */
  queue: z.string(),
  /** Incremented by each change of the settings. */
  revision: z.number(),
  /** `deleting`: what it has at Twilio is being removed, and nothing new begins. `gone`: the row stays, without secrets. */
  state: z.enum(['active', 'deleting', 'gone']).default('active'),
  /** The account, as long as this record holds it: unique by organization and Region. Absent once it is gone. */
  holds: z.string().exactOptional(),
  /** The deletion under way, and who asked for it. */
  deletion: orNull(Deletion),
  name: z.string(),
  provider: z.literal('twilio'),
  /** What Twilio last said of the credentials. */
  status: z.enum(['active', 'refused']),
  /** When the hourly check last asked Twilio whether it accepts the credentials. */
  checked_at: orNull(z.date()),
  account_sid: z.string(),
  credential_kind: z.enum(['auth_token', 'api_key']),
  /** Null: `us1`. */
  region: orNull(z.enum(['ie1', 'au1'])),
  /** Whether it was a trial account when last asked. Absent: the credentials may not see that. */
  is_trial: z.boolean().exactOptional(),
  has_routing_credentials: z.boolean().default(false),
  /** JSON of `TwilioCredentials`. Null: it is gone. */
  credentials: Sealed.nullable(),
  /** The trunk's setting. Null: the record is older than this setting, and what is set at Twilio stays. */
  call_transfers: orNull(z.enum(callTransfers)),
  /** The integration's own trunk. These are stored before they are sent. */
  carrier: z.object({
    /** `<name>.pstn.twilio.com`, where LiveKit sends outbound calls. */
    domain_name: z.string(),
    username: z.string(),
    password: Sealed.nullable(),
    /** When the credentials were last rotated. Null: never. */
    rotated_at: orNull(z.date()),
    /** The settings at its first import. They stay, so that both sides still match when the service's settings change. */
    made_for: orNull(MadeFor),
    /**
     * The trunk and settings that its numbers were last checked for. If others are in force, the numbers are requeued
     * before the record is settled. Null: the trunk was never settled, or only by versions that did not store this.
     */
    numbers_made_for: orNull(MadeFor.extend({ trunk_sid: z.string() })),
  }),
  /** A rotation of the trunk's credentials that is under way, with the pair that is not in force. Twilio accepts both. */
  rotation: orNull(Rotation),
  /** The provisioning of the carrier trunk. The import that makes the trunk holds the lease. */
  provisioning: z.object(provisioningShape(carrierPartNames)),
  /** The stored request that created it, if it came with an Idempotency-Key. */
  stored_request: z.string().exactOptional(),
  /** When the row of a deleted integration is deleted. */
  expires_at: z.date().exactOptional(),
  created_at: z.date(),
  updated_at: z.date(),
});
export type IntegrationRecord = z.output<typeof IntegrationRecord>;
