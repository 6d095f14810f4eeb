import { AsyncLocalStorage } from 'node:async_hooks';
import { type DestinationStream, pino } from 'pino';
import type { LogEvent } from './log-events.ts';

type Write<Fields> = (line: Fields & { event: LogEvent }, sentence: string) => void;
type Writer<Fields> = Record<'debug' | 'info' | 'warn' | 'error', Write<Fields>>;

export type Log = Writer<Record<string, unknown>>;
/** Takes single values only, each of which the caller lists: there is no object in which a secret could come along. */
type PlainLog = Writer<Record<string, string | number | undefined>>;

export interface Logging {
  log: Log;
  /** Looks for no secrets, which is work at each line: for the lines of every request. */
  plain: PlainLog;
  /** Every line that is logged while `run` is under way, however deep, carries the request's id. */
  inRequest<T>(request_id: string, run: () => T): T;
}

/** JSON lines. Secrets are left out by name, and of errors only what cannot carry any is logged. */
export const createLogging = (level: string, destination?: DestinationStream): Logging => {
  const requests = new AsyncLocalStorage<{ request_id: string }>();
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: () => requests.getStore() ?? {},
      serializers: { err: describeError },
      redact: secretFields.flatMap((field) => [`["${field}"]`, `*["${field}"]`, `*.*["${field}"]`]),
    },
    destination ?? pino.destination({ fd: 1, sync: false }),
  );
  const plain = log.child({}, { redact: [] });
  return { log, plain, inRequest: (request_id, run) => requests.run({ request_id }, run) };
};

const secretFields = [
  'sip_password',
  'inbound_pin',
  'auth_token',
  'api_key_secret',
  'raw_key',
  'password',
  'authorization',
  'x-api-key',
];

/** A vendor's error object carries whole requests, with their credentials: only these members are logged, down the causes. */
const describeError = (error: unknown): unknown => {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  const code = 'code' in error ? error.code : undefined;
  return { type: name, message, code, stack, ...(cause !== undefined && { cause: describeError(cause) }) };
};
