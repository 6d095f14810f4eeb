import { importDefaults } from '@trunkline/contracts';
import type { PhoneNumberRecord } from './record.ts';

/** Warns of fields that do nothing because their direction was not asked for, and says what to send instead. */
export const withoutEffectWarnings = (record: PhoneNumberRecord): string[] => {
  const { supports_inbound, supports_outbound } = record;
  if (supports_inbound && supports_outbound) return [];
  if (!supports_inbound && !supports_outbound) return [NO_DIRECTION];
  const given = supports_inbound ? forOutbound(record) : forInbound(record);
  const missing = supports_inbound ? 'supports_outbound' : 'supports_inbound';
  const unused = Object.keys(given).filter((field) => given[field]);
  if (unused.length === 0) return [];
  const have = unused.length === 1 ? 'has' : 'have';
  return [`${unused.join(', ')} ${have} no effect until ${missing} is true.`];
};

const NO_DIRECTION =
  'Neither supports_inbound nor supports_outbound is true, so nothing is built and no call arrives or leaves. Set supports_inbound to true for calls to the number, supports_outbound for calls from it, or both.';

/** The fields that only inbound calls need, and whether each was given. */
const forInbound = (record: PhoneNumberRecord): Record<string, boolean> => ({
  inbound_room_name: record.inbound_room_name !== importDefaults.inbound_room_name,
  inbound_pin: record.inbound_pin !== null,
  agent_id: record.assigned_agent_id !== null,
  ...(record.provider === 'sip'
    ? {
        allowed_addresses: record.allowed_addresses.length > 0,
        inbound_authentication: record.inbound_authentication !== null,
      }
    : { replace_existing_routing: record.provisioning.imported_by.replace_existing_routing ?? false }),
});

/** The same for outbound calls. A Twilio number has no such fields. */
const forOutbound = (record: PhoneNumberRecord): Record<string, boolean> =>
  record.provider === 'sip'
    ? {
        sip_server_address: record.sip_server_address !== null,
        sip_from_host: record.sip_from_host !== null,
        sip_transport: record.sip_transport !== importDefaults.sip_transport,
      }
    : {};
