import { isDeepStrictEqual } from 'node:util';
import mongoose, { type Connection } from 'mongoose';
import type { CollectionDefinition, Index, Update } from '../../src/database/collection.ts';

// The part of MongoDB that this service uses, in memory. database.test.ts compares it with a real mongod.

type Row = Record<string, unknown>;
type Order = Record<string, 1 | -1>;

/** Where each command waits for its turn. */
export type Through = <T>(command: string, effect: () => T | Promise<T>) => Promise<T>;

export interface Command {
  filter: Row;
  update?: Update | undefined;
}
/** Changes a command on its way. */
export type Tamper = (command: Command) => Command;

export type Database = ReturnType<typeof createDatabase>;

export const createDatabase = (definitions: readonly Pick<CollectionDefinition, 'name' | 'indexes'>[]) => {
  const tables = new Map(definitions.map(({ name, indexes }) => [name, createTable(indexes)]));
  const tableOf = (name: string) => {
    const table = tables.get(name);
    if (table === undefined) throw new Error(`There is no collection ${name}`);
    return table;
  };

  /** Keeps all that `work` writes, or nothing. */
  const transact = async <T>(work: (session: object) => Promise<T>): Promise<T> => {
    const before = [...tables.values()].map((table) => ({ table, rows: table.snapshot() }));
    try {
      return await work({});
    } catch (error) {
      for (const { table, rows } of before) table.restore(rows);
      throw error;
    }
  };

  return {
    rowsOf: (name: string): Row[] => tableOf(name).find({}),
    /** A process's connection: all its commands go `through`. */
    connectionOf: (through: Through, tamper?: Tamper): Connection => {
      const db = { collection: (name: string) => createCommands(name, tampered(tableOf(name), tamper), through) };
      const transaction: Transaction = (work) => through('transaction', () => transact(work));
      // Only what src/database uses of a connection.
      return { db, transaction } as unknown as Connection;
    },

    transact,
  };
};

type Transaction = <T>(work: (session: object) => Promise<T>) => Promise<T>;

interface Options {
  session?: object;
  upsert?: boolean | undefined;
  sort?: Order;
  limit?: number;
  projection?: unknown;
  returnDocument?: 'before' | 'after';
}

const createCommands = (collection: string, table: Table, through: Through) => {
  /** A command in a transaction does not wait for a turn of its own. */
  const run = async <T>(command: string, session: object | undefined, effect: () => T): Promise<T> =>
    session ? effect() : through(`${collection}.${command}`, effect);

  return {
    findOne: (filter: Row, options: Options = {}) =>
      run('findOne', options.session, () => table.find(filter, { ...options, limit: 1 })[0] ?? null),
    find: (filter: Row, options: Options = {}) => ({
      toArray: () => run('find', options.session, () => table.find(filter, options)),
    }),
    distinct: (field: string, filter: Row) =>
      run('distinct', undefined, () => [...new Set(table.find(filter).map((row) => valueAt(row, field)))].toSorted()),
    countDocuments: (filter: Row, options: Options = {}) =>
      run('count', options.session, () => table.find(filter, options).length),
    estimatedDocumentCount: () => run('count', undefined, () => table.find({}).length),
    insertOne: (row: Row, { session }: Options = {}) => run('insert', session, () => table.insert(row)),
    replaceOne: (filter: Row, row: Row, { session, upsert }: Options = {}) =>
      run('replace', session, () => table.replace(filter, row, upsert)),
    updateOne: (filter: Row, update: Update, { session, upsert }: Options = {}) =>
      run('update', session, () => table.update(filter, update, { upsert, limit: 1 }).counts),
    updateMany: (filter: Row, update: Update) =>
      run('updateMany', undefined, () => table.update(filter, update).counts),
    findOneAndUpdate: (filter: Row, update: Update, options: Options = {}) =>
      run('findOneAndUpdate', options.session, () => {
        const { before, after } = table.update(filter, update, { ...options, limit: 1 });
        return (options.returnDocument === 'after' ? after : before) ?? null;
      }),
    deleteOne: (filter: Row, { session }: Options = {}) => run('delete', session, () => table.remove(filter, 1)),
    deleteMany: (filter: Row) => run('deleteMany', undefined, () => table.remove(filter)),
  };
};

