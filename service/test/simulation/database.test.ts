import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type Collection,
  type CollectionDefinition,
  openCollection,
  type Update,
} from '../../src/database/collection.ts';
import { type Connection, connect, repeatedField, transactionOn } from '../../src/database/connect.ts';
import { buildIndexes } from '../../src/database/indexes.ts';
import { uniqueDatabase } from '../open-service.ts';
import { createDatabase } from './database.ts';

const Row = z.object({
  name: z.string(),
  holds: z.string().exactOptional(),
  queue: z.string(),
  due_at: z.date().exactOptional(),
  token: z.string().nullable(),
  count: z.number(),
  inside: z.object({ until: z.date().nullable(), parts: z.record(z.string(), z.string()).exactOptional() }),
});
type Row = z.output<typeof Row>;

const definition = {
  name: 'rows',
  id: 'name',
  shape: Row,
  indexes: [
    { key: { name: 1 }, unique: true },
    { key: { holds: 1 }, unique: true, partialFilterExpression: { holds: { $exists: true } } },
    { key: { queue: 1, token: 1 } },
  ],
} as const satisfies CollectionDefinition;

let real: Connection;
let rows: Collection<Row>;
beforeAll(async () => {
  real = await connect(uniqueDatabase());
  await buildIndexes(real, [definition]);
  rows = openCollection(real, definition);
});
afterAll(() => real.close());

// Every operator and option that the service's stores use, over few values, so that they collide.
const text = fc.constantFrom('a', 'b', 'c');
const date = fc.constantFrom(1000, 2000, 3000).map((ms) => new Date(ms));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const row: fc.Arbitrary<Row> = fc
  .record(
    {
      name: text,
      holds: text,
      queue: text,
      due_at: date,
      token: maybe(text),
      count: fc.nat(2),
      inside: fc.record(
        { until: maybe(date), parts: fc.dictionary(text, text, { noNullPrototype: true }) },
        { requiredKeys: ['until'], noNullPrototype: true },
      ),
    },
    { requiredKeys: ['name', 'queue', 'token', 'count', 'inside'], noNullPrototype: true },
  )
  .map((it) => it as Row);
const condition = fc.oneof(
  text.map((name) => ({ name })),
  text.map((queue) => ({ queue })),
  maybe(text).map((token) => ({ token })),
  text.map((token) => ({ token: { $ne: token } })),
  fc.constant({ token: { $ne: null } }),
  fc.boolean().map((there) => ({ holds: { $exists: there } })),
  text.map((holds) => ({ holds: { $gt: holds } })),
  date.map((at) => ({ due_at: { $exists: true, $lte: at } })),
  date.map((at) => ({ 'inside.until': { $lte: at } })),
  date.map((at) => ({ 'inside.until': { $eq: at } })),
  fc.array(maybe(text), { minLength: 1, maxLength: 2 }).map((tokens) => ({ token: { $in: tokens } })),
  fc.tuple(text, date).map(([queue, at]) => ({ $or: [{ queue }, { due_at: { $gt: at } }] })),
);
const filter = fc
  .array(condition, { maxLength: 3 })
  .map((conditions): Record<string, unknown> => Object.assign({}, ...conditions));
const update = fc
  .array(
    fc.oneof(
      text.map((token) => ({ $set: { token } })),
      date.map((at) => ({ $set: { due_at: at } })),
      fc.tuple(text, text).map(([part, id]) => ({ $set: { [`inside.parts.${part}`]: id } })),
      text.map((holds) => ({ $set: { holds } })),
      fc.constant({ $unset: { holds: 1 } }),
      fc.constant({ $unset: { due_at: 1 } }),
      fc.constant({ $inc: { count: 1 } }),
      date.map((at) => ({ $max: { 'inside.until': at } })),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((all): Update => {
    const operators = new Map<string, object>();
    const taken = new Set<string>();
    for (const [operator, fields] of all.flatMap((one) => Object.entries(one))) {
      const [path = ''] = Object.keys(fields);
      if (taken.has(path)) continue;
      taken.add(path);
      operators.set(operator, { ...operators.get(operator), ...fields });
    }
    return Object.fromEntries(operators);
  });

type Act = (on: Collection<Row>, connection: Connection) => Promise<unknown>;
const sort = fc.constantFrom<Record<string, 1 | -1>>({ queue: 1, due_at: 1, name: 1 }, { 'inside.until': -1, name: 1 });
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: row.map(
      (it): Act =>
        (on) =>
          on.insert(it),
    ),
  },
  filter.map(
    (where): Act =>
      async (on) =>
        (await on.find(where, { sort: { name: 1 } })).map((it) => it),
  ),
  filter.map(
    (where): Act =>
      async (on) =>
        (await on.newest({ ...where, queue: { $ne: 'upserted' } }, { limit: 2 })).map((it) => it.row),
  ),
  filter.map(
    (where): Act =>
      async (on) => [await on.exists(where), await on.count(where), await on.count(where, { limit: 1 })],
  ),
  filter.map(
    (where): Act =>
      async (on) =>
        (await on.distinct('queue', where)).toSorted(),
  ),
  filter.map(
    (where): Act =>
      (on) =>
        on.earliest('due_at', { ...where, due_at: { $exists: true } }),
  ),
  // Without `holds`: the server may choose any of many rows to be the first that repeats a unique value.
  fc
    .tuple(
      filter,
      update.filter((change) => change.$set?.holds === undefined),
    )
    .map(
      ([where, change]): Act =>
        (on) =>
          on.updateMany(where, change),
    ),
  fc.tuple(text, filter, update).map(
    ([name, where, change]): Act =>
      async (on) => {
        const { matchedCount, modifiedCount } = await on.updateOne({ ...where, name }, change);
        return { matchedCount, modifiedCount };
      },
  ),
  fc.tuple(filter, update, sort, fc.constantFrom('before' as const, 'after' as const)).map(
    ([where, change, order, returnDocument]): Act =>
      (on) =>
        on.findOneAndUpdate(where, change, { sort: order, returnDocument }),
  ),
  fc.tuple(text, date).map(
    ([name, at]): Act =>
      async (on) => {
        const free = { name, due_at: { $lte: at } };
        // The server draws the _id of these rows, so their order differs from the model's.
        const made = { queue: 'upserted', token: null, count: 0, inside: { until: null } };
        await on.updateOne(free, { $set: { due_at: at }, $setOnInsert: made }, { upsert: true });
      },
  ),
  text.map(
    (name): Act =>
      async (on) =>
        (await on.deleteOne({ name })).deletedCount,
  ),
  fc.tuple(row, update, text).map(
    ([it, change, name]): Act =>
      (on, connection) =>
        transactionOn(connection)(async (session) => {
          await on.updateOne({ name }, change, { session });
          await on.insert(it, { session });
        }),
  ),
);

const outcomeOf = async (work: Promise<unknown>) => {
  try {
    return await work;
  } catch (error) {
    const repeated = repeatedField(error);
    if (repeated === undefined) throw error;
    return { repeated };
  }
};

it('the database of the simulation does what a real mongod does', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 25, size: 'max' }), async (acts) => {
      await rows.deleteAll();
      const database = createDatabase([definition]);
      const connection = database.connectionOf(async (_command, effect) => effect());
      const model = openCollection<Row>(connection, definition);
      for (const one of acts) {
        expect(await outcomeOf(one(model, connection))).toEqual(await outcomeOf(one(rows, real)));
        expect(await model.find({}, { sort: { name: 1 } })).toEqual(await rows.find({}, { sort: { name: 1 } }));
      }
    }),
    { numRuns: 25 },
  );
});
