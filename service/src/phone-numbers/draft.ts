import type { Caller, ParsedImportPhoneNumber, PhoneNumberId } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import type { Secrets } from '../database/secrets.ts';
import type { PhoneNumberRecord } from './record.ts';

/** The record of an import that has not begun. Its secrets are sealed for it alone. */
export const createDraft =
  ({ secrets, clock }: { secrets: Secrets; clock: Clock }) =>
  async (
    caller: Caller,
    input: ParsedImportPhoneNumber,
    phone_number_id: PhoneNumberId,
  ): Promise<PhoneNumberRecord> => {
    const seal = async (field: 'inbound_pin' | 'sip_password', secret: string | undefined) =>
      secret === undefined ? null : secrets.seal(secret, `phone_numbers/${phone_number_id}/${field}`);
    const { phone_number, supports_inbound, supports_outbound, inbound_room_name, agent_id } = input;
    const now = new Date(clock.now());
    const ofEither = {
      phone_number_id,
      organization_id: caller.organization_id,
      phone_number,
      status: agent_id === undefined ? 'free' : 'assigned',
      assigned_agent_id: agent_id ?? null,
      supports_inbound,
      supports_outbound,
      inbound_room_name,
      inbound_pin: await seal('inbound_pin', input.inbound_pin),
      provisioning_state: 'importing',
      provisioning: {
        attempt: 1,
        doubtful_until: null,
        lease_token: null,
        problem: null,
        steps: {},
        imported_by: {
          key_id: caller.key_id,
          request_id: caller.request_id,
          stored_request: caller.stored_request ?? null,
        },
        failure: null,
        releasing: null,
        assigning: null,
      },
      created_at: now,
      updated_at: now,
    } as const;

    if (input.provider === 'twilio') {
      const { provider, integration_id, replace_existing_routing } = input;
      return { ...ofEither, provider, integration_id, replace_existing_routing, former_routing: null };
    }
    return {
      ...ofEither,
      provider: input.provider,
      sip_trunk_name: input.sip_trunk_name ?? phone_number,
      sip_username: input.sip_username ?? null,
      sip_password: await seal('sip_password', input.sip_password),
      sip_server_address: input.sip_server_address ?? null,
      media_encryption: input.media_encryption,
      sip_transport: input.sip_transport,
      allowed_addresses: input.allowed_addresses ?? [],
      inbound_authentication: authenticationOf(input),
    };
  };

/** Many carriers cannot answer a digest challenge: it is asked for only where nothing else tells who calls. */
const authenticationOf = (input: Extract<ParsedImportPhoneNumber, { provider: 'sip' }>): 'digest' | 'none' =>
  input.inbound_authentication ??
  (input.allowed_addresses === undefined && input.sip_username !== undefined ? 'digest' : 'none');
