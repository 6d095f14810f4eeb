import { z } from 'zod';
import { ApiKey, CreateApiKey, CreatedApiKey, ListApiKeys, RevokeApiKey } from './api-key.ts';
import { AvailableNumber, ListAvailableNumbers } from './available-number.ts';
import { acted, one, page } from './envelope.ts';
import {
  apiKey,
  assignedNumber,
  availableNumber,
  integration,
  me,
  numberInDetail,
  onlyPage,
  sipNumber,
  twilioNumber,
} from './examples.ts';
import {
  CreateIntegration,
  DeletedIntegration,
  DeleteIntegration,
  Integration,
  ListIntegrations,
  NameIntegration,
  UpdateIntegration,
} from './integration.ts';
import { Me } from './me.ts';
import { mutation, query } from './operation.ts';
import {
  AssignPhoneNumber,
  ImportPhoneNumber,
  ListPhoneNumbers,
  NamePhoneNumber,
  PhoneNumber,
  PhoneNumberDetail,
  ReleasedPhoneNumber,
  ReleasePhoneNumber,
  UnassignPhoneNumber,
  UpdatePhoneNumber,
} from './phone-number.ts';
import { providerProblems } from './problem.ts';

/** Problems of every operation that changes something at a provider. */
const ofProviders = [...providerProblems, 'paused'] as const;

/** Problems of operations that build a number. After an earlier lost answer, they check all of it again. */
const ofProvisioning = [
  'integration_not_found',
  'provider_credentials_refused',
  'provider_refused',
  'phone_number_not_owned',
  'phone_number_without_voice',
  'number_routed_elsewhere',
  'number_answered_elsewhere',
  'livekit_clash',
  ...ofProviders,
] as const;

const phoneNumberActed = acted(PhoneNumber);
const apiKeyActed = acted(ApiKey);
const integrationActed = acted(Integration);

