import { Problem } from '@trunkline/contracts';
import mongoose, { type ClientSession, type Connection, type mongo } from 'mongoose';

export type { Connection } from 'mongoose';

/** How long to wait for an answer of the server, and for a free connection. */
const SILENCE_MS = 15_000;
/** Longer than a replica set needs to elect another primary when the old one steps down. */
const SERVER_SELECTION_TIMEOUT_MS = 10_000;

/**
 * Opens the database. It must be a replica set: changes and their events are written in transactions.
 * With `silence_ms` 0, only the driver's monitoring notices a lost server.
 */
export const connect = async (
  uri: string,
  { silence_ms = SILENCE_MS, find_within_ms = SERVER_SELECTION_TIMEOUT_MS } = {},
): Promise<Connection> => {
  const connecting = mongoose.createConnection(uri, {
    appName: 'trunkline',
    autoCreate: false,
    autoIndex: false,
    bufferCommands: false,
    serverSelectionTimeoutMS: find_within_ms,
    connectTimeoutMS: find_within_ms,
    socketTimeoutMS: silence_ms,
    waitQueueTimeoutMS: SILENCE_MS,
    writeConcern: { w: 'majority' },
    readConcern: { level: 'majority' },
  });
  const connection = await connecting.asPromise().catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot connect to the database at MONGODB_URI: ${why}`, { cause });
  });
  const { setName } = await connection.getClient().db('admin').command({ hello: 1 });
  if (setName !== undefined) return connection;
  await connection.close();
  throw new Error(
    'MONGODB_URI is a standalone server. Trunkline needs a replica set for transactions: start mongod with --replSet and run rs.initiate().',
  );
};

export const databaseOf = ({ db }: Connection): mongo.Db => {
  if (db === undefined) throw new Error('The database is not connected');
  return db;
};

export type Transaction = <T>(work: (session: ClientSession) => Promise<T>) => Promise<T>;

export const transactionOn =
  (connection: Connection): Transaction =>
  (work) =>
    drawingIds(() => connection.transaction(work));

/** Does work that draws public ids. If a drawn id is taken, repeats the work, which draws another. */
export const drawingIds = async <T>(work: () => Promise<T>, draws = 5): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (draws > 1 && drawnFields.has(repeatedField(error) ?? '')) return drawingIds(work, draws - 1);
    throw error;
  }
};

const drawnFields = new Set(['phone_number_id', 'integration_id', 'organization_id', 'key_id', 'event_id']);

/** The unique field whose value was taken, if the write failed for that; `a+b` for an index of several fields. */
export const repeatedField = (error: unknown): string | undefined => {
  if (!(error instanceof mongoose.mongo.MongoServerError) || error.code !== 11000) return undefined;
  const { keyPattern, message } = error as { keyPattern?: Record<string, unknown>; message: string };
  return keyPattern ? Object.keys(keyPattern).join('+') : fieldsOfIndex(message);
};

/** Some servers name only the index, as in `… index: organization_id_1_account_sid_1`. */
const fieldsOfIndex = (message: string): string => {
  const [, name = ''] = /index: (?:\S+\$)?(\S+)/.exec(message) ?? [];
  return name === '_id_' ? '_id' : name.replace(/_1$/, '').replaceAll('_1_', '+');
};

/** Whether the connection failed, so that the request may or may not have been applied. */
export const isDatabaseLost = (error: unknown): boolean => {
  const { MongoError, MongoServerError } = mongoose.mongo;
  if (error instanceof mongoose.Error.MongooseServerSelectionError) return true;
  if (!(error instanceof MongoError)) return false;
  if (error.hasErrorLabel('RetryableWriteError') || error.hasErrorLabel('TransientTransactionError')) return true;
  return error instanceof MongoServerError
    ? elections.has(Number(error.code))
    : !(error instanceof mongoose.mongo.MongoInvalidArgumentError);
};

/**
 * The error codes of a server that is not primary any more, not yet, or is shutting down.
 * https://github.com/mongodb/specifications/blob/master/source/retryable-writes/retryable-writes.md
 */
const elections = new Set([6, 7, 64, 89, 91, 134, 189, 262, 9001, 10_107, 11_600, 11_602, 13_435, 13_436]);

export const databaseLost = (cause: unknown): Problem =>
  new Problem(
    'service_unavailable',
    'The database is not responding. The request may or may not have been applied. Check its result, or retry with the same Idempotency-Key.',
    { cause, retry_after_seconds: 5 },
  );
