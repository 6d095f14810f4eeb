/** A fault in what the caller sent. `path`: the field, with dots; empty for the whole request. */
export interface Issue {
  path: string;
  message: string;
}

/**
 * Every problem that a caller may get: its stable code, HTTP status and title. A code has the same status over REST and
 * tRPC.
 */
export const problems = {
  invalid_request: [400, 'The request is invalid'],
  organization_required: [400, 'The organization is missing'],
  phone_number_not_owned: [400, 'The account does not own this phone number'],
  phone_number_without_voice: [400, 'The phone number takes no voice calls'],
  provider_credentials_refused: [400, 'The provider rejected the credentials'],
  provider_refused: [400, 'The provider refused the request'],
  unauthenticated: [401, 'The API key is missing or invalid'],
  organization_mismatch: [403, 'The API key belongs to another organization'],
  permission_denied: [403, 'Permission denied'],
  integration_of_another_organization: [403, 'The integration belongs to another organization'],
  route_not_found: [404, 'Route not found'],
  phone_number_not_found: [404, 'Phone number not found'],
  integration_not_found: [404, 'Integration not found'],
  api_key_not_found: [404, 'API key not found'],
  method_not_allowed: [405, 'Method not allowed'],
  phone_number_taken: [409, 'The phone number is already imported'],
  phone_number_assigned: [409, 'The phone number is assigned to an agent'],
  phone_number_busy: [409, 'The phone number is being changed'],
  paused: [503, 'Trunkline is paused'],
  phone_number_degraded: [409, 'The phone number is degraded'],
  number_routed_elsewhere: [409, 'The phone number is routed elsewhere'],
  number_answered_elsewhere: [409, 'The phone number is answered elsewhere'],
  livekit_clash: [409, 'Two trunks or dispatch rules at LiveKit clash'],
  integration_in_use: [409, 'The integration is in use'],
  rotation_under_way: [409, 'A password rotation is in progress'],
  integration_already_exists: [409, 'The account is already integrated'],
  idempotency_key_in_use: [409, 'The idempotency key is in use'],
  answer_not_kept: [409, 'The first response is not repeated'],
  quota_reached: [409, 'The quota is reached'],
  last_admin_key: [409, 'The organization needs an admin key'],
  precondition_failed: [412, 'The revision does not match'],
  body_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The content type is not supported'],
  idempotency_key_reused: [422, 'The idempotency key was already used'],
  rate_limited: [429, 'Too many requests'],
  internal: [500, 'Something went wrong on our side'],
  provider_error: [502, 'Unexpected response from the provider'],
  provider_unavailable: [503, 'The provider is unavailable'],
  service_unavailable: [503, 'The service is unavailable'],
  provider_timeout: [504, 'The provider did not answer in time'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof problems;
export const problemCodes = Object.keys(problems) as [ProblemCode, ...ProblemCode[]];

/** The problems that any call may get, besides those that its operation lists. */
export const commonProblems = [
  'invalid_request',
  'unauthenticated',
  'organization_required',
  'organization_mismatch',
  'permission_denied',
  'rate_limited',
  'internal',
  'service_unavailable',
] as const satisfies readonly ProblemCode[];

/** What a provider answered, in its own words, with secrets removed. */
export interface ProviderAnswer {
  name: 'twilio' | 'livekit';
  /** The HTTP status. */
  status: number;
  /** The provider's own error code, such as `21649`. */
  code: string | null;
  message: string | null;
  /** The provider's request id, for its support. */
  request_id: string | null;
  /** The provider's page about the error. */
  more_info: string | null;
}

/** The problems that every operation that calls a provider may get. */
export const providerProblems: readonly ProblemCode[] = ['provider_error', 'provider_unavailable', 'provider_timeout'];

/** Members of some problems, besides the common ones. */
export interface ProblemMembers {
  /** The first 50 faults of an `invalid_request`. */
  issues?: Issue[];
  /** How many faults an `invalid_request` has, listed or not. */
  issue_count?: number;
  /** Seconds after which the same request may succeed; also the `Retry-After` header. */
  retry_after_seconds?: number;
  /** Of `phone_number_taken`, if the number is the caller's own. */
  phone_number_id?: string;
  /** Of `phone_number_taken`, if the number is the caller's own. */
  provisioning_state?: string;
  /** Of `quota_reached`: which limit was reached. */
  quota?: 'api_keys' | 'integrations' | 'phone_numbers';
  /** Of `quota_reached`: the limit. */
  limit?: number;
  /** Of `number_answered_elsewhere`: LiveKit's trunk that is in the way. */
  trunk_id?: string;
  /**
   * Of `integration_in_use`, its numbers; of `phone_number_not_owned`, those that new credentials do not reach; of
   * `rotation_under_way`, those that still dial with the former password: the first 100.
   */
  phone_numbers?: { phone_number_id: string; phone_number: string }[];
  /** How many numbers there are in all, listed or not. */
  phone_number_count?: number;
  /** What the provider answered, if it refused or failed. */
  provider?: ProviderAnswer;
}

/** An error that callers may read. `detail`: a sentence that says what to do next. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly members: ProblemMembers;

  constructor(code: ProblemCode, detail: string, options: ProblemMembers & { cause?: unknown } = {}) {
    const { cause, ...members } = options;
    super(`${code}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = 'Problem';
    this.code = code;
    this.detail = detail;
    this.members = members;
  }

  get status(): number {
    return problems[this.code][0];
  }
}

/** The body of a failed call: RFC 9457, extended with `success`, `code` and others. */
export interface ProblemBody extends ProblemMembers {
  success: false;
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ProblemCode;
  request_id: string;
}

export const describeProblem = ({ code, detail, members }: Problem, request_id: string): ProblemBody => {
  const [status, title] = problems[code];
  return { success: false, type: `urn:trunkline:problem:${code}`, title, status, detail, code, request_id, ...members };
};

/** The most faults that a problem lists. Its `detail` names fewer. */
const MAX_ISSUES = 50;
const MAX_ISSUES_IN_DETAIL = 20;
const MAX_PATH_LENGTH = 200;

/** An `invalid_request` that lists these faults, each with its path, and their count. */
export const invalidFields = (all: readonly Issue[], cause?: unknown): Problem => {
  const issues = all.slice(0, MAX_ISSUES).map(({ path, message }) => ({ path: shorten(path), message }));
  const named = issues.slice(0, MAX_ISSUES_IN_DETAIL).map(({ path, message }) => `${path} ${message}`.trim());
  const more = all.length > named.length ? [`and ${all.length - named.length} more`] : [];
  return new Problem('invalid_request', `Fix these fields and try again: ${[...named, ...more].join('; ')}.`, {
    issues,
    issue_count: all.length,
    cause,
  });
};

const shorten = (path: string) => (path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH)}…` : path);