type Table = ReturnType<typeof createTable>;

const createTable = (indexes: readonly Index[]) => {
  // In insertion order. Rows are never changed, only replaced.
  let rows = new Map<string, Row>();
  const unique = [{ key: { _id: 1 } } as Index, ...indexes.filter((index) => index.unique)];

  const requireUnique = (id: string, row: Row): void => {
    for (const { key, partialFilterExpression = {} } of unique) {
      if (!matches(row, partialFilterExpression)) continue;
      const fields = Object.keys(key);
      for (const [other, there] of rows) {
        const isSame = (field: string) => isDeepStrictEqual(valueAt(there, field) ?? null, valueAt(row, field) ?? null);
        if (other === id || !matches(there, partialFilterExpression) || !fields.every(isSame)) continue;
        const message = `E11000 duplicate key error index: ${fields.join('_')}`;
        throw new mongoose.mongo.MongoServerError({ message, code: 11_000, keyPattern: key });
      }
    }
  };

  const put = (id: string | undefined, row: Row): Row => {
    const whole = row._id === undefined ? { _id: new mongoose.mongo.ObjectId(), ...row } : row;
    // A new row has no id yet, so every present row is another one.
    requireUnique(id ?? '', whole);
    rows.set(String(whole._id), whole);
    return whole;
  };

  const find = (filter: Row, { sort, limit = Number.POSITIVE_INFINITY }: Options = {}): Row[] => {
    const found = [...rows.values()].filter((row) => matches(row, filter));
    const sorted = sort ? found.toSorted((a, b) => compareBy(a, b, sort)) : found;
    return sorted.slice(0, limit);
  };

  return {
    find,
    snapshot: () => new Map(rows),
    restore: (before: Map<string, Row>) => {
      rows = before;
    },
    insert: (row: Row) => void put(undefined, clone(row)),
    replace: (filter: Row, row: Row, upsert = false) => {
      const [there] = find(filter, { limit: 1 });
      if (there) put(String(there._id), { _id: there._id, ...clone(row) });
      else if (upsert) put(undefined, clone(row));
    },
    update: (filter: Row, update: Update, { upsert, ...options }: Options = {}) => {
      const found = find(filter, options);
      const counts = { matchedCount: found.length, modifiedCount: 0 };
      let after: Row | undefined;
      for (const before of found) {
        after = applyUpdate(clone(before), update);
        if (!isDeepStrictEqual(before, after)) counts.modifiedCount++;
        put(String(before._id), after);
      }
      if (found.length > 0 || !upsert) return { counts, before: found[0], after };
      const { $setOnInsert = {}, $set = {}, ...others } = update;
      const added = applyUpdate(equalitiesIn(filter), { ...others, $set: { ...$set, ...$setOnInsert } });
      return { counts, before: undefined, after: put(undefined, added) };
    },
    remove: (filter: Row, limit?: number) => {
      const found = find(filter, limit === undefined ? {} : { limit });
      for (const { _id } of found) rows.delete(String(_id));
      return { deletedCount: found.length };
    },
  };
};

const tampered = (table: Table, tamper: Tamper = (command) => command): Table => ({
  ...table,
  update: (given, change, options) => {
    const { filter, update = {} } = tamper({ filter: given, update: change });
    return table.update(filter, update, options);
  },
});

const valueAt = (row: unknown, path: string): unknown =>
  path.split('.').reduce((within, name) => (isPlain(within) ? within[name] : undefined), row);

const isPlain = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const isOperators = (value: unknown): value is Row =>
  isPlain(value) && Object.keys(value).some((name) => name.startsWith('$'));

const clone = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map(clone) as T;
  if (!isPlain(value)) return value;
  const copy: Row = {};
  for (const name of Object.keys(value)) if (value[name] !== undefined) copy[name] = clone(value[name]);
  return copy as T;
};

