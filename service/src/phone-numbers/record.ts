import type {
  FormerRouting,
  IntegrationId,
  KeyId,
  OrganizationId,
  PhoneNumberId,
  ProblemCode,
  StepName,
} from '@trunkline/contracts';
import type { Provisioning } from '../lease.ts';

interface OfEither {
  phone_number_id: PhoneNumberId;
  organization_id: OrganizationId;
  phone_number: string;
  status: 'free' | 'assigned';
  assigned_agent_id: string | null;
  supports_inbound: boolean;
  supports_outbound: boolean;
  inbound_room_name: string;
  /** Sealed. */
  inbound_pin: string | null;
  /** `importing` goes forward, `releasing` goes back: stored before the caller is answered. */
  provisioning_state: 'importing' | 'active' | 'degraded' | 'releasing';
  provisioning: PhoneNumberProvisioning;
  created_at: Date;
  updated_at: Date;
}

interface PhoneNumberProvisioning extends Provisioning<StepName> {
  /** `stored_request`: the stored request that asked for it, if it came with an Idempotency-Key. */
  imported_by: { key_id: KeyId; request_id: string; stored_request?: string | null };
  /** Why it goes back. */
  failure: { code: ProblemCode; detail: string } | null;
  /** An assignment under way: settled at LiveKit before it shows. */
  assigning: { agent_id: string | null; key_id: KeyId; request_id: string } | null;
}

export interface TwilioRecord extends OfEither {
  provider: 'twilio';
  integration_id: IntegrationId;
  replace_existing_routing: boolean;
  /** How Twilio routed the number before us. */
  former_routing: FormerRouting | null;
}

interface SipRecord extends OfEither {
  provider: 'sip';
  sip_trunk_name: string;
  sip_username: string | null;
  /** Sealed. */
  sip_password: string | null;
  sip_server_address: string | null;
  media_encryption: 'disable' | 'allow' | 'require';
  sip_transport: 'auto' | 'udp' | 'tcp' | 'tls';
  allowed_addresses: string[];
  inbound_authentication: 'digest' | 'none';
}

export type PhoneNumberRecord = TwilioRecord | SipRecord;
