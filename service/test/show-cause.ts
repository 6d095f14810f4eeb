import { problems } from '@trunkline/contracts';
import { onTestFailed } from 'vitest';

interface LoggedError {
  type: string;
  message: string;
  code?: string;
  stack?: string;
  cause?: LoggedError;
}

/** The cause of a 500, from a line of the log; undefined for any other line. */
export const causeIn = (line: string): string | undefined => {
  if (!line.includes('"event":"request_failed"')) return undefined;
  const { request_id, err } = JSON.parse(line) as { request_id: string; err: LoggedError };
  const error = err.type === 'TRPCError' ? (err.cause ?? err) : err;
  // A failing provider is a 502 to 504, and the answer says why.
  if (statusOf(error) !== 500) return undefined;
  return `Request ${request_id} was answered 500:\n${stacksOf(error)}`;
};

const statusOf = ({ code }: LoggedError): number => Reflect.get(problems, code ?? 'internal')?.[0] ?? 500;

const stacksOf = ({ stack, message, cause }: LoggedError): string =>
  `${stack ?? message}${cause ? `\nCaused by: ${stacksOf(cause)}` : ''}`;

/** Prints the cause of a 500 if the test that got it fails: the answer does not contain it. */
export const showCause = (line: string): void => {
  const cause = causeIn(line);
  if (cause === undefined) return;
  const show = () => console.error(cause);
  try {
    onTestFailed(show);
  } catch {
    // No test is running: it happened in a hook.
    show();
  }
};