const matches = (row: Row, filter: Row): boolean =>
  Object.entries(filter).every(([path, wanted]) => {
    if (path === '$or') return (wanted as Row[]).some((one) => matches(row, one));
    const value = valueAt(row, path);
    if (!isOperators(wanted)) return isEqual(value, wanted);
    return Object.entries(wanted).every(([operator, operand]) => applies(operator, value, operand));
  });

const applies = (operator: string, value: unknown, operand: unknown): boolean => {
  switch (operator) {
    case '$exists':
      return (value !== undefined) === operand;
    case '$eq':
      return isEqual(value, operand);
    case '$ne':
      return !isEqual(value, operand);
    case '$in':
      return (operand as unknown[]).some((one) => isEqual(value, one));
    case '$gt':
      return isSameType(value, operand) && compareValues(value, operand) > 0;
    case '$lt':
      return isSameType(value, operand) && compareValues(value, operand) < 0;
    case '$lte':
      return isSameType(value, operand) && compareValues(value, operand) <= 0;
    default:
      throw new Error(`This model knows no ${operator}`);
  }
};

/** As in MongoDB, null also matches a missing field. */
const isEqual = (value: unknown, wanted: unknown): boolean =>
  wanted === null ? value === null || value === undefined : isDeepStrictEqual(plainOf(value), plainOf(wanted));

const plainOf = (value: unknown): unknown => (value instanceof mongoose.mongo.ObjectId ? value.toHexString() : value);

/** A comparison matches only values of the operand's type. */
const isSameType = (a: unknown, b: unknown): boolean => rankOf(a) === rankOf(b) && rankOf(a) > 0;

/** https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order */
const rankOf = (value: unknown): number => {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number') return 1;
  if (typeof value === 'string') return 2;
  if (value instanceof mongoose.mongo.ObjectId) return 3;
  if (typeof value === 'boolean') return 4;
  if (value instanceof Date) return 5;
  throw new Error(`This model compares no ${Object.prototype.toString.call(value)}`);
};

const compareValues = (a: unknown, b: unknown): number => {
  const [left, right] = [a, b].map((it) => (it instanceof Date ? it.getTime() : plainOf(it)));
  if (rankOf(a) !== rankOf(b)) return rankOf(a) - rankOf(b);
  if (isDeepStrictEqual(left, right) || rankOf(a) === 0) return 0;
  return (left as number) < (right as number) ? -1 : 1;
};

const compareBy = (a: Row, b: Row, sort: Order): number => {
  for (const [path, direction] of Object.entries(sort)) {
    const compared = compareValues(valueAt(a, path), valueAt(b, path)) * direction;
    if (compared !== 0) return compared;
  }
  return 0;
};

const applyUpdate = (row: Row, { $set = {}, $unset = {}, $inc = {}, $max = {} }: Update): Row => {
  for (const [path, value] of Object.entries($set)) setAt(row, path, clone(value));
  for (const path of Object.keys($unset)) setAt(row, path, undefined);
  for (const [path, by] of Object.entries($inc)) setAt(row, path, ((valueAt(row, path) as number) ?? 0) + by);
  for (const [path, value] of Object.entries($max))
    if (compareValues(value, valueAt(row, path)) > 0) setAt(row, path, value);
  return row;
};

const setAt = (row: Row, path: string, value: unknown): void => {
  const names = path.split('.');
  const last = names.pop() as string;
  let within = row;
  for (const name of names) {
    if (!isPlain(within[name])) {
      if (value === undefined) return;
      within[name] = {};
    }
    within = within[name] as Row;
  }
  if (value === undefined) delete within[last];
  else within[last] = value;
};

/** The fields that an upsert takes from its filter. */
const equalitiesIn = (filter: Row): Row =>
  Object.entries(filter).reduce<Row>((row, [path, wanted]) => {
    if (!isOperators(wanted)) setAt(row, path, wanted);
    return row;
  }, {});
