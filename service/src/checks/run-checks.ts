import { Problem } from '@trunkline/contracts';
import { untilAborted } from '../database/abort.ts';

/** What a check found, in a sentence, and what to do about it. */
export interface Finding {
  check: string;
  state: 'ok' | 'warning' | 'failed';
  said: string;
  advice?: string;
}

export type Seen = Omit<Finding, 'check'>;

/** How long a check may take. */
interface Within {
  /** Aborted a little before `longest_ms`, so that a check can still say what did not answer. */
  signal: AbortSignal;
  longest_ms: number;
}

export interface Check {
  name: string;
  /** Must change nothing, here or at a provider. An error that it throws is a failed finding. */
  look(within: Within): Promise<Seen | Seen[]>;
}

export const ok = (said: string): Seen => ({ state: 'ok', said });
export const warning = (said: string, advice: string): Seen => ({ state: 'warning', said, advice });
export const failed = (said: string, advice?: string): Seen => ({ state: 'failed', said, ...(advice && { advice }) });

/** The limit at the start, and the default of the command line. */
export const LONGEST_MS = 5000;

/** Runs all checks at once, each up to the limit, and returns their findings in order. Rejects if the signal aborts. */
export const runChecks = async (
  checks: readonly Check[],
  { signal, longest_ms = LONGEST_MS }: { signal: AbortSignal; longest_ms?: number },
): Promise<Finding[]> => {
  const soon = AbortSignal.any([signal, timeoutAt(0.85 * longest_ms)]);
  const late = AbortSignal.any([signal, timeoutAt(0.95 * longest_ms)]);
  const findings = await Promise.all(
    checks.map(async ({ name, look }) => {
      const looking = untilAborted(late, look({ signal: soon, longest_ms }));
      const seen = await looking.catch((error: unknown): Seen => failed(sentence(why(error))));
      return [seen].flat().map((it): Finding => ({ check: name, ...it }));
    }),
  );
  signal.throwIfAborted();
  return findings.flat();
};

/** Rounds to whole milliseconds, which Node requires. */
export const timeoutAt = (ms: number): AbortSignal => AbortSignal.timeout(Math.round(ms));

/** Why something failed, as a sentence or part of one. Prefers a problem's cause: its detail is about a request. */
export const why = (error: unknown): string => {
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'there was no answer in time';
  if (error instanceof Problem) return error.cause instanceof Error ? error.cause.message : error.detail;
  return error instanceof Error ? error.message : String(error);
};

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.?$/, '.');
