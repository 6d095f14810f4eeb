import { IntegrationId, OrganizationId } from '@trunkline/contracts';
import { z } from 'zod';
import { orNull, Sealed } from '../database/shape.ts';
import { Actor } from '../events/store.ts';
import { provisioningShape } from '../provisioning/index.ts';

/** What the carrier trunk is made of. */
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

/** Twilio's Secure Trunking, which LiveKit's media encryption follows, and where Twilio sends calls. */
const MadeFor = z.object({ secure: z.boolean(), sip_host: z.string() });
export type MadeFor = z.output<typeof MadeFor>;

const Deletion = z.object({
  actor: Actor,
  request_id: orNull(z.string()),
  /** Also where Twilio refuses to remove what is there. */
  force: z.literal(true).exactOptional(),
});
export type Deletion = z.output<typeof Deletion>;

const Rotation = z.object({
  /**
   * Whose these are. `coming`: the trunk's next ones, in force once Twilio has them. `going`: its former ones, while a
   * number may dial by them. `unused`: the same when none does.
   */
  state: z.enum(['coming', 'going', 'unused']),
  username: z.string(),
  password: Sealed,
  /** Who has asked for it. */
  actor: Actor,
  request_id: orNull(z.string()),
  at: z.date(),
});
export type Rotation = z.output<typeof Rotation>;

/** Twilio's name of the Region where none is set. */
export const DEFAULT_REGION = 'us1';

export const IntegrationRecord = z.object({
  integration_id: IntegrationId,
  organization_id: OrganizationId,
  /** Its own id: that of the numbers of this account, too. */
  queue: z.string(),
  /** Raised by each change of its settings. */
  revision: z.number(),
  /** `deleting`: what it has at Twilio is removed, and nothing new begins. `gone`: the row stays without its secrets. */
  state: z.enum(['active', 'deleting', 'gone']).default('active'),
  /** Its account, as long as it is this record's: unique by organization and Region. Absent once it is gone. */
  holds: z.string().exactOptional(),
  /** Who has it deleted. */
  deletion: orNull(Deletion),
  name: z.string(),
  provider: z.literal('twilio'),
  /** What Twilio last said of the credentials. */
  status: z.enum(['active', 'refused']),
  /** When it was last looked whether Twilio takes the credentials, as long as nothing else asks it. */
  checked_at: orNull(z.date()),
  account_sid: z.string(),
  credential_kind: z.enum(['auth_token', 'api_key']),
  /** Null: `us1`. */
  region: orNull(z.enum(['ie1', 'au1'])),
  /** Whether Twilio said so when that was asked last. Absent: the credentials may not see it. */
  is_trial: z.boolean().exactOptional(),
  has_routing_credentials: z.boolean().default(false),
  /** JSON of `TwilioCredentials`. Null: it is gone. */
  credentials: Sealed.nullable(),
  /** Its trunk's. Null: of before it could be asked for, and whatever is set at Twilio stays. */
  call_transfers: orNull(z.enum(callTransfers)),
  /** The integration's own trunk: what is sent is stored before. */
  carrier: z.object({
    /** `<name>.pstn.twilio.com`, where LiveKit sends outbound calls. */
    domain_name: z.string(),
    username: z.string(),
    password: Sealed.nullable(),
    /** When these were put in the place of others. Null: never. */
    rotated_at: orNull(z.date()),
    /** What it is made for, from its first import on: a setting that is changed later does not split the pair. */
    made_for: orNull(MadeFor),
  }),
  /** A change of the trunk's credentials that is under way: those which are not in force, beside the others at Twilio. */
  rotation: orNull(Rotation),
  /** Of the carrier trunk; its lease is held by whichever import makes the trunk. */
  provisioning: z.object(provisioningShape(carrierPartNames)),
  /** The stored request that made it, where that came with an Idempotency-Key. */
  stored_request: z.string().exactOptional(),
  /** When a row that is gone is deleted. */
  expires_at: z.date().exactOptional(),
  created_at: z.date(),
  updated_at: z.date(),
});
export type IntegrationRecord = z.output<typeof IntegrationRecord>;
