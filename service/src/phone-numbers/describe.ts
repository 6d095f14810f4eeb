import type {
  FormerRouting,
  PhoneNumber,
  PhoneNumberDetail,
  ReleasedPhoneNumber,
  Step,
  StepName,
} from '@trunkline/contracts';
import type { PartRecord } from '../provisioning/index.ts';
import { authenticationOf, isOpenToAll, openListWarnings } from './allowed-addresses.ts';
import { conditionWarnings } from './conditions.ts';
import { ownTwilioTrunkWarnings } from './own-twilio-trunk.ts';
import { parts } from './parts.ts';
import { notRestored, type PartName, type PhoneNumberRecord, type SipRecord } from './record.ts';
import type { Release } from './release.ts';
import { reachOf } from './server-address.ts';
import { regionWarnings } from './voice-region.ts';
import { withoutEffectWarnings } from './without-effect.ts';

/** A record as callers see it, without secrets. `sip_host`: where carriers send calls. */
export const describePhoneNumber = (record: PhoneNumberRecord, sip_host: string): PhoneNumber => {
  const { provisioning, provisioning_state, phone_number } = record;
  const made = (name: PartName) => {
    const part = provisioning.parts[name];
    return part?.state === 'done' ? part.resource_id : null;
  };
  const ofEither = {
    phone_number_id: record.phone_number_id,
    phone_number,
    revision: record.revision,
    label: record.label,
    description: record.description,
    status: record.status,
    assigned_agent_id: record.assigned_agent_id,
    agent_metadata: record.agent_metadata === null ? null : JSON.parse(record.agent_metadata),
    supports_inbound: record.supports_inbound,
    supports_outbound: record.supports_outbound,
    provisioning_state: provisioning_state === 'gone' ? 'releasing' : provisioning_state,
    inbound_trunk_id: made('inbound_trunk'),
    dispatch_rule_id: made('dispatch_rule'),
    outbound_trunk_id: made('outbound_trunk'),
    inbound_room_name: record.inbound_room_name,
    has_inbound_pin: record.inbound_pin !== null,
    created_at: record.created_at.toISOString(),
    updated_at: record.updated_at.toISOString(),
  };
  const { carrier_region, carrier_routing } = provisioning.parts;
  const warnings = [
    ...withoutEffectWarnings(record),
    ...(record.provider === 'sip' ? warningsOf(record) : [...conditionWarnings(record), ...regionWarnings(record)]),
    // What could not be restored when inbound calls were turned off.
    ...[carrier_region, carrier_routing].flatMap((part) =>
      part?.state === 'undone' && part.problem ? [part.problem.detail] : [],
    ),
  ];
  if (record.provider === 'twilio') {
    const { integration_id } = record;
    return { provider: 'twilio', ...ofEither, integration_id, ...(warnings.length > 0 && { warnings }) };
  }
  return {
    provider: 'sip',
    ...ofEither,
    sip_trunk_name: record.sip_trunk_name,
    sip_server_address: record.sip_server_address,
    sip_from_host: record.sip_from_host,
    sip_username: record.sip_username,
    has_sip_password: record.sip_password !== null,
    sip_uri: `sip:${phone_number}@${sip_host}`,
    media_encryption: record.media_encryption,
    sip_transport: record.sip_transport,
    allowed_addresses: record.allowed_addresses,
    inbound_authentication: authenticationOf(record),
    ...(warnings.length > 0 && { warnings }),
  };
};

/** The outcome of a release, with what could not be restored. */
export const describeRelease = ({ record, isDone }: Release): ReleasedPhoneNumber => {
  const { phone_number_id, phone_number, provider } = record;
  const parts = ['carrier_region', 'carrier_routing'] as const;
  const warnings = parts.flatMap((part) => notRestored(record, part)?.detail ?? []);
  return {
    phone_number_id,
    phone_number,
    provider,
    provisioning_state: isDone ? 'released' : 'releasing',
    ...(warnings.length > 0 && { warnings }),
  };
};

const warningsOf = (record: SipRecord): string[] => [
  ...inboundWarnings(record),
  ...outboundWarnings(record),
  ...ownTwilioTrunkWarnings(record),
];

const inboundWarnings = (record: SipRecord): string[] => {
  if (!record.supports_inbound) return [];
  const ofOpenList = openListWarnings(record);
  if (authenticationOf(record) === 'digest') return ofOpenList;
  if (isOpenToAll(record.allowed_addresses)) {
    return [
      ...ofOpenList,
      'Anyone who finds the sip_uri can call this number. Set allowed_addresses, or credentials with inbound_authentication digest.',
    ];
  }
  return record.sip_username === null ? [] : [byAddressAlone];
};

const outboundWarnings = ({ supports_outbound, sip_server_address }: SipRecord): string[] =>
  supports_outbound && sip_server_address !== null && reachOf(sip_server_address) !== 'public'
    ? [
        `Outbound calls go to ${sip_server_address}, which is not a public address: they arrive only if LiveKit is in the same network.`,
      ]
    : [];

const byAddressAlone =
  'sip_username and sip_password do not guard calls to this number: allowed_addresses alone does, and LiveKit also compares it with the address that a caller claims, so anyone who knows an entry can get in. If your carrier supports digest authentication, set inbound_authentication to digest: each call must then prove the credentials.';

/** Adds the provisioning: each step, what it made, and when. */
export const describePhoneNumberDetail = (
  record: PhoneNumberRecord,
  sip_host: string,
  former_routing: FormerRouting | null,
): PhoneNumberDetail => {
  const { provisioning } = record;
  const described = describePhoneNumber(record, sip_host);
  const { obstacle } = provisioning;
  const told = {
    state: described.provisioning_state,
    attempt: provisioning.attempt,
    next_check_at: provisioning.due_at?.toISOString() ?? null,
    ...(provisioning.problem && { problem: provisioning.problem }),
    ...(obstacle && { obstacle: { ...obstacle, since: obstacle.since.toISOString() } }),
    steps: [
      ...(record.provider === 'twilio' ? [describeCheck(record)] : []),
      ...parts.filter(({ when }) => when(record)).map(({ name }) => describePart(name, provisioning.parts[name])),
    ],
  };
  if (described.provider === 'sip') return { ...described, provisioning: told };
  const { former_voice_region: voice_region } = provisioning.known;
  const former = former_routing && { ...former_routing, ...(voice_region !== undefined && { voice_region }) };
  return { ...described, provisioning: { ...told, ...(former && { former_routing: former }) } };
};

const describePart = (name: StepName, part: PartRecord | undefined): Step => ({
  name,
  state: part?.state ?? 'pending',
  resource_id: part?.resource_id ?? null,
  at: part?.at.toISOString() ?? null,
  ...(part?.problem && { problem: part.problem }),
});

const describeCheck = ({ provisioning: { known, problem } }: PhoneNumberRecord): Step => {
  const resource_id = known.number_sid ?? known.caller_id_sid ?? null;
  return {
    name: 'verify_ownership',
    state: resource_id === null ? (problem ? 'failed' : 'pending') : 'done',
    resource_id,
    at: known.verified_at?.toISOString() ?? null,
  };
};
