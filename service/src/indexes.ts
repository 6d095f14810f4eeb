import mongoose from 'mongoose';
import type { CollectionDefinition } from './collection.ts';
import type { Connection } from './connect.ts';

/** Makes the collections, and the indexes that they ask for. Uniqueness decides who wins, so nothing is served before. */
export const buildIndexes = async ({ db }: Connection, collections: readonly CollectionDefinition[]): Promise<void> => {
  if (db === undefined) throw new Error('The database is not connected');
  for (const { name, indexes } of collections) {
    await db.createCollection(name).catch(unlessThere);
    if (indexes.length > 0) await db.collection(name).createIndexes([...indexes]);
  }
};

const unlessThere = (error: unknown): void => {
  if (!(error instanceof mongoose.mongo.MongoServerError && error.codeName === 'NamespaceExists')) throw error;
};
