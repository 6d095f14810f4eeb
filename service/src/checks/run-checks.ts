import { Problem } from '@trunkline/contracts';
import { untilAborted } from '../database/abort.ts';

/** What a check has seen, in a sentence, and what to do about it. */
export interface Finding {
  check: string;
  state: 'ok' | 'warning' | 'failed';
  said: string;
  advice?: string;
}

export type Seen = Omit<Finding, 'check'>;

/** How long a check may look. */
interface Within {
  /** Aborted a little before `longest_ms`, so that a check can still say who gave no answer. */
  signal: AbortSignal;
  longest_ms: number;
}

export interface Check {
  name: string;
  /** Changes nothing, here or anywhere. What it throws is a failure. */
  look(within: Within): Promise<Seen | Seen[]>;
}

export const ok = (said: string): Seen => ({ state: 'ok', said });
export const warning = (said: string, advice: string): Seen => ({ state: 'warning', said, advice });
export const failed = (said: string, advice?: string): Seen => ({ state: 'failed', said, ...(advice && { advice }) });

/** What the start takes for it, and the command line where it is not told otherwise. */
export const LONGEST_MS = 5000;

/** What all checks have seen, in their order. They look side by side, and none for longer. Rejects where the signal calls it off. */
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

/** In whole milliseconds, as Node takes them. */
export const timeoutAt = (ms: number): AbortSignal => AbortSignal.timeout(Math.round(ms));

/** Why something failed, as a sentence or the start of one: of a problem what stands behind it, for that names no caller's request. */
export const why = (error: unknown): string => {
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'there was no answer in time';
  if (error instanceof Problem) return error.cause instanceof Error ? error.cause.message : error.detail;
  return error instanceof Error ? error.message : String(error);
};

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.?$/, '.');
