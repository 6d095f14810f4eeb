import { assignedNumber, integration, sipNumber, twilioNumber } from '../examples.ts';
import { Problem, type ProblemCode, type ProblemMembers } from '../problem.ts';

const { phone_number, phone_number_id } = twilioNumber;
const { integration_id, account_sid } = integration;

/** A sentence of each problem as callers read it, for the document of the API. A test finds each in the service. */
const sentences: Record<ProblemCode, string | [detail: string, members: ProblemMembers]> = {
  invalid_request: [
    'Fix these fields and try again: phone_number must be in E.164: a plus, the country code and the number, 8 to 15 digits, as in +15551234567.',
    {
      issues: [
        {
          path: 'phone_number',
          message: 'must be in E.164: a plus, the country code and the number, 8 to 15 digits, as in +15551234567',
        },
      ],
      issue_count: 1,
    },
  ],
  organization_required: 'Send the id of your organization in the X-Organization-Id header. GET /api/me tells it.',
  phone_number_not_owned: `The Twilio account ${account_sid} does not own ${phone_number}. Import it with the integration of the account that does.`,
  phone_number_without_voice: `${phone_number} has no voice capability at Twilio. Import a number that has.`,
  provider_credentials_refused: `Twilio refuses the credentials of the account ${account_sid}, or the account is suspended. Check both in Twilio's console.`,
  provider_refused: [
    "Twilio refuses to route the phone number: Phone Number requires an Address. Give the number what its country asks for, as a bundle or an address, in Twilio's console under Phone Numbers, Regulatory Compliance.",
    {
      provider: {
        name: 'twilio',
        status: 400,
        code: '21631',
        message: 'Phone Number requires an Address',
        request_id: `RQ${'4'.repeat(32)}`,
        more_info: 'https://www.twilio.com/docs/errors/21631',
      },
    },
  ],
  paused: [
    'Whoever runs this service has paused it: numbers are looked up, and not changed. Try again later.',
    { retry_after_seconds: 60 },
  ],
  phone_number_degraded: `${phone_number} cannot be changed as long as something is in its way: ${phone_number} was no longer on Trunkline's trunk, and not routed as before the import. It was left as it is: check its routing in Twilio's console.`,
  unauthenticated: 'The API key is not known, or was revoked, or has expired. Use another.',
  organization_mismatch:
    'The API key belongs to another organization than the X-Organization-Id header names. GET /api/me tells which.',
  permission_denied:
    'This needs the permission phone_numbers:create, which the role user does not have. Use a key of another role.',
  integration_of_another_organization: `${integration_id} belongs to another organization. Use one of your own.`,
  route_not_found: 'No route matches this request. See /docs.',
  phone_number_not_found: `There is no phone number ${phone_number_id} in your organization. GET /api/phone-numbers lists those that there are.`,
  integration_not_found: `There is no integration ${integration_id} in your organization. GET /api/integrations lists those that there are.`,
  api_key_not_found: 'There is no API key key_a1b2c3d4e5f6 in your organization.',
  method_not_allowed: 'This route takes GET, POST.',
  phone_number_taken: [
    `${phone_number} is imported already, as ${phone_number_id}.`,
    { phone_number_id, provisioning_state: 'active' },
  ],
  phone_number_assigned: `${phone_number} is assigned to the agent ${assignedNumber.assigned_agent_id}. Unassign it first.`,
  phone_number_busy: [
    `${phone_number_id} is being changed by another request. Try again in a few seconds.`,
    { retry_after_seconds: 5 },
  ],
  number_routed_elsewhere: `At Twilio ${phone_number} is routed to the trunk TK${'3'.repeat(32)}, which is not Trunkline's. Take it off there, or send replace_existing_routing: true: how it is routed now is then kept in the record.`,
  number_answered_elsewhere: [
    `LiveKit has an inbound trunk for ${sipNumber.phone_number} that Trunkline did not make, ST_2pWk8vYh5RcB. Remove it there, then import again.`,
    { trunk_id: 'ST_2pWk8vYh5RcB' },
  ],
  integration_already_exists: `Your organization has an integration of the account ${account_sid}. Use that one: GET /api/integrations lists it.`,
  idempotency_key_in_use: [
    'The first request with this Idempotency-Key is still under way. Try again when it has been answered.',
    { retry_after_seconds: 1 },
  ],
  answer_not_kept:
    'This request was carried out, and its answer held a secret that is shown only once. If you did not get it, revoke what was made and create another with a new Idempotency-Key.',
  quota_reached: [
    'Your organization has 10000 phone numbers, as many as it may. Ask whoever runs this service to raise MAX_PHONE_NUMBERS.',
    { quota: 'phone_numbers', limit: 10_000 },
  ],
  last_admin_key:
    'key_a1b2c3d4e5f6 is the last admin key of your organization. Create another first, then revoke this one with it.',
  body_too_large: 'The body is over the limit of 100 KiB. Send less.',
  unsupported_media_type: 'Send the body as JSON, with the header Content-Type: application/json.',
  idempotency_key_reused:
    'This Idempotency-Key was already used for a different request. Use a new key for each request.',
  rate_limited: [
    'A key may make 50 calls a second, each call of a batch counted. Slow down, and try again.',
    { retry_after_seconds: 1 },
  ],
  internal: 'This is our fault. Try again; if it stays, report the request_id.',
  provider_error:
    'Twilio answered 400 (21210) to routeToTrunk. Nothing is left half done. Ask whoever runs this service to look at its log.',
  provider_unavailable: [
    'LiveKit cannot be reached for createInboundTrunk. Nothing is left half done. Try again in a minute.',
    { retry_after_seconds: 30 },
  ],
  service_unavailable: [
    'The database does not answer. What you asked for may have been done or not: look it up, or send it again with its Idempotency-Key.',
    { retry_after_seconds: 5 },
  ],
  provider_timeout: [
    'LiveKit did not answer createOutboundTrunk in time. Nothing is left half done. Try again in a minute.',
    { retry_after_seconds: 30 },
  ],
};

export const exampleOf = (code: ProblemCode): Problem => {
  const [detail, members] = [sentences[code]].flat() as [string, ProblemMembers?];
  return new Problem(code, detail, members);
};
