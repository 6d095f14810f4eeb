import type { ClientSession, mongo } from 'mongoose';
import { z } from 'zod';
import { type Connection, databaseOf } from './connect.ts';
import { describeIssues, faultAmong, faultOf, type Shape, schemasAt } from './shape.ts';

export interface Index {
  /** Absent: derived from the key, as MongoDB does. */
  name?: string;
  key: Record<string, 1 | -1>;
  unique?: true;
  partialFilterExpression?: Record<string, unknown>;
  expireAfterSeconds?: number;
}

export interface CollectionDefinition<S extends Shape = Shape> {
  name: string;
  /** The field that identifies a row in messages. */
  id: string;
  shape: S;
  indexes: readonly Index[];
}

type Fields = Record<string, unknown>;

export interface Update {
  $set?: Fields;
  $unset?: Fields;
  $inc?: Record<string, number>;
  $max?: Fields;
  $setOnInsert?: Fields;
}

interface InSession {
  session?: ClientSession | undefined;
}
type Order = Record<string, 1 | -1>;

/** A row with its `_id`, which is its place in the collection. */
export interface Kept<Row> {
  _id: mongo.ObjectId;
  row: Row;
}

/** A stored row does not fit its shape, because of a bug or a manual change. */
export class UnreadableRow extends Error {
  override name = 'UnreadableRow';
}

export type Collection<Row extends object> = ReturnType<typeof openCollection<Row>>;

/**
 * A collection whose rows have one shape. A row that is older than a field is read with that field's default, and
 * nothing is written that does not fit the shape.
 */
export const openCollection = <Row extends object>(
  connection: Connection,
  definition: CollectionDefinition<Shape & z.ZodType<Row>>,
) => {
  const { name, id } = definition;
  const shape: z.ZodType<Row> = definition.shape;
  const rows = databaseOf(connection).collection(name);

  const read = (row: Fields): Row => {
    const parsed = shape.safeParse(row);
    if (parsed.success) return parsed.data;
    throw new UnreadableRow(`${String(row[id] ?? row._id)} in ${name} cannot be read: ${describeIssues(parsed.error)}`);
  };
  const readOrNull = (row: Fields | null): Row | null => row && read(row);

  const requireFit = (row: Row): Row => {
    const fault = faultOf(shape, row);
    if (fault) throw new TypeError(`This cannot be stored in ${name}: ${fault}`);
    return row;
  };

  const schemas = new Map<string, z.core.$ZodType[]>();
  const requireField = (path: string): z.core.$ZodType[] => {
    const known = schemas.get(path) ?? schemasAt(shape, path);
    if (known.length === 0) throw new TypeError(`${name} has no field ${path}`);
    schemas.set(path, known);
    return known;
  };

  const filterOf = (filter: Fields): Fields => {
    for (const [path, value] of Object.entries(filter)) {
      if (value === undefined) throw new TypeError(`The filter of ${name} by ${path} has no value`);
      if (path === '$or' && Array.isArray(value)) value.forEach(filterOf);
      else if (path !== '_id') requireField(path);
    }
    return filter;
  };

  const valued = ['$set', '$setOnInsert', '$max'] as const;
  const updateOf = (update: Update): Update => {
    for (const fields of Object.values(update)) Object.keys(fields).forEach(requireField);
    for (const operator of valued) {
      for (const [path, value] of Object.entries(update[operator] ?? {})) {
        const fault = value === undefined ? 'it has no value' : faultAmong(requireField(path), value);
        if (fault) throw new TypeError(`This cannot be stored as ${path} in ${name}: ${fault}`);
      }
    }
    return update;
  };

  return {
    findOne: async (filter: Fields, { session, local }: InSession & { local?: true } = {}): Promise<Row | null> =>
      readOrNull(
        await rows.findOne(filterOf(filter), {
          ...(session && { session }),
          // Reads what the unique index sees, which may be newer than what a majority has.
          ...(local && { readConcern: { level: 'local' } }),
        }),
      ),

    /** The earliest time in this field. Reads nothing else of the row, which may be unreadable. */
    earliest: async (field: string, filter: Fields): Promise<Date | undefined> => {
      const only = { sort: { [field]: 1 }, projection: { _id: 0, [field]: 1 } } as const;
      const found: unknown = await rows.findOne(filterOf(filter), only);
      if (found === null) return undefined;
      const at = field.split('.').reduce<unknown>((part, name) => z.looseObject({}).parse(part)[name], found);
      return z.date().parse(at);
    },

    find: async (
      filter: Fields,
      { session, sort, limit, index }: InSession & { sort?: Order; limit?: number; index?: Index['key'] } = {},
    ): Promise<Row[]> => {
      const options = {
        ...(session && { session }),
        ...(sort && { sort }),
        ...(limit !== undefined && { limit }),
        ...(index && { hint: index }),
      };
      return (await rows.find(filterOf(filter), options).toArray()).map(read);
    },

    /** The newest rows that match, newest first. */
    newest: async (filter: Fields, { limit, index }: { limit: number; index?: Index['key'] }): Promise<Kept<Row>[]> => {
      const options = { sort: { _id: -1 }, limit, ...(index && { hint: index }) } as const;
      const found = await rows.find(filterOf(filter), options).toArray();
      return found.map((row) => ({ _id: row._id, row: read(row) }));
    },

    /** The distinct texts in a field. */
    distinct: async (field: string, filter: Fields): Promise<string[]> => {
      requireField(field);
      return z.array(z.string()).parse(await rows.distinct(field, filterOf(filter)));
    },

    exists: async (filter: Fields): Promise<boolean> =>
      (await rows.findOne(filterOf(filter), { projection: { _id: 1 } })) !== null,

    count: async (filter: Fields, { limit, session }: InSession & { limit?: number } = {}): Promise<number> =>
      rows.countDocuments(filterOf(filter), { ...(limit !== undefined && { limit }), ...(session && { session }) }),

    estimatedCount: (): Promise<number> => rows.estimatedDocumentCount(),

    insert: async (row: Row, { session }: InSession = {}): Promise<void> => {
      await rows.insertOne({ ...requireFit(row) }, { ...(session && { session }), ignoreUndefined: true });
    },

    /** Replaces the row that the filter finds, or inserts this one. */
    replace: async (filter: Fields, row: Row, { session }: InSession = {}): Promise<void> => {
      const options = { ...(session && { session }), upsert: true, ignoreUndefined: true };
      await rows.replaceOne(filterOf(filter), { ...requireFit(row) }, options);
    },

    updateOne: async (filter: Fields, update: Update, { session, upsert }: InSession & { upsert?: true } = {}) =>
      rows.updateOne(filterOf(filter), updateOf(update), { ...(session && { session }), ...(upsert && { upsert }) }),

    updateMany: async (filter: Fields, update: Update): Promise<void> =>
      void (await rows.updateMany(filterOf(filter), updateOf(update))),

    /** Updates the first match in this order, and returns it as it was `before` or is `after`. */
    findOneAndUpdate: async (
      filter: Fields,
      update: Update,
      options: { sort?: Order; returnDocument: 'before' | 'after'; upsert?: true },
    ): Promise<Row | null> => readOrNull(await rows.findOneAndUpdate(filterOf(filter), updateOf(update), options)),

    deleteAll: async (): Promise<void> => void (await rows.deleteMany({})),

    deleteOne: async (filter: Fields, { session }: InSession = {}) =>
      rows.deleteOne(filterOf(filter), { ...(session && { session }) }),
  };
};
