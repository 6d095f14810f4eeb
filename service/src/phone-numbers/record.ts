import { IntegrationId, KeyId, OrganizationId, PhoneNumberId, problemCodes, stepNames } from '@trunkline/contracts';
import { z } from 'zod';
import { orNull, Sealed } from '../database/shape.ts';
import { Actor } from '../events/store.ts';
import { provisioningShape } from '../provisioning/lease.ts';

const provisioning = z.object({
  ...provisioningShape(stepNames),
  imported_by: z.object({
    key_id: KeyId,
    request_id: z.string(),
    /** The stored request that asked for it, where it came with an Idempotency-Key. */
    stored_request: orNull(z.string()),
    /** Of schema 1, in place of that: the key itself. */
    idempotency_key: orNull(z.string()).exactOptional(),
  }),
  /** Why it goes back. */
  failure: orNull(z.object({ code: z.enum(problemCodes), detail: z.string() })),
  /** Whoever asked to let the number go. */
  releasing: orNull(z.object({ actor: Actor, request_id: orNull(z.string()), force: z.boolean() })),
  /** An assignment under way: settled at LiveKit before it shows. */
  assigning: orNull(z.object({ agent_id: orNull(z.string()), key_id: KeyId, request_id: z.string() })),
});

const ofEither = {
  phone_number_id: PhoneNumberId,
  organization_id: OrganizationId,
  phone_number: z.string(),
  status: z.enum(['free', 'assigned']),
  assigned_agent_id: orNull(z.string()),
  supports_inbound: z.boolean(),
  supports_outbound: z.boolean(),
  inbound_room_name: z.string(),
  inbound_pin: orNull(Sealed),
  /** `importing` goes forward; `releasing` goes back, as it was not imported or is let go of: stored before the caller is answered. */
  provisioning_state: z.enum(['importing', 'active', 'degraded', 'releasing']),
  provisioning,
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
  replace_existing_routing: z.boolean(),
  /** How Twilio routed the number before us: JSON, sealed, for it may hold a voice URL's secrets. Schema 2 kept it in clear. */
  former_routing: orNull(z.union([Sealed, z.object(routing)])),
});
export type TwilioRecord = z.output<typeof TwilioRecord>;

const SipRecord = z.object({
  provider: z.literal('sip'),
  ...ofEither,
  sip_trunk_name: z.string(),
  sip_username: orNull(z.string()),
  sip_password: orNull(Sealed),
  sip_server_address: orNull(z.string()),
  media_encryption: z.enum(['disable', 'allow', 'require']),
  sip_transport: z.enum(['auto', 'udp', 'tcp', 'tls']),
  allowed_addresses: z.array(z.string()),
  inbound_authentication: z.enum(['digest', 'none']),
});

export const PhoneNumberRecord = z.discriminatedUnion('provider', [TwilioRecord, SipRecord]);
export type PhoneNumberRecord = z.output<typeof PhoneNumberRecord>;
