import { isDeepStrictEqual } from 'node:util';
import { ProviderProblem } from '../provisioning/index.ts';
import { afterwards } from './failure.ts';

/** The fields that decide whether calls arrive, by our names for them. */
type Fields = Record<string, string | boolean | readonly string[] | null | undefined>;

export interface AnsweredCall {
  /** As people write it: Twilio, LiveKit. */
  vendor: string;
  /** What it was asked to do, as it follows "when asked to". */
  act: string;
  asked: Fields;
  /** The same fields, as the provider answers them. */
  is: Fields;
  /** Takes away what was made. Without it nobody knows what became of the call. */
  undo?(): Promise<unknown>;
  /** What becomes of what was made before, where it is not undone. */
  stays?: string | undefined;
}

/** Throws where a provider answers with success, but not as it was asked. What it made is taken away before. */
export const requireAsAsked = async ({ vendor, act, asked, is, undo, stays }: AnsweredCall): Promise<void> => {
  const differences = Object.entries(asked)
    .filter(([name, wanted]) => !isDeepStrictEqual(normalise(is[name]), normalise(wanted)))
    .map(([name, wanted]) => `${name} is ${show(is[name])} instead of ${show(wanted)}`);
  if (differences.length === 0) return;
  const doubtful = undo === undefined || !(await undo().then(succeeded, failed));
  throw new ProviderProblem(
    'provider_error',
    `${vendor} answered with success when asked to ${act}, but ${differences.join(', and ')}. ${afterwards({ stays })} Try again, and if it keeps happening, ask ${vendor} why.`,
    { doubtful },
  );
};

const succeeded = () => true;
const failed = () => false;

/** What is not set comes as nothing, null, '' or false; a list has no order. */
const normalise = (value: Fields[string]): unknown =>
  Array.isArray(value) ? value.toSorted() : value === '' || value === false ? null : (value ?? null);

const show = (value: Fields[string]): string => JSON.stringify(value ?? null);
