import { type Failure, ProviderProblem } from '../provisioning/provider.ts';
import { maskUrlsIn } from '../telemetry/mask-url.ts';
import { UnacceptableAnswer } from './bounded-fetch.ts';
import { redact } from './redact.ts';

export interface VendorCall {
  /** As people write it: Twilio, LiveKit. */
  vendor: string;
  call: string;
  /** What was sent that nobody may read: a vendor's message may quote it. */
  secrets: readonly (string | null | undefined)[];
}

/** What the vendor said, for the log, without the secrets and tokens that it may quote. */
export const quote = ({ secrets }: VendorCall, cause: unknown): Error => {
  const { name, message, cause: behind } = cause instanceof Error ? cause : new Error(String(cause));
  const said = behind instanceof Error && 'code' in behind ? `${message} (${behind.code})` : String(message);
  const quoted = new Error(maskUrlsIn(redact(said, secrets)).replaceAll(/\beyJ[\w.-]+/g, '[token]'));
  quoted.name = redact(name, secrets);
  return quoted;
};

/** The problem of a call that got no answer, or none that can be read. */
export const translateSilence = (called: VendorCall, error: unknown): ProviderProblem => {
  const { vendor, call } = called;
  const cause = quote(called, error);
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return providerProblem('provider_timeout', `${vendor} did not answer ${call} in time`, {
      passing: true,
      doubtful: true,
      cause,
    });
  }
  // What fetch throws has a cause; another TypeError is a defect.
  if (error instanceof TypeError && error.cause !== undefined) {
    const doubtful = !neverConnected(error);
    return providerProblem('provider_unavailable', `${vendor} cannot be reached for ${call}`, {
      passing: true,
      doubtful,
      cause,
    });
  }
  if (error instanceof UnacceptableAnswer) {
    return providerProblem('provider_error', `${vendor} ${error.message} (${call})`, { doubtful: true, cause });
  }
  return providerProblem('provider_error', `${vendor}'s answer to ${call} cannot be read`, { doubtful: true, cause });
};

/** The call never left: nothing can have come of it. */
const neverConnected = ({ cause }: TypeError): boolean =>
  cause instanceof Error &&
  'code' in cause &&
  ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'].includes(String(cause.code));

export interface Refused {
  status: number;
  code?: unknown;
  said_retry_after_ms?: number | undefined;
}

/** The problem of a call that was answered, but not with success. */
export const translateStatus = (
  called: VendorCall,
  { status, code, said_retry_after_ms }: Refused,
  error: unknown,
): ProviderProblem => {
  const { vendor, call } = called;
  const cause = quote(called, error);
  const named = isCode(code, called) ? ` (${code})` : '';
  const said = `${vendor} answered ${status}${named} to ${call}`;
  if (status === 408) return providerProblem('provider_timeout', said, { passing: true, doubtful: true, cause });
  // Too many requests are counted before they are looked at: nothing was done.
  if (status === 429)
    return providerProblem('provider_unavailable', said, { passing: true, said_retry_after_ms, cause });
  if (status >= 500) {
    return providerProblem('provider_unavailable', said, { passing: true, doubtful: true, said_retry_after_ms, cause });
  }
  return providerProblem('provider_error', said, { cause });
};

/** What may be told to callers: a secret can look like a code. */
const isCode = (code: unknown, { secrets }: VendorCall): boolean =>
  /^\w{1,32}$/.test(String(code ?? '')) && redact(String(code), secrets) === String(code);

/** Where the provider did not say when. */
const RETRY_AFTER_SECONDS = 30;

const providerProblem = (
  code: 'provider_error' | 'provider_unavailable' | 'provider_timeout',
  what: string,
  options: Failure & { cause: unknown },
) =>
  options.passing
    ? new ProviderProblem(code, `${what}. Nothing is left half done. Try again in a minute.`, {
        ...options,
        retry_after_seconds:
          options.said_retry_after_ms === undefined
            ? RETRY_AFTER_SECONDS
            : Math.max(1, Math.ceil(options.said_retry_after_ms / 1000)),
      })
    : new ProviderProblem(
        code,
        `${what}. Nothing is left half done. Ask whoever runs this service to look at its log.`,
        options,
      );
