import { expect } from 'vitest';

/** A trunk as the server returns it: every field, in snake case. */
export const blankInbound = {
  sip_trunk_id: expect.stringMatching(/^ST_[0-9A-Za-z]{12}$/),
  name: '',
  metadata: '',
  numbers: [],
  allowed_addresses: [],
  allowed_numbers: [],
  auth_username: '',
  auth_password: '',
  auth_realm: '',
  headers: {},
  headers_to_attributes: {},
  attributes_to_headers: {},
  include_headers: 'SIP_NO_HEADERS',
  ringing_timeout: null,
  max_call_duration: null,
  krisp_enabled: false,
  media_encryption: 'SIP_MEDIA_ENCRYPT_DISABLE',
  media: null,
  created_at: null,
  updated_at: null,
};
/** The `media` of a trunk after any update. */
export const touched = { only_listed_codecs: false, codecs: [] };

export const blankOutbound = {
  sip_trunk_id: expect.stringMatching(/^ST_[0-9A-Za-z]{12}$/),
  name: '',
  metadata: '',
  address: '',
  destination_country: '',
  transport: 'SIP_TRANSPORT_AUTO',
  numbers: [],
  auth_username: '',
  auth_password: '',
  headers: {},
  headers_to_attributes: {},
  attributes_to_headers: {},
  include_headers: 'SIP_NO_HEADERS',
  media_encryption: 'SIP_MEDIA_ENCRYPT_DISABLE',
  media: null,
  from_host: '',
  created_at: null,
  updated_at: null,
};

export const blankRule = {
  sip_dispatch_rule_id: expect.stringMatching(/^SDR_[0-9A-Za-z]{12}$/),
  rule: { dispatch_rule_individual: { room_prefix: 'call', pin: '', no_randomness: false } },
  trunk_ids: [],
  hide_phone_number: false,
  inbound_numbers: [],
  numbers: [],
  name: '',
  metadata: '',
  attributes: {},
  room_preset: '',
  room_config: null,
  media: null,
  krisp_enabled: false,
  media_encryption: 'SIP_MEDIA_ENCRYPT_DISABLE',
  created_at: null,
  updated_at: null,
};

/** The room configuration that dispatches an agent of this name. */
export const roomWith = (agent_name: string) => ({
  name: '',
  empty_timeout: 0,
  departure_timeout: 0,
  max_participants: 0,
  metadata: '',
  egress: null,
  min_playout_delay: 0,
  max_playout_delay: 0,
  sync_streams: false,
  agents: [{ agent_name, metadata: '', restart_policy: 'JRP_ON_FAILURE', deployment: '', attributes: {} }],
  tags: {},
});
