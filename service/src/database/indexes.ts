import { isDeepStrictEqual } from 'node:util';
import mongoose, { type mongo } from 'mongoose';
import type { Log } from '../telemetry/log.ts';
import type { CollectionDefinition, Index } from './collection.ts';
import { type Connection, databaseOf } from './connect.ts';

/** https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml */
const INDEX_NOT_FOUND = 27;
const NAMESPACE_EXISTS = 48;
const INDEX_OPTIONS_CONFLICT = 85;
const INDEX_KEY_SPECS_CONFLICT = 86;

type Definition = Pick<CollectionDefinition, 'name' | 'indexes'>;

/** Creates the collections and their indexes, before anything is served: unique indexes decide who wins a race. */
export const buildIndexes = async (connection: Connection, collections: readonly Definition[]): Promise<void> => {
  const db = databaseOf(connection);
  for (const { name, indexes } of collections) {
    await db.createCollection(name).catch(unless(NAMESPACE_EXISTS));
    if (indexes.length === 0) continue;
    const build = () => db.collection(name).createIndexes(indexes.map(named));
    await build().catch(async (error: unknown) => {
      if (!isServerError(error, INDEX_OPTIONS_CONFLICT, INDEX_KEY_SPECS_CONFLICT)) throw error;
      await makeWay(db.collection(name), indexes, error);
      await build();
    });
  }
};

/** Drops, by name, the indexes that are no longer used. Runs last: the old ones apply until the new ones exist. */
export const dropFormerIndexes = async (
  connection: Connection,
  collections: readonly Definition[],
  log: Log,
): Promise<void> => {
  const db = databaseOf(connection);
  for (const { name, indexes } of collections) {
    const asked = new Set(['_id_', ...indexes.map(nameOf)]);
    for (const { name: index = '_id_' } of await db.collection(name).indexes()) {
      if (asked.has(index)) continue;
      await db.collection(name).dropIndex(index).catch(unless(INDEX_NOT_FOUND));
      log.info({ event: 'index_dropped', collection: name, index }, 'Dropped an index that is no longer used');
    }
  }
};

/** Drops an index whose options changed, so that it can be rebuilt: two cannot have the same key or name. */
const makeWay = async (rows: mongo.Collection, indexes: readonly Index[], cause: unknown): Promise<void> => {
  for (const built of await rows.indexes()) {
    const { name = '_id_', key, unique } = built;
    const inTheWay = indexes.find((index) => nameOf(index) === name || isDeepStrictEqual({ ...index.key }, { ...key }));
    if (inTheWay === undefined || isAsAsked(built, inTheWay)) continue;
    if (unique || inTheWay.unique) {
      const where = `${rows.collectionName}.${name}`;
      // Between dropping and building, other replicas could write duplicates.
      throw new Error(`The unique index ${where} cannot be changed in place: give the new one another key.`, { cause });
    }
    await rows.dropIndex(name).catch(unless(INDEX_NOT_FOUND));
  }
};

const isAsAsked = ({ v: _, ns: __, ...built }: mongo.IndexDescriptionInfo & { ns?: string }, asked: Index): boolean =>
  isDeepStrictEqual(structuredClone(built), structuredClone(named(asked)));

export const nameOf = ({ name, key }: Index): string =>
  name ??
  Object.entries(key)
    .map(([field, direction]) => `${field}_${direction}`)
    .join('_');

const named = (index: Index): mongo.IndexDescription => ({ ...index, name: nameOf(index) });

const isServerError = (error: unknown, ...codes: number[]): boolean =>
  error instanceof mongoose.mongo.MongoServerError && codes.includes(Number(error.code));

const unless = (code: number) => (error: unknown) => {
  if (!isServerError(error, code)) throw error;
};
