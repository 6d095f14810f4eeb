import { z } from 'zod';
import { type CollectionDefinition, openCollection } from '../database/collection.ts';
import type { Connection } from '../database/connect.ts';

/** Stores what a stand-in keeps, by kind and id. Lists things in the order in which they were first stored. */
export interface Shelf {
  list<T>(kind: string): Promise<T[]>;
  get<T>(kind: string, id: string): Promise<T | undefined>;
  put<T extends object>(kind: string, id: string, thing: T): Promise<void>;
  /** False if there was nothing to remove. */
  remove(kind: string, id: string): Promise<boolean>;
}

/** For tests and measurements: in memory only. */
export const createMemoryShelf = (): Shelf => {
  const kinds = new Map<string, Map<string, string>>();
  const things = (kind: string) => kinds.get(kind) ?? new Map<string, string>();
  return {
    list: async (kind) => [...things(kind).values()].map((thing) => JSON.parse(thing)),
    get: async (kind, id) => {
      const thing = things(kind).get(id);
      return thing === undefined ? undefined : JSON.parse(thing);
    },
    put: async (kind, id, thing) => {
      kinds.set(kind, things(kind).set(id, JSON.stringify(thing)));
    },
    remove: async (kind, id) => things(kind).delete(id),
  };
};

const Row = z.object({ _id: z.string(), kind: z.string(), put_at: z.date(), thing: z.string() });

export const sandboxCollection = {
  name: 'sandbox',
  id: '_id',
  shape: Row,
  indexes: [{ key: { kind: 1, put_at: 1 } }],
} as const satisfies CollectionDefinition;

/** In the database, beside the records that refer to these things, so that both survive a restart. */
export const createDatabaseShelf = (connection: Connection): Shelf => {
  const rows = openCollection(connection, sandboxCollection);
  return {
    list: async (kind) =>
      (await rows.find({ kind }, { sort: { put_at: 1, _id: 1 } })).map(({ thing }) => JSON.parse(thing)),
    get: async (kind, id) => {
      const row = await rows.findOne({ _id: `${kind}/${id}` });
      return row ? JSON.parse(row.thing) : undefined;
    },
    put: async (kind, id, thing) => {
      const written = { $set: { kind, thing: JSON.stringify(thing) }, $setOnInsert: { put_at: new Date() } };
      await rows.updateOne({ _id: `${kind}/${id}` }, written, { upsert: true });
    },
    remove: async (kind, id) => (await rows.deleteOne({ _id: `${kind}/${id}` })).deletedCount > 0,
  };
};
