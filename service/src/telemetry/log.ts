import { AsyncLocalStorage } from 'node:async_hooks';
import { type DestinationStream, pino } from 'pino';
import type { LogEvent } from './log-events.ts';

type Write<Fields> = (line: Fields & { event: LogEvent }, sentence: string) => void;
type Writer<Fields> = Record<'debug' | 'info' | 'warn' | 'error', Write<Fields>>;

export type Log = Writer<Record<string, unknown>>;
/** Takes only single values that the caller lists, so no object can carry a secret along. */
type PlainLog = Writer<Record<string, string | number | undefined>>;

export interface Logging {
  log: Log;
  /** Skips redaction, which takes time on each line. For lines that every request writes. */
  plain: PlainLog;
  /** Every line that is logged within `run`, however deep, carries the request's id. */
  inRequest<T>(request_id: string, run: () => T): T;
}

/** Logs JSON lines. Redacts secrets by field name, and logs only those members of an error that hold none. */
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

/** A vendor's error carries whole requests with credentials: logs only these members, of it and its causes. */
const describeError = (error: unknown): unknown => {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  const code = 'code' in error ? error.code : undefined;
  return { type: name, message, code, stack, ...(cause !== undefined && { cause: describeError(cause) }) };
};
