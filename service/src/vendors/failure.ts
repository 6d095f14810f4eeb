import type { ProviderAnswer } from '@trunkline/contracts';
import { type Failure, ProviderProblem } from '../provisioning/index.ts';
import { maskUrlsIn } from '../telemetry/mask-url.ts';
import { UnacceptableAnswer } from './bounded-fetch.ts';
import { redact } from './redact.ts';

export interface VendorCall {
  /** The name as people write it: Twilio, LiveKit. */
  vendor: string;
  /** What it was asked to do: continues "when asked to". */
  act: string;
  /** The secrets that were sent: a vendor's message may quote them. */
  secrets: readonly (string | null | undefined)[];
  /** Says what is kept of what was made, if it is not rolled back. */
  stays?: string | undefined;
}

/** `stays` of a call that only reads, for a request that only reads. */
export const NOTHING_CHANGED = 'Nothing was changed.';

/** Says what happens to what was made before the failed call, and by it. */
export const afterwards = ({ stays }: Pick<VendorCall, 'stays'>): string =>
  stays ?? 'Everything created for this request is rolled back.';

/** Longer messages are cut. */
const MAX_QUOTED = 500;

/** A vendor's message for callers: on one line, without secrets. */
export const quoteText = (called: VendorCall, said: string): string => {
  const line = quote(called, said)
    .message.replaceAll(/[\p{C}\p{Z}\s]+/gu, ' ')
    .trim();
  return line.length > MAX_QUOTED ? `${line.slice(0, MAX_QUOTED)}…` : line;
};

/** A vendor's message for the log, without the secrets and tokens that it may quote. */
export const quote = ({ secrets }: VendorCall, cause: unknown): Error => {
  const { name, message, cause: behind } = cause instanceof Error ? cause : new Error(String(cause));
  const said = behind instanceof Error && 'code' in behind ? `${message} (${behind.code})` : String(message);
  const quoted = new Error(maskUrlsIn(redact(said, secrets)).replaceAll(/\beyJ[\w.-]+/g, '[token]'));
  quoted.name = redact(name, secrets);
  return quoted;
};

/** Quotes a message within a sentence, without its own full stop. */
export const inQuotes = (said: string): string => `"${said.replace(/\.$/, '')}"`;

/** The problem for a call without an answer, or without a readable one. */
export const translateSilence = (called: VendorCall, error: unknown): ProviderProblem => {
  const { vendor, act } = called;
  const cause = quote(called, error);
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return providerProblem(called, 'provider_timeout', `${vendor} did not answer in time when asked to ${act}`, {
      passing: true,
      doubtful: true,
      cause,
    });
  }
  // A TypeError of fetch has a cause; any other TypeError is a bug.
  if (error instanceof TypeError && error.cause !== undefined) {
    const doubtful = !neverConnected(error);
    return providerProblem(called, 'provider_unavailable', `${vendor} could not be reached to ${act}`, {
      passing: true,
      doubtful,
      cause,
    });
  }
  if (error instanceof UnacceptableAnswer) {
    const what = `${vendor} ${error.message}, when asked to ${act}`;
    return providerProblem(called, 'provider_error', what, { doubtful: true, cause });
  }
  const what = `${vendor} gave an answer that could not be read when asked to ${act}`;
  return providerProblem(called, 'provider_error', what, { doubtful: true, cause });
};

/** Whether the call was never sent, so that nothing can have happened. */
const neverConnected = ({ cause }: TypeError): boolean =>
  cause instanceof Error &&
  'code' in cause &&
  ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'].includes(String(cause.code));

export interface Refused {
  status: number;
  code?: unknown;
  said_retry_after_ms?: number | undefined;
  /** Nothing was done, but a retry may succeed: known from the vendor's code, not from the status. */
  is_busy?: boolean;
  /** The part of the answer that callers may read. */
  provider?: ProviderAnswer | undefined;
}

/** The problem for a call that was answered with an error. */
export const translateStatus = (
  called: VendorCall,
  { status, code, said_retry_after_ms, is_busy, provider }: Refused,
  error: unknown,
): ProviderProblem => {
  const { vendor, act } = called;
  const cause = quote(called, error);
  const named = isCode(code, called) ? ` (${code})` : '';
  const said = `${vendor} answered ${status}${named} when asked to ${act}`;
  const answered = { cause, ...(provider && { provider }) };
  const fail = (to: Parameters<typeof providerProblem>[1], failure: Failure = {}) =>
    providerProblem(called, to, said, { ...failure, ...answered });
  if (status === 408) return fail('provider_timeout', { passing: true, doubtful: true });
  // Rate limits apply before a request is processed: nothing was done.
  if (status === 429 || is_busy) return fail('provider_unavailable', { passing: true, said_retry_after_ms });
  if (status >= 500) return fail('provider_unavailable', { passing: true, doubtful: true, said_retry_after_ms });
  return fail('provider_error');
};

/** Whether callers may read the code: a secret can look like one. */
const isCode = (code: unknown, { secrets }: VendorCall): boolean =>
  /^\w{1,32}$/.test(String(code ?? '')) && redact(String(code), secrets) === String(code);

/** Used if the provider gave no Retry-After. */
const RETRY_AFTER_SECONDS = 30;

const providerProblem = (
  called: VendorCall,
  code: 'provider_error' | 'provider_unavailable' | 'provider_timeout',
  what: string,
  { provider, ...options }: Failure & { cause: unknown; provider?: ProviderAnswer },
) => {
  const said = provider?.message ? `: ${inQuotes(provider.message)}` : '';
  const told = `${what}${said}. ${afterwards(called)}`;
  const answered = { ...options, ...(provider && { provider }) };
  return options.passing
    ? new ProviderProblem(code, `${told} Try again in a minute.`, {
        ...answered,
        retry_after_seconds:
          options.said_retry_after_ms === undefined
            ? RETRY_AFTER_SECONDS
            : Math.max(1, Math.ceil(options.said_retry_after_ms / 1000)),
      })
    : new ProviderProblem(code, `${told} Ask the operator of this service to check its log.`, answered);
};
