import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { collections } from '../src/compose/collections.ts';
import { type Connection, connect, databaseOf } from '../src/database/connect.ts';
import { buildIndexes, dropFormerIndexes, nameOf } from '../src/database/indexes.ts';
import { createSecrets } from '../src/database/secrets.ts';
import { schemaOf, upgradeDatabase } from '../src/database/upgrade.ts';
import { type Upgrade, upgrades } from '../src/database/upgrades.ts';
import { createLogging } from '../src/telemetry/log.ts';
import { readDump } from './fixtures/load.ts';
import { openService, uniqueDatabase } from './open-service.ts';
import { createTurnedClock } from './turned-clock.ts';

const { log } = createLogging('silent', { write: () => {} });
const tools = createSecrets(new Map([['test', new Uint8Array(32)]]));
const ROWS = 3000;

let mongodb_uri: string;
let connection: Connection;
const opened: Connection[] = [];
const open = async () => {
  const another = await connect(mongodb_uri);
  opened.push(another);
  return another;
};
beforeEach(async () => {
  mongodb_uri = uniqueDatabase();
  connection = await open();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

const installations = () => databaseOf(connection).collection<{ _id: string; schema?: number }>('installations');
const rows = () => databaseOf(connection).collection('things');
const fill = async (count = ROWS) => {
  await installations().insertOne({ _id: 'installation' });
  await rows().insertMany(Array.from({ length: count }, (_, n) => ({ n, turned: 0 })));
};
/** How many rows were upgraded how often: each upgrade adds one to each row. */
const turned = async () =>
  Object.fromEntries(
    (
      await rows()
        .aggregate([{ $group: { _id: '$turned', rows: { $sum: 1 } } }, { $sort: { _id: 1 } }])
        .toArray()
    ).map(({ _id, rows }) => [_id, rows]),
  );
const turn: Upgrade = { things: (row) => ({ ...row, turned: Number(row.turned) + 1 }) };

interface Options {
  upgrades: readonly Upgrade[];
  on?: Connection;
  signal?: AbortSignal;
  clock?: typeof systemClock;
}
const upgrade = ({ on = connection, clock = systemClock, signal = new AbortController().signal, upgrades }: Options) =>
  upgradeDatabase({ connection: on, clock, log, signal, tools, upgrades, batch: 100 });

describe('an upgrade', () => {
  it('upgrades every row once, schema by schema, and takes a database without a schema number for schema 1', async () => {
    await fill();
    await upgrade({ upgrades: [] });
    expect(await installations().findOne()).toEqual({ _id: 'installation', schema: 1 });
    await upgrade({ upgrades: [turn] });
    expect(await turned()).toEqual({ 1: ROWS });
    await upgrade({ upgrades: [turn, turn, turn] });
    expect(await turned()).toEqual({ 3: ROWS });
    expect(await installations().findOne()).toEqual({ _id: 'installation', schema: 4 });
  });

  it('keeps the room prefixes in use: up to schema 3, trailing separators were dropped when sent to LiveKit', async () => {
    await installations().insertOne({ _id: 'installation', schema: 3 });
    const numbers = databaseOf(connection).collection('phone_numbers');
    const stored = ['call', 'call-', 'call_-*', 'a-b'];
    await numbers.insertMany(stored.map((inbound_room_name, n) => ({ inbound_room_name, n })));
    await upgrade({ upgrades: upgrades.slice(0, 3) });
    const found = await numbers.find().sort({ n: 1 }).toArray();
    expect(found.map(({ inbound_room_name }) => inbound_room_name)).toEqual(['call', 'call', 'call', 'a-b']);
  });

  it('continues where it was interrupted, and upgrades no row twice', async () => {
    await fill();
    const failing: Upgrade = {
      things: (row, tools) => {
        if (row.n === 1750) throw new Error('This row is odd');
        return turn.things!(row, tools);
      },
    };
    await expect(upgrade({ upgrades: [failing] })).rejects.toThrow('This row is odd');
    expect(await turned()).toEqual({ 0: ROWS - 1700, 1: 1700 });
    await upgrade({ upgrades: [turn] });
    expect(await turned()).toEqual({ 1: ROWS });
  });

  it('stops between two batches when the start is aborted', async () => {
    await fill();
    const start = new AbortController();
    const calledOff: Upgrade = {
      things: (row, tools) => {
        if (row.n === 550) start.abort();
        return turn.things!(row, tools);
      },
    };
    await expect(upgrade({ upgrades: [calledOff], signal: start.signal })).rejects.toThrow('aborted');
    expect(await turned()).toEqual({ 0: ROWS - 600, 1: 600 });
    await upgrade({ upgrades: [turn] });
    expect(await turned()).toEqual({ 1: ROWS });
  });

  it('is done by one of several replicas that start at once; the others wait for it', async () => {
    await fill();
    const replicas = await Promise.all([open(), open(), open()]);
    const after = await Promise.all(replicas.map((on) => upgrade({ on, upgrades: [turn, turn] }).then(turned)));
    expect(after).toEqual([{ 2: ROWS }, { 2: ROWS }, { 2: ROWS }]);
  });

  describe('begun by another replica', () => {
    const until = (ms: number, clock: typeof systemClock) => new Date(clock.now() + ms);
    const begin = async (clock: typeof systemClock) => {
      await fill(10);
      const upgrading = { token: 'theirs', until: until(60_000, clock) };
      await installations().updateOne({ _id: 'installation' }, { $set: { schema: 1, upgrading } });
    };

    it('is taken over when its lease has expired', async () => {
      const clock = createTurnedClock();
      await begin(clock);
      const waiting = upgrade({ upgrades: [turn], clock });
      expect(await turned()).toEqual({ 0: 10 });
      clock.advance(60_001);
      await waiting;
      expect(await turned()).toEqual({ 1: 10 });
    });

    it('is no longer waited for when the start is aborted', async () => {
      const clock = createTurnedClock();
      await begin(clock);
      const start = new AbortController();
      const waiting = upgrade({ upgrades: [turn], clock, signal: start.signal });
      start.abort();
      await expect(waiting).rejects.toBe(start.signal.reason);
    });

    it('is not waited for endlessly', async () => {
      const clock = createTurnedClock();
      await begin(clock);
      await installations().updateOne({ _id: 'installation' }, {
        $set: { 'upgrading.until': until(24 * 3_600_000, clock) },
      } as object);
      const waiting = upgrade({ upgrades: [turn], clock });
      clock.advance(3_600_000);
      await expect(waiting).rejects.toThrow('Start this one again when it is done.');
    });
  });
});

describe('a database written by a newer version', () => {
  it('is refused with a sentence that says what to do, and left as it is', async () => {
    const service = await openService({ mongodb_uri });
    await service.close();
    await installations().updateOne({ _id: 'installation' }, { $set: { schema: 99 } });
    const known = schemaOf(upgrades);
    const refused = new RegExp(
      `^This database has schema 99, and this version of Trunkline knows schemas up to ${known}. Start the newer`,
    );
    await expect(openService({ mongodb_uri })).rejects.toThrow(refused);
    await expect(upgrade({ upgrades })).rejects.toThrow(refused);
    expect(await installations().findOne()).toMatchObject({ schema: 99 });
  });
});

describe('an index', () => {
  const things = (...indexes: Parameters<typeof buildIndexes>[1][number]['indexes'][number][]) => [
    { name: 'things', indexes },
  ];
  const prepare = async (definitions: ReturnType<typeof things>) => {
    await buildIndexes(connection, definitions);
    await dropFormerIndexes(connection, definitions, log);
  };
  const indexesOf = async (name: string) =>
    (await databaseOf(connection).collection(name).indexes()).map((index) => index.name);

  it('is dropped at the start if its collection no longer defines it; other collections keep theirs', async () => {
    const db = databaseOf(connection);
    await (await openService({ mongodb_uri })).close();
    const before = await indexesOf('phone_numbers');
    await db.collection('phone_numbers').createIndex({ colour: 1 });
    await db.collection('events').createIndex({ subject_id: 1 }, { unique: true });
    await db.collection('theirs').createIndex({ colour: 1 });
    await (await openService({ mongodb_uri })).close();
    expect(await indexesOf('phone_numbers')).toEqual(before);
    expect(await indexesOf('events')).toEqual(['_id_', 'event_id_1', 'organization_id_1__id_-1']);
    expect(await indexesOf('theirs')).toEqual(['_id_', 'colour_1']);
  });

  it('is replaced if its unique key changes', async () => {
    await prepare(things({ key: { a: 1 }, unique: true }));
    await rows().insertOne({ a: 1, b: 1 });
    await expect(rows().insertOne({ a: 1, b: 2 })).rejects.toThrow('E11000');
    await prepare(things({ key: { a: 1, b: 1 }, unique: true }));
    await rows().insertOne({ a: 1, b: 2 });
    await expect(rows().insertOne({ a: 1, b: 2 })).rejects.toThrow('E11000');
    expect(await indexesOf('things')).toEqual(['_id_', 'a_1_b_1']);
  });

  it('stays until the one that replaces it is built', async () => {
    await prepare(things({ key: { a: 1 }, unique: true }));
    await rows().insertMany([
      { a: 1, b: 1 },
      { a: 2, b: 1 },
    ]);
    await expect(prepare(things({ key: { b: 1 }, unique: true }))).rejects.toThrow('E11000');
    expect(await indexesOf('things')).toEqual(['_id_', 'a_1']);
  });

  it('is rebuilt if its options changed, unless it is unique', async () => {
    await prepare(things({ key: { at: 1 }, expireAfterSeconds: 60 }));
    await prepare(things({ key: { at: 1 }, expireAfterSeconds: 120 }));
    const [, built] = await rows().indexes();
    expect(built).toMatchObject({ name: 'at_1', expireAfterSeconds: 120 });
    await expect(prepare(things({ key: { at: 1 }, unique: true }))).rejects.toThrow(
      'The unique index things.at_1 cannot be changed in place: give the new one another key.',
    );
    expect(await indexesOf('things')).toEqual(['_id_', 'at_1']);
  });

  it('is unique as in the last dumped schema, or comes with a later schema, because former code would drop it', async () => {
    const folders = await readdir(join(import.meta.dirname, 'fixtures'));
    const dumped = Math.max(...folders.flatMap((name) => Number(/^schema-(\d+)$/.exec(name)?.[1] ?? Number.NaN) || []));
    const { dump } = await readDump(`schema-${dumped}`);
    const changed = collections.filter(({ name, indexes }) => {
      const then = (dump.collections[name]?.indexes ?? []).filter(({ unique }) => unique).map((index) => index.name);
      const now = indexes.filter((index) => 'unique' in index).map(nameOf);
      return now.toSorted().join() !== then.toSorted().join();
    });
    if (schemaOf(upgrades) === dumped) expect(changed.map(({ name }) => name)).toEqual([]);
    else expect(schemaOf(upgrades)).toBeGreaterThan(dumped);
  });
});

describe('a stored request', () => {
  it('does not wait for itself endlessly if an unknown index refuses it', async () => {
    const service = await openService({ mongodb_uri });
    await databaseOf(connection).collection('idempotency_keys').createIndex({ organization_id: 1 }, { unique: true });
    const create = (key: string) =>
      service.admin.rest('POST', '/api/api-keys', { name: 'Once', role: 'user' }, { 'Idempotency-Key': key });
    expect((await create('one')).status).toBe(201);
    expect((await create('another')).status).toBe(500);
    await service.close();
  });
});
