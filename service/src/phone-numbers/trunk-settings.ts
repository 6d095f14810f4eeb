import type { Content } from '../provisioning/index.ts';
import { authenticationOf } from './allowed-addresses.ts';
import { carrierOf, type Job, knownOf } from './job.ts';
import type { DispatchRuleContent, InboundTrunkSettings, MediaEncryption, OutboundTrunkSettings } from './providers.ts';
import type { PhoneNumberRecord, SipRecord } from './record.ts';

/** Secure Trunking refuses calls without SRTP, and plain trunking those with it (Twilio errors 32207 and 32208). */
const twilioEncryption = (job: Job): MediaEncryption => (carrierOf(job).secure() ? 'require' : 'disable');

export const inboundTrunkOf = async (job: Job): Promise<InboundTrunkSettings> => {
  const { record, settings } = job;
  const common = { phone_number: record.phone_number, mark: markOf(job) };
  if (record.provider === 'twilio') {
    return {
      ...common,
      name: `${record.phone_number}-in`,
      // Twilio's trunks cannot answer a digest challenge, so callers are identified by address.
      // https://docs.livekit.io/telephony/accepting-calls/inbound-trunk
      username: null,
      password: null,
      allowed_addresses: settings.twilio_signalling_addresses,
      media_encryption: twilioEncryption(job),
    };
  }
  const digest = authenticationOf(record) === 'digest';
  return {
    ...common,
    name: `${record.sip_trunk_name}-in`,
    username: digest ? record.sip_username : null,
    password: digest ? await job.open('sip_password') : null,
    allowed_addresses: record.allowed_addresses,
    media_encryption: record.media_encryption,
  };
};

export const outboundTrunkOf = async (job: Job): Promise<OutboundTrunkSettings> => {
  const { record } = job;
  const common = { phone_number: record.phone_number, mark: markOf(job) };
  if (record.provider === 'twilio') {
    const { secure, trunk } = carrierOf(job);
    const { address, username, password } = await trunk();
    return {
      ...common,
      name: `${record.phone_number}-out`,
      address,
      from_host: null,
      username,
      password,
      transport: secure() ? 'tls' : 'tcp',
      media_encryption: twilioEncryption(job),
    };
  }
  return {
    ...common,
    name: `${record.sip_trunk_name}-out`,
    address: record.sip_server_address ?? '',
    from_host: record.sip_from_host,
    username: record.sip_username,
    password: await job.open('sip_password'),
    transport: record.sip_transport,
    media_encryption: record.media_encryption,
  };
};

export const dispatchRuleOf = async (job: Job, inbound_trunk_id: string): Promise<DispatchRuleContent> => ({
  name: job.record.phone_number,
  inbound_trunk_id,
  room_prefix: roomPrefixOf(job.record),
  pin: await job.open('inbound_pin'),
  agent_id: job.record.assigned_agent_id,
  agent_metadata: job.record.agent_metadata,
  mark: markOf(job),
});

/** As it was given: LiveKit itself joins prefix, caller and random part with `_`, even if the prefix ends in one. */
const roomPrefixOf = ({ inbound_room_name }: Pick<PhoneNumberRecord, 'inbound_room_name'>): string => inbound_room_name;

const markOf = ({ installation_id, record: { phone_number_id } }: Job) => ({ installation_id, phone_number_id });

/** What the parts at LiveKit hold. For a secret: whether there is one, and its version. */
export const inboundContentOf = (job: Job): Content => {
  const { record, settings } = job;
  if (record.provider === 'twilio')
    return { allowed_addresses: settings.twilio_signalling_addresses, media_encryption: twilioEncryption(job) };
  return {
    name: `${record.sip_trunk_name}-in`,
    allowed_addresses: record.allowed_addresses,
    media_encryption: record.media_encryption,
    inbound_authentication: authenticationOf(record),
    ...credentialsIn(record),
  };
};

export const outboundContentOf = (job: Job): Content => {
  const { record } = job;
  if (record.provider === 'twilio') {
    const { address, rotatedUsername } = carrierOf(job);
    const username = rotatedUsername();
    return { address: address(), media_encryption: twilioEncryption(job), ...(username !== undefined && { username }) };
  }
  // If we never set a From host, one that somebody set at LiveKit stays, even if everything is sent again after a doubt.
  const { change, has_changed_from_host } = record.provisioning;
  const isFromHostOurs =
    record.sip_from_host !== null || has_changed_from_host || change?.wanted?.sip_from_host !== undefined;
  return {
    name: `${record.sip_trunk_name}-out`,
    address: record.sip_server_address,
    ...(isFromHostOurs && { from_host: record.sip_from_host }),
    transport: record.sip_transport,
    media_encryption: record.media_encryption,
    ...credentialsIn(record),
  };
};

const credentialsIn = ({ sip_username, sip_password, sip_password_version }: SipRecord) => ({
  username: sip_username,
  has_password: sip_password !== null,
  password_version: sip_password_version,
});

export const ruleContentOf = (job: Job): Content => ({
  inbound_trunk_id: knownOf(job, 'inbound_trunk') ?? null,
  room_prefix: roomPrefixOf(job.record),
  has_pin: job.record.inbound_pin !== null,
  pin_version: job.record.inbound_pin_version,
  agent_id: job.record.assigned_agent_id,
  agent_metadata: job.record.assigned_agent_id === null ? null : job.record.agent_metadata,
});
