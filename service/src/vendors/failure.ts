import type { ProviderAnswer } from '@trunkline/contracts';
import { type Failure, ProviderProblem } from '../provisioning/index.ts';
import { maskUrlsIn } from '../telemetry/mask-url.ts';
import { UnacceptableAnswer } from './bounded-fetch.ts';
import { redact } from './redact.ts';

export interface VendorCall {
  /** As people write it: Twilio, LiveKit. */
  vendor: string;
  /** What it was asked to do, as it follows "when asked to". */
  act: string;
  /** What was sent that nobody may read: a vendor's message may quote it. */
  secrets: readonly (string | null | undefined)[];
  /** What becomes of what was made, where it is not undone. */
  stays?: string | undefined;
}

/** Of a call that reads, for somebody who only wants to read. */
export const NOTHING_CHANGED = 'Nothing was changed.';

/** What becomes of what was made before the call that failed, and of what that may have done. */
export const afterwards = ({ stays }: Pick<VendorCall, 'stays'>): string =>
  stays ?? 'Everything created for this request is rolled back.';

/** More is no sentence. */
const MAX_QUOTED = 500;

/** What the vendor said, for whoever called: on one line, without secrets. */
export const quoteText = (called: VendorCall, said: string): string => {
  const line = quote(called, said)
    .message.replaceAll(/[\p{C}\p{Z}\s]+/gu, ' ')
    .trim();
  return line.length > MAX_QUOTED ? `${line.slice(0, MAX_QUOTED)}…` : line;
};

/** What the vendor said, for the log, without the secrets and tokens that it may quote. */
export const quote = ({ secrets }: VendorCall, cause: unknown): Error => {
  const { name, message, cause: behind } = cause instanceof Error ? cause : new Error(String(cause));
  const said = behind instanceof Error && 'code' in behind ? `${message} (${behind.code})` : String(message);
  const quoted = new Error(maskUrlsIn(redact(said, secrets)).replaceAll(/\beyJ[\w.-]+/g, '[token]'));
  quoted.name = redact(name, secrets);
  return quoted;
};

/** As part of a sentence, which ends by itself. */
export const inQuotes = (said: string): string => `"${said.replace(/\.$/, '')}"`;

/** The problem of a call that got no answer, or none that can be read. */
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
  // What fetch throws has a cause; another TypeError is a defect.
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

/** The call never left: nothing can have come of it. */
const neverConnected = ({ cause }: TypeError): boolean =>
  cause instanceof Error &&
  'code' in cause &&
  ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'].includes(String(cause.code));

export interface Refused {
  status: number;
  code?: unknown;
  said_retry_after_ms?: number | undefined;
  /** Nothing was done, and it may be in a moment: told by the code, as the status does not. */
  is_busy?: boolean;
  /** What callers may read of it. */
  provider?: ProviderAnswer | undefined;
}

/** The problem of a call that was answered, but not with success. */
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
  // Too many requests are counted before they are looked at: nothing was done.
  if (status === 429 || is_busy) return fail('provider_unavailable', { passing: true, said_retry_after_ms });
  if (status >= 500) return fail('provider_unavailable', { passing: true, doubtful: true, said_retry_after_ms });
  return fail('provider_error');
};

/** What may be told to callers: a secret can look like a code. */
const isCode = (code: unknown, { secrets }: VendorCall): boolean =>
  /^\w{1,32}$/.test(String(code ?? '')) && redact(String(code), secrets) === String(code);

/** Where the provider did not say when. */
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
