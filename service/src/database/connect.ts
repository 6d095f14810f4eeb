import { Problem } from '@trunkline/contracts';
import mongoose, { type ClientSession, type Connection, type mongo } from 'mongoose';

export type { Connection } from 'mongoose';

/** A server that is silent for longer is given up, and so is the wait for a free connection. */
const SILENCE_MS = 15_000;
/** Longer than a replica set needs to elect another primary when the old one steps down. */
const SERVER_SELECTION_TIMEOUT_MS = 10_000;

/**
 * Opens the database. It must be a replica set: changes and their events are written in transactions.
 * Without `silence_ms` (0), only the server's monitor tells that it is gone.
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

/** Does work that draws public ids; where a unique index says that one is taken, does it again with another. */
export const drawingIds = async <T>(work: () => Promise<T>, draws = 5): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (draws > 1 && drawnFields.has(repeatedField(error) ?? '')) return drawingIds(work, draws - 1);
    throw error;
  }
};

const drawnFields = new Set(['phone_number_id', 'integration_id', 'organization_id', 'key_id', 'event_id']);

/** Which unique field a write would have repeated, if that is why it failed; for an index of several, `a+b`. */
export const repeatedField = (error: unknown): string | undefined => {
  if (!(error instanceof mongoose.mongo.MongoServerError) || error.code !== 11000) return undefined;
  const { keyPattern, message } = error as { keyPattern?: Record<string, unknown>; message: string };
  return keyPattern ? Object.keys(keyPattern).join('+') : fieldsOfIndex(message);
};

/** A server may tell only the index's name, as in `… index: organization_id_1_account_sid_1`. */
const fieldsOfIndex = (message: string): string => {
  const [, name = ''] = /index: (?:\S+\$)?(\S+)/.exec(message) ?? [];
  return name === '_id_' ? '_id' : name.replace(/_1$/, '').replaceAll('_1_', '+');
};

/** Whether the database could not be asked, so that nobody knows what became of the request. */
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
 * What a server says that is no primary any longer, or not yet, or is being stopped.
 * https://github.com/mongodb/specifications/blob/master/source/retryable-writes/retryable-writes.md
 */
const elections = new Set([6, 7, 64, 89, 91, 134, 189, 262, 9001, 10_107, 11_600, 11_602, 13_435, 13_436]);

export const databaseLost = (cause: unknown): Problem =>
  new Problem(
    'service_unavailable',
    'The database is not responding. The request may or may not have been applied. Check its result, or retry with the same Idempotency-Key.',
    { cause, retry_after_seconds: 5 },
  );
