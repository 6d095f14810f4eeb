import type { Caller, ParsedImportPhoneNumber, PhoneNumberId } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import type { Secrets } from '../database/secrets.ts';
import type { PhoneNumberRecord } from './record.ts';
import { type SecretField, sealSetting } from './secret-settings.ts';

/** The record of an import that has not begun. Its secrets can be decrypted only in this record. */
export const createNewRecord =
  ({ secrets, clock }: { secrets: Secrets; clock: Clock }) =>
  async (
    caller: Caller,
    input: ParsedImportPhoneNumber,
    phone_number_id: PhoneNumberId,
  ): Promise<PhoneNumberRecord> => {
    const seal = (field: SecretField, secret: string | undefined) =>
      sealSetting(secrets, phone_number_id, field, secret);
    const { phone_number, supports_inbound, supports_outbound, inbound_room_name, agent_id } = input;
    const { key_id, request_id } = caller;
    const now = new Date(clock.now());
    const isReplacing = input.provider === 'twilio' && input.replace_existing_routing;
    const replaces = isReplacing ? { replace_existing_routing: true as const } : {};
    const ofEither = {
      phone_number_id,
      organization_id: caller.organization_id,
      queue: input.provider === 'twilio' ? input.integration_id : caller.organization_id,
      phone_number,
      holds: phone_number,
      revision: 1,
      status: agent_id === undefined ? 'free' : 'assigned',
      assigned_agent_id: agent_id ?? null,
      agent_metadata: null,
      supports_inbound,
      supports_outbound,
      inbound_room_name,
      inbound_pin: await seal('inbound_pin', input.inbound_pin),
      inbound_pin_version: null,
      label: null,
      description: null,
      provisioning_state: 'importing',
      provisioning: {
        attempt: 1,
        uncertain_until: null,
        lease_token: null,
        problem: null,
        parts: {},
        imported_by: { key_id, request_id, stored_request: caller.stored_request ?? null, ...replaces },
        change: {
          kind: 'import',
          wanted: {},
          actor: { key_id },
          request_id,
          ...replaces,
          at: now,
        },
        obstacle: null,
        outcome: null,
        known: { number_sid: null, verified_at: null },
      },
      created_at: now,
      updated_at: now,
    } as const;

    if (input.provider === 'twilio') {
      const { provider, integration_id } = input;
      return { ...ofEither, provider, integration_id, former_routing: null };
    }
    return {
      ...ofEither,
      provider: input.provider,
      sip_trunk_name: input.sip_trunk_name ?? phone_number,
      sip_username: input.sip_username ?? null,
      sip_password: await seal('sip_password', input.sip_password),
      sip_password_version: null,
      sip_server_address: input.sip_server_address ?? null,
      sip_from_host: input.sip_from_host ?? null,
      media_encryption: input.media_encryption,
      sip_transport: input.sip_transport,
      allowed_addresses: input.allowed_addresses ?? [],
      inbound_authentication: input.inbound_authentication ?? null,
    };
  };
