import { isDeepStrictEqual } from 'node:util';
import { ProviderProblem } from '../provisioning/index.ts';
import { maskUrlsIn } from '../telemetry/mask-url.ts';
import { afterwards } from './failure.ts';

/** The fields that decide whether calls arrive, under Trunkline's names. */
type Fields = Record<string, string | boolean | readonly string[] | null | undefined>;

export interface AnsweredCall {
  /** The name as people write it: Twilio, LiveKit. */
  vendor: string;
  /** What it was asked to do: continues "when asked to". */
  act: string;
  asked: Fields;
  /** The same fields in the provider's answer. */
  is: Fields;
  /** Removes what was made. If absent, the outcome of the call is in doubt. */
  undo?(): Promise<unknown>;
  /** Says what is kept of what was made before, if it is not rolled back. */
  stays?: string | undefined;
}

/** Throws if a provider answers with success, but did not do what it was asked. Removes what was made first. */
export const requireAsAsked = async ({ vendor, act, asked, is, undo, stays }: AnsweredCall): Promise<void> => {
  const differences = Object.entries(asked)
    .filter(([name, wanted]) => !isDeepStrictEqual(normalise(is[name]), normalise(wanted)))
    .map(([name, wanted]) => `${name} is ${show(is[name])} instead of ${show(wanted)}`);
  if (differences.length === 0) return;
  const problem = new ProviderProblem(
    'provider_error',
    `${vendor} answered with success when asked to ${act}, but ${differences.join(', and ')}. ${afterwards({ stays })} Try again, and if it keeps happening, ask ${vendor} why.`,
    { doubtful: undo === undefined },
  );
  throw undo ? await afterUndoing(undo, problem) : problem;
};

/** Removes what a call made, and returns the problem to throw: in doubt if that failed. */
export const afterUndoing = (undo: () => Promise<unknown>, problem: Error): Promise<Error> =>
  undo().then(
    () => problem,
    () => inDoubt(problem),
  );

const inDoubt = (problem: Error): Error => {
  if (!(problem instanceof ProviderProblem)) return problem;
  const { code, detail, members, passing, said_retry_after_ms, cause } = problem;
  return new ProviderProblem(code, detail, { ...members, passing, said_retry_after_ms, doubtful: true, cause });
};

/** Providers answer unset fields as absent, null, '' or false, and lists in any order. */
const normalise = (value: Fields[string]): unknown =>
  Array.isArray(value) ? value.toSorted() : value === '' || value === false ? null : (value ?? null);

/** Voice URLs often contain passwords and tokens. */
const show = (value: Fields[string]): string => maskUrlsIn(JSON.stringify(value ?? null));
