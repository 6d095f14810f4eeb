import { E164 } from '../e164.ts';
import { assignedNumber, integration, sipNumber, twilioNumber } from '../examples.ts';
import { Problem, type ProblemCode, type ProblemMembers } from '../problem.ts';

const { phone_number, phone_number_id } = twilioNumber;
const { integration_id, account_sid } = integration;

const [{ message: notE164 } = { message: '' }] = E164.safeParse('555-1234').error?.issues ?? [];

/** A real `detail` of each problem, for the API's document. A test finds each in the service. */
const sentences: Record<ProblemCode, string | [detail: string, members: ProblemMembers]> = {
  invalid_request: [
    `Fix these fields and try again: phone_number ${notE164}.`,
    {
      issues: [{ path: 'phone_number', message: notE164 }],
      issue_count: 1,
    },
  ],
  organization_required: 'Send the id of your organization in the X-Organization-Id header. GET /api/me returns it.',
  phone_number_not_owned: `The Twilio account ${account_sid} does not own ${phone_number}. Import it with the integration of the account that does.`,
  phone_number_without_voice: `${phone_number} has no voice capability at Twilio. Import a number that has one.`,
  provider_credentials_refused: `Twilio rejected the credentials of the account ${account_sid} in the Region us1, or the account is suspended. Check both in the Twilio console: each Region has credentials of its own.`,
  provider_refused: [
    'Twilio refused to update the phone number. Twilio says: "Phone Number requires an Address". Complete the number\'s regulatory bundle or address in the Twilio console, under Phone Numbers, Regulatory Compliance.',
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
    'The operator has paused this service: numbers and integrations can be read, but not changed. Try again later.',
    { retry_after_seconds: 60 },
  ],
  phone_number_degraded: `${phone_number} cannot be changed until this is fixed: ${phone_number} was no longer on Trunkline's trunk, and is not routed as it was before the import. It was left unchanged: check its routing in the Twilio console.`,
  unauthenticated: 'The API key is unknown, revoked or expired. Use another one.',
  organization_mismatch:
    'The API key belongs to another organization than the one in the X-Organization-Id header. GET /api/me returns the right one.',
  permission_denied:
    'This needs the permission phone_numbers:create, which the role user does not have. Use a key with another role.',
  integration_of_another_organization: `${integration_id} belongs to another organization. Use one of your own.`,
  route_not_found: 'No route matches this request. See /docs.',
  phone_number_not_found: `Your organization has no phone number ${phone_number_id}. GET /api/phone-numbers lists those it has.`,
  integration_not_found: `Your organization has no integration ${integration_id}. GET /api/integrations lists those it has.`,
  api_key_not_found: 'Your organization has no API key key_a1b2c3d4e5f6. GET /api/api-keys lists those it has.',
  method_not_allowed: 'This route accepts only GET, POST. Use one of these methods.',
  phone_number_taken: [
    `${phone_number} is already imported, as ${phone_number_id}. Use that one, or release it first.`,
    { phone_number_id, provisioning_state: 'active' },
  ],
  phone_number_assigned: `${phone_number} is assigned to the agent ${assignedNumber.assigned_agent_id}. Unassign it first.`,
  phone_number_busy: [
    `${phone_number_id} is being changed by another request. Try again in a few seconds.`,
    { retry_after_seconds: 5 },
  ],
  number_routed_elsewhere: `Twilio routes ${phone_number} to the trunk TK${'3'.repeat(32)}, which is not Trunkline's. Remove that routing, or send replace_existing_routing: true: a release then restores it.`,
  number_answered_elsewhere: [
    `LiveKit's inbound trunk ST_2pWk8vYh5RcB, which Trunkline did not make, has ${sipNumber.phone_number}. Take ${sipNumber.phone_number} off that trunk, but leave its other numbers there, then try again.`,
    { trunk_id: 'ST_2pWk8vYh5RcB' },
  ],
  livekit_clash:
    'LiveKit refuses every new inbound trunk while ST_2pWk8vYh5RcB and ST_7hQm3xTd9LzK clash: both take calls to all numbers from the same callers. Trunkline made neither. Give one of them its own numbers or callers (allowed_numbers), or delete it, then try again.',
  integration_in_use: [
    `${integration_id} is in use by 1 phone number: ${phone_number}. Release what uses it, then delete it.`,
    { phone_numbers: [{ phone_number_id, phone_number }], phone_number_count: 1 },
  ],
  rotation_under_way: [
    `The trunk password of ${integration_id} has been rotating since ${integration.updated_at}, with 1 phone number still to change over: ${phone_number}. Retry when trunk_password_rotation is null.`,
    { phone_numbers: [{ phone_number_id, phone_number }], phone_number_count: 1, retry_after_seconds: 60 },
  ],
  integration_already_exists: `Your organization already has an integration for the account ${account_sid} in the Region us1. Use it: GET /api/integrations lists it.`,
  idempotency_key_in_use: [
    'The first request with this Idempotency-Key is still in progress. Try again once it has finished.',
    { retry_after_seconds: 1 },
  ],
  answer_not_kept:
    'The request succeeded, and its response contained a secret that is shown only once. If you did not receive it, revoke the key and create another with a new Idempotency-Key.',
  quota_reached: [
    'Your organization has reached its limit of 10000 phone numbers. Ask the operator of this service to raise MAX_PHONE_NUMBERS.',
    { quota: 'phone_numbers', limit: 10_000 },
  ],
  last_admin_key:
    'key_a1b2c3d4e5f6 is the last admin key of your organization. Create another admin key first, and use it to revoke this one.',
  precondition_failed: `${phone_number_id} is at revision 4: it was changed after you read it. Read it again, then decide whether to retry.`,
  body_too_large: 'The body is larger than the limit of 100 KiB. Send less.',
  unsupported_media_type: 'Send the body as JSON, with the header Content-Type: application/json.',
  idempotency_key_reused:
    'This Idempotency-Key was already used for a different request. Use a new key for each request.',
  rate_limited: [
    'An API key may make 50 calls per second; every call in a batch counts. Slow down and try again.',
    { retry_after_seconds: 1 },
  ],
  internal: 'Something went wrong on our side. Try again, and if it keeps failing, report the request_id.',
  provider_error:
    'Twilio answered 400 (21210) when asked to update the phone number. Everything created for this request is rolled back. Ask the operator of this service to check its log.',
  provider_unavailable: [
    'LiveKit could not be reached to create an inbound trunk. Everything created for this request is rolled back. Try again in a minute.',
    { retry_after_seconds: 30 },
  ],
  service_unavailable: [
    'The database is not responding. The request may or may not have been applied. Check its result, or retry with the same Idempotency-Key.',
    { retry_after_seconds: 5 },
  ],
  provider_timeout: [
    'LiveKit did not answer in time when asked to create an outbound trunk. Everything created for this request is rolled back. Try again in a minute.',
    { retry_after_seconds: 30 },
  ],
};

export const exampleOf = (code: ProblemCode): Problem => {
  const [detail, members] = [sentences[code]].flat() as [string, ProblemMembers?];
  return new Problem(code, detail, members);
};
