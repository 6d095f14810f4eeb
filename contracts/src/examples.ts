import type { ApiKey } from './api-key.ts';
import type { AvailableNumber } from './available-number.ts';
import type { Pagination } from './envelope.ts';
import type { Integration } from './integration.ts';
import type { Me } from './me.ts';
import type { PhoneNumber, PhoneNumberDetail } from './phone-number.ts';

// Example answers for the API's document.

const made = { created_at: '2024-01-15T10:30:00.000Z', updated_at: '2024-01-15T10:30:01.000Z' };

export const twilioNumber = {
  phone_number_id: 'phon_a1b2c3d4e5f6',
  phone_number: '+15551234567',
  revision: 1,
  provider: 'twilio',
  status: 'free',
  assigned_agent_id: null,
  agent_metadata: null,
  label: null,
  description: null,
  supports_inbound: true,
  supports_outbound: true,
  provisioning_state: 'active',
  inbound_trunk_id: 'ST_xcL6Am72Vjzg',
  dispatch_rule_id: 'SDR_7XJn6EMP7GLo',
  outbound_trunk_id: 'ST_Via4QPb8yoXW',
  inbound_room_name: 'call',
  has_inbound_pin: false,
  ...made,
  integration_id: 'intg_a1b2c3d4e5f6',
} as const satisfies PhoneNumber;

export const sipNumber = {
  phone_number_id: 'phon_0f1e2d3c4b5a',
  phone_number: '+15559876543',
  revision: 1,
  provider: 'sip',
  status: 'free',
  assigned_agent_id: null,
  agent_metadata: null,
  label: null,
  description: null,
  supports_inbound: true,
  supports_outbound: true,
  provisioning_state: 'active',
  inbound_trunk_id: 'ST_9sVq2nB4kLmT',
  dispatch_rule_id: 'SDR_4HdW8zRc1XyP',
  outbound_trunk_id: 'ST_6JtE3uGa7QoN',
  inbound_room_name: 'call',
  has_inbound_pin: false,
  ...made,
  sip_trunk_name: 'my-trunk',
  sip_server_address: 'sip.example.com',
  sip_from_host: null,
  sip_username: 'user',
  has_sip_password: true,
  sip_uri: 'sip:+15559876543@example.sip.livekit.cloud',
  media_encryption: 'require',
  sip_transport: 'auto',
  allowed_addresses: [] as string[],
  inbound_authentication: 'digest',
} as const satisfies PhoneNumber;

export const assignedNumber = {
  ...twilioNumber,
  status: 'assigned',
  assigned_agent_id: 'receptionist',
} as const satisfies PhoneNumber;

const at = '2024-01-15T10:30:01.000Z';

export const numberInDetail: PhoneNumberDetail = {
  ...twilioNumber,
  provisioning: {
    state: 'active',
    attempt: 1,
    next_check_at: null,
    steps: [
      { name: 'verify_ownership', state: 'done', resource_id: `PN${'1'.repeat(32)}`, at },
      { name: 'carrier_trunk', state: 'done', resource_id: `TK${'2'.repeat(32)}`, at },
      { name: 'inbound_trunk', state: 'done', resource_id: twilioNumber.inbound_trunk_id, at },
      { name: 'dispatch_rule', state: 'done', resource_id: twilioNumber.dispatch_rule_id, at },
      { name: 'outbound_trunk', state: 'done', resource_id: twilioNumber.outbound_trunk_id, at },
      { name: 'carrier_routing', state: 'done', resource_id: `PN${'1'.repeat(32)}`, at },
    ],
    former_routing: {
      voice_url: 'https://***@example.com/voice?***',
      voice_method: 'POST',
      voice_fallback_url: null,
      voice_fallback_method: null,
      trunk_sid: null,
      voice_application_sid: null,
    },
  },
};

export const integration: Integration = {
  integration_id: 'intg_a1b2c3d4e5f6',
  name: 'Our Twilio account',
  revision: 1,
  provider: 'twilio',
  category: 'telephony',
  status: 'active',
  state: 'active',
  account_sid: `AC${'0'.repeat(32)}`,
  credential_kind: 'auth_token',
  region: null,
  has_routing_credentials: false,
  call_transfers: 'disabled',
  trunk_password_rotation: null,
  ...made,
};

export const availableNumber: AvailableNumber = {
  phone_number: '+15551234567',
  label: 'Front desk',
  capabilities: { voice: true, sms: true, mms: false, fax: false },
  routing: {
    target: 'voice_url',
    voice_url: 'https://***@example.com/voice?***',
    voice_application_sid: null,
    trunk_sid: null,
    trunk_owner: null,
  },
  phone_number_id: null,
  voice_region: null,
  import_problem: null,
};

export const apiKey: ApiKey = {
  key_id: 'key_a1b2c3d4e5f6',
  name: 'Support desk',
  role: 'user',
  prefix: 'tl_live_Jp3v',
  status: 'active',
  created_at: made.created_at,
  last_used_at: null,
  expires_at: null,
  created_by: 'key_0f1e2d3c4b5a',
};

export const me: Me = {
  organization_id: 'org_a1b2c3d4e5f6',
  organization_name: 'Acme',
  key_id: 'key_a1b2c3d4e5f6',
  role: 'user',
  permissions: ['phone_numbers:read', 'integrations:read'],
};

/** For a list with only one page. */
export const onlyPage: Pagination = {
  next_cursor: null,
  has_more: false,
  page_size: 20,
  total_count: null,
};