/** Every operation, each complete in one entry. To add one, add an entry here and a handler of the same name. */
export const api = {
  phoneNumbers: {
    import: mutation({
      summary: 'Import a phone number',
      description:
        'Checks that a Twilio number is yours, then builds what makes it ring at LiveKit: the carrier trunk, the ' +
        'inbound trunk, the dispatch rule and the outbound trunk. Whatever fails, nothing is left half made.',
      route: { method: 'POST', path: '/phone-numbers', status: 201, location: '/phone-numbers/{phone_number_id}' },
      permission: 'phone_numbers:create',
      problems: [
        'integration_of_another_organization',
        'phone_number_taken',
        'phone_number_busy',
        'quota_reached',
        ...ofProvisioning,
      ],
      input: ImportPhoneNumber,
      output: phoneNumberActed,
      answers: {
        'A Twilio number': {
          success: true,
          message: 'Phone number imported successfully with twilio',
          data: twilioNumber,
        },
        'A number behind a SIP trunk': {
          success: true,
          message: 'Phone number imported successfully with sip',
          data: sipNumber,
        },
      },
      examples: {
        'A Twilio number': {
          phone_number: '+15551234567',
          provider: 'twilio',
          supports_inbound: true,
          supports_outbound: true,
          integration_id: 'intg_a1b2c3d4e5f6',
        },
        'A number behind a SIP trunk': {
          phone_number: '+15559876543',
          provider: 'sip',
          supports_inbound: true,
          supports_outbound: true,
          sip_trunk_name: 'my-trunk',
          sip_server_address: 'sip.example.com',
          sip_username: 'user',
          sip_password: 'pass',
          media_encryption: 'require',
        },
      },
    }),
    list: query({
      summary: 'List phone numbers',
      description: 'The newest first; with `phone_number_prefix`, in the order of the numbers.',
      route: { method: 'GET', path: '/phone-numbers' },
      permission: 'phone_numbers:read',
      problems: [],
      input: ListPhoneNumbers,
      output: page(PhoneNumber),
      answers: {
        'Both kinds of numbers': { success: true, data: [sipNumber, twilioNumber], pagination: onlyPage },
      },
    }),
    get: query({
      summary: 'Get a phone number',
      description: 'Also tells how it was provisioned: each step, what it made at the provider, and when.',
      route: { method: 'GET', path: '/phone-numbers/{phone_number_id}' },
      permission: 'phone_numbers:read',
      problems: ['phone_number_not_found'],
      input: NamePhoneNumber,
      output: one(PhoneNumberDetail),
      answers: { 'A Twilio number': { success: true, data: numberInDetail } },
    }),
    update: mutation({
      summary: 'Update a phone number',
      description:
        'Changes the settings that the number was imported with. It is a merge patch (RFC 7396): a field that you leave ' +
        'out stays, and null sets it to what an import without it has. Trunks and rules are updated in place, so calls ' +
        'are answered throughout. With `supports_inbound` false, a Twilio number gets its former routing back; with true, ' +
        'its calls come to Trunkline again. A refused update leaves the number as it was.',
      route: { method: 'PATCH', path: '/phone-numbers/{phone_number_id}' },
      permission: 'phone_numbers:update',
      problems: ['phone_number_not_found', 'precondition_failed', 'phone_number_busy', ...ofProvisioning],
      input: UpdatePhoneNumber,
      output: phoneNumberActed,
      examples: {
        'A name and another room': {
          phone_number_id: twilioNumber.phone_number_id,
          label: 'Sales, Berlin',
          inbound_room_name: 'sales',
        },
        'Calls from everywhere, if they prove who they are': {
          phone_number_id: sipNumber.phone_number_id,
          allowed_addresses: null,
          inbound_authentication: 'digest',
        },
      },
      answers: {
        'A changed number': {
          success: true,
          message: 'Phone number updated',
          data: { ...twilioNumber, revision: 2, label: 'Sales, Berlin', inbound_room_name: 'sales' },
        },
      },
    }),
    assign: mutation({
      summary: 'Assign a phone number to an agent',
      description:
        "LiveKit then dispatches the agent of that name into each caller's room. Assigning it again changes nothing.",
      route: { method: 'POST', path: '/phone-numbers/{phone_number_id}/assign' },
      permission: 'phone_numbers:update',
      problems: [
        'phone_number_not_found',
        'precondition_failed',
        'phone_number_assigned',
        'phone_number_busy',
        'phone_number_degraded',
        ...ofProvisioning,
      ],
      input: AssignPhoneNumber,
      output: phoneNumberActed,
      examples: {
        'To a receptionist': { phone_number_id: assignedNumber.phone_number_id, agent_id: 'receptionist' },
      },
      answers: {
        'An assigned number': {
          success: true,
          message: 'Phone number assigned to receptionist',
          data: assignedNumber,
        },
      },
    }),
    unassign: mutation({
      summary: 'Unassign a phone number',
      description: 'Callers still reach a room of their own; no agent is dispatched into it.',
      route: { method: 'POST', path: '/phone-numbers/{phone_number_id}/unassign' },
      permission: 'phone_numbers:update',
      problems: [
        'phone_number_not_found',
        'precondition_failed',
        'phone_number_busy',
        'phone_number_degraded',
        ...ofProvisioning,
      ],
      input: UnassignPhoneNumber,
      output: phoneNumberActed,
      answers: { 'A free number': { success: true, message: 'Phone number unassigned', data: twilioNumber } },
    }),
    release: mutation({
      summary: 'Release a phone number',
      description:
        'A Twilio number gets the routing back that it had before the import; then its rule and trunks at LiveKit are ' +
        'removed. It can be imported again at once, by anyone. Answers 202 if something is removed already and a provider ' +
        'must be waited for: the rest continues in the background. A refusal before anything is removed leaves the ' +
        'number as it was.',
      route: {
        method: 'DELETE',
        path: '/phone-numbers/{phone_number_id}',
        goesOn: (data) => Reflect.get(Object(data), 'provisioning_state') === 'releasing',
      },
      permission: 'phone_numbers:delete',
      problems: [
        'phone_number_not_found',
        'precondition_failed',
        'phone_number_assigned',
        'phone_number_busy',
        'provider_credentials_refused',
        'provider_refused',
        ...ofProviders,
      ],
      input: ReleasePhoneNumber,
      output: acted(ReleasedPhoneNumber),
      answers: {
        'Nothing is left': {
          success: true,
          message: 'Phone number released',
          data: {
            phone_number_id: twilioNumber.phone_number_id,
            phone_number: twilioNumber.phone_number,
            provider: 'twilio',
            provisioning_state: 'released',
          },
        },
        'The rest continues in the background': {
          success: true,
          message: 'Phone number is being released',
          data: {
            phone_number_id: twilioNumber.phone_number_id,
            phone_number: twilioNumber.phone_number,
            provider: 'twilio',
            provisioning_state: 'releasing',
          },
        },
      },
    }),
  },
  integrations: {
    create: mutation({
      summary: 'Integrate a Twilio account',
      description:
        'The credentials are tried at Twilio first: they must be able to list the phone numbers, SIP trunks and SIP credential lists of the account. They are then stored encrypted, and never shown.',
      route: { method: 'POST', path: '/integrations', status: 201, location: '/integrations/{integration_id}' },
      permission: 'integrations:create',
      // integration_not_found: a repeated request whose integration was deleted.
      problems: [
        'integration_already_exists',
        'integration_not_found',
        'quota_reached',
        'provider_credentials_refused',
        'provider_refused',
        ...ofProviders,
      ],
      input: CreateIntegration,
      output: integrationActed,
      answers: {
        'A Twilio account': { success: true, message: 'Twilio account integrated', data: integration },
      },
      examples: {
        'By auth token': {
          name: 'Our Twilio account',
          credentials: { provider: 'twilio', account_sid: `AC${'0'.repeat(32)}`, auth_token: 'your-auth-token' },
        },
        'By API key': {
          name: 'Our Twilio account',
          credentials: {
            provider: 'twilio',
            account_sid: `AC${'0'.repeat(32)}`,
            api_key_sid: `SK${'0'.repeat(32)}`,
            api_key_secret: 'your-api-key-secret',
            region: 'ie1',
            routing_credentials: { api_key_sid: `SK${'1'.repeat(32)}`, api_key_secret: 'your-api-key-secret-of-us1' },
          },
        },
        'With call transfers': {
          name: 'Our Twilio account',
          credentials: { provider: 'twilio', account_sid: `AC${'0'.repeat(32)}`, auth_token: 'your-auth-token' },
          call_transfers: 'all',
        },
      },
    }),
    list: query({
      summary: 'List integrations',
      description: 'The Twilio accounts of your organization, the newest first.',
      route: { method: 'GET', path: '/integrations' },
      permission: 'integrations:read',
      problems: [],
      input: ListIntegrations,
      output: page(Integration),
      answers: { 'One account': { success: true, data: [integration], pagination: onlyPage } },
    }),
    get: query({
      summary: 'Get an integration',
      description: 'Also tells what Twilio last said of its credentials.',
      route: { method: 'GET', path: '/integrations/{integration_id}' },
      permission: 'integrations:read',
      problems: ['integration_not_found'],
      input: NameIntegration,
      output: one(Integration),
      answers: { 'A Twilio account': { success: true, data: integration } },
    }),
    update: mutation({
      summary: 'Update an integration',
      description:
        'A field that you leave out stays. New credentials are tried at Twilio and must reach every imported number, or ' +
        'the old ones stay in force. Revoke the old ones once `PROVIDER_TIMEOUT_SECONDS` (10 by default) have passed ' +
        'since the answer: no call begins with them after that. `call_transfers` is changed at Twilio first. ' +
        '`rotate_trunk_password` continues in the background, and `trunk_password_rotation` tells how far it is.',
      route: { method: 'PUT', path: '/integrations/{integration_id}' },
      permission: 'integrations:update',
      problems: [
        'integration_not_found',
        'precondition_failed',
        'provider_credentials_refused',
        'provider_refused',
        'phone_number_not_owned',
        'rotation_under_way',
        ...ofProviders,
      ],
      input: UpdateIntegration,
      output: integrationActed,
      examples: {
        'Another name': { integration_id: integration.integration_id, name: 'Twilio, Europe' },
        'An API key in place of the auth token': {
          integration_id: integration.integration_id,
          credentials: {
            provider: 'twilio',
            account_sid: integration.account_sid,
            api_key_sid: `SK${'0'.repeat(32)}`,
            api_key_secret: 'your-api-key-secret',
          },
        },
        'Call transfers': { integration_id: integration.integration_id, call_transfers: 'all' },
        'Another password of the trunk': { integration_id: integration.integration_id, rotate_trunk_password: true },
      },
      answers: {
        'A changed integration': {
          success: true,
          message: 'Integration updated',
          data: { ...integration, revision: 2, name: 'Twilio, Europe' },
        },
      },
    }),
    delete: mutation({
      summary: 'Delete an integration',
      description:
        'Removes its trunk, credential list and origination URL at Twilio, and deletes its credentials. Refused while a ' +
        'number uses it. Answers 202 if Twilio must be waited for: the rest continues in the background. Afterwards the ' +
        'account can be integrated again.',
      route: {
        method: 'DELETE',
        path: '/integrations/{integration_id}',
        goesOn: (data) => Reflect.get(Object(data), 'state') === 'deleting',
      },
      permission: 'integrations:delete',
      problems: [
        'integration_not_found',
        'precondition_failed',
        'integration_in_use',
        'provider_credentials_refused',
        'provider_refused',
        ...ofProviders,
      ],
      input: DeleteIntegration,
      output: acted(DeletedIntegration),
      answers: {
        'Nothing is left': {
          success: true,
          message: 'Integration deleted',
          data: {
            integration_id: integration.integration_id,
            name: integration.name,
            account_sid: integration.account_sid,
            state: 'deleted',
          },
        },
        'The rest continues in the background': {
          success: true,
          message: 'Integration is being deleted',
          data: {
            integration_id: integration.integration_id,
            name: integration.name,
            account_sid: integration.account_sid,
            state: 'deleting',
          },
        },
      },
    }),
    availableNumbers: query({
      summary: 'List the numbers of an account',
      description:
        "The account's voice numbers as Twilio has them now, each with what takes its calls today and whether an import " +
        'would succeed. Numbers that take no voice calls are left out, so a page may be shorter than `page_size` although ' +
        'more follow. Verified caller IDs are not listed: the account does not own them. A page costs one call to Twilio ' +
        'and one to LiveKit, and with `include=region` one more to Twilio for each number.',
      route: { method: 'GET', path: '/integrations/{integration_id}/available-numbers' },
      permission: 'integrations:read',
      problems: ['integration_not_found', 'provider_credentials_refused', 'provider_refused', ...providerProblems],
      input: ListAvailableNumbers,
      output: page(AvailableNumber),
      answers: {
        'One that can be imported, and one that is': {
          success: true,
          data: [
            availableNumber,
            {
              ...availableNumber,
              phone_number: '+15551234568',
              label: 'Support',
              routing: {
                ...availableNumber.routing,
                target: 'trunk',
                trunk_sid: `TK${'2'.repeat(32)}`,
                trunk_owner: 'integration',
              },
              phone_number_id: 'phon_0f1e2d3c4b5a',
              import_problem: 'phone_number_taken',
            },
          ],
          pagination: onlyPage,
        },
      },
    }),
  },
  apiKeys: {
    create: mutation({
      summary: 'Create an API key',
      description:
        'The raw key is shown only this once. No key can make one with a higher role, or one that ends later than itself.',
      route: { method: 'POST', path: '/api-keys', status: 201 },
      permission: 'api_keys:create',
      problems: ['quota_reached', 'answer_not_kept'],
      answersSecret: true,
      input: CreateApiKey,
      output: acted(CreatedApiKey),
      examples: { 'A key that only reads': { name: 'Support desk', role: 'user' } },
      answers: {
        'The only time that the key is shown': {
          success: true,
          message: 'API key created. The raw key is shown only this once: store it now.',
          data: { raw_key: 'tl_live_Jp3vXk9QmZr2LdTn8wYc5BhFs1UeGo4A000000', key: apiKey },
        },
      },
    }),
    list: query({
      summary: 'List API keys',
      description:
        'The newest first, with those that were revoked or have expired. The keys themselves are never shown.',
      route: { method: 'GET', path: '/api-keys' },
      permission: 'api_keys:read',
      problems: [],
      input: ListApiKeys,
      output: page(ApiKey),
      answers: { 'One key': { success: true, data: [apiKey], pagination: onlyPage } },
    }),
    revoke: mutation({
      summary: 'Revoke an API key',
      description:
        'From the answer on, the key can change nothing, and within 5 seconds every replica refuses it for reading, too. ' +
        'The last admin key of an organization cannot be revoked.',
      route: { method: 'DELETE', path: '/api-keys/{key_id}' },
      permission: 'api_keys:delete',
      problems: ['api_key_not_found', 'last_admin_key'],
      input: RevokeApiKey,
      output: apiKeyActed,
      answers: {
        'A revoked key': { success: true, message: 'API key revoked', data: { ...apiKey, status: 'revoked' } },
      },
    }),
  },
  me: query({
    summary: 'Who am I',
    description:
      'The organization, role and permissions of the key. The one operation that needs no X-Organization-Id.',
    route: { method: 'GET', path: '/me' },
    permission: 'any key',
    problems: [],
    input: z.strictObject({}).prefault({}),
    output: one(Me),
    answers: { 'A key that only reads': { success: true, data: me } },
  }),
};
