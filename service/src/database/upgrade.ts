import type { mongo } from 'mongoose';
import type { Clock } from '../clock.ts';
import type { Log } from '../telemetry/log.ts';
import { type Connection, databaseOf } from './connect.ts';
import { drawToken } from './ids.ts';
import type { Upgrade, UpgradeTools } from './upgrades.ts';

export interface UpgradeDependencies {
  connection: Connection;
  /** The first upgrades rows from schema 1 to schema 2, and so on. */
  upgrades: readonly Upgrade[];
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  tools: UpgradeTools;
  /** How many rows are upgraded in one transaction. */
  batch?: number;
}

/** Longer than a batch takes. */
const LEASE_MS = 60_000;
const BATCH = 200;
const LOOK_EVERY_MS = 500;
const LONGEST_WAIT_MS = 30 * 60_000;

export const schemaOf = (upgrades: readonly Upgrade[]): number => 1 + upgrades.length;

/** Refuses a database that a newer version has written, which this one may misread. */
export const refuseNewer = (found: number, known: number): void => {
  if (found <= known) return;
  throw new Error(
    `This database has schema ${found}, and this version of Trunkline knows schemas up to ${known}. ` +
      'Start the newer version again, or restore a backup from before the upgrade.',
  );
};

/** For commands, which never upgrade: replicas of the previous version may still be running. */
export const requireUpgraded = async (connection: Connection, upgrades: readonly Upgrade[]): Promise<void> => {
  const found = await databaseOf(connection).collection<State>('installations').findOne({ _id: ID });
  const [schema, known] = [found?.schema ?? 1, schemaOf(upgrades)];
  if (found === null || schema >= known) return;
  throw new Error(
    `This database has schema ${schema}, and this version of Trunkline needs schema ${known}. ` +
      'Stop every replica of the version before, and start the service of this one: it upgrades the database.',
  );
};

/**
 * Upgrades the rows of a database to the schema of this code. One replica does, and the others wait. Each batch is
 * written together with the progress, so that a replica that continues after a crash upgrades no row twice.
 */
export const upgradeDatabase = async (deps: UpgradeDependencies): Promise<void> => {
  const { connection, upgrades, clock, signal } = deps;
  const installations = databaseOf(connection).collection<State>('installations');
  const known = schemaOf(upgrades);
  const give_up_at = clock.now() + LONGEST_WAIT_MS;

  await installations.updateOne({ _id: ID, schema: { $exists: false } }, { $set: { schema: 1 } });
  while (true) {
    signal.throwIfAborted();
    const found = await installations.findOne({ _id: ID });
    const schema = found?.schema ?? known;
    refuseNewer(schema, known);
    if (schema === known) return;

    const now = clock.now();
    const token = drawToken();
    const free = { _id: ID, schema, 'upgrading.until': { $not: { $gt: new Date(now) } } } as const;
    const taken = { $set: { 'upgrading.token': token, 'upgrading.until': new Date(now + LEASE_MS) } };
    const claimed = await installations.findOneAndUpdate(free, taken, { returnDocument: 'after' });
    if (claimed !== null) {
      await work(deps, claimed, token);
      continue;
    }
    if (now > give_up_at) {
      throw new Error('Another replica is still upgrading the database. Start this one again when it is done.');
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
};

const ID = 'installation';

interface State {
  _id: typeof ID;
  schema?: number;
  upgrading?: { token: string; until: Date; collection?: string; after?: mongo.ObjectId };
}

/** Upgrades by one version, from where the last attempt stopped. Returns quietly if another replica has taken over. */
const work = async (
  { connection, upgrades, clock, log, signal, tools, batch = BATCH }: UpgradeDependencies,
  { schema = 1, upgrading }: State,
  token: string,
): Promise<void> => {
  const db = databaseOf(connection);
  const installations = db.collection<State>('installations');
  const mine = { _id: ID, 'upgrading.token': token } as const;
  const upgrade = upgrades[schema - 1] ?? {};
  const names = Object.keys(upgrade).toSorted();

  /** Upgrades the rows after this one. Returns the last of them, or undefined if there are no more. */
  const turnBatch = (name: string, after?: mongo.ObjectId): Promise<mongo.ObjectId | undefined> =>
    connection.transaction(async (session) => {
      const rows = db.collection<{ _id: mongo.ObjectId }>(name);
      const rest = after === undefined ? {} : { _id: { $gt: after } };
      const found = await rows.find(rest, { session, sort: { _id: 1 }, limit: batch }).toArray();
      const last = found.at(-1)?._id;
      if (last === undefined) return undefined;
      const turned = await Promise.all(found.map(async (row) => upgrade[name]?.(Object.freeze(row), tools) ?? row));
      const writes = turned.flatMap((replacement, at) => {
        const row = found[at];
        return row === undefined || replacement === row
          ? []
          : [{ replaceOne: { filter: { _id: row._id }, replacement } }];
      });
      if (writes.length > 0) await rows.bulkWrite(writes, { session });
      const until = new Date(clock.now() + LEASE_MS);
      const far = { 'upgrading.collection': name, 'upgrading.after': last, 'upgrading.until': until };
      const { matchedCount } = await installations.updateOne(mine, { $set: far }, { session });
      if (matchedCount === 0) throw new TakenOver();
      return last;
    });

  try {
    for (const name of names) {
      if (upgrading?.collection !== undefined && name < upgrading.collection) continue;
      let after = upgrading?.collection === name ? upgrading.after : undefined;
      do {
        signal.throwIfAborted();
        after = await turnBatch(name, after);
      } while (after !== undefined);
    }
    const done = { $set: { schema: schema + 1 }, $unset: { upgrading: 1 } } as const;
    const { matchedCount } = await installations.updateOne({ ...mine, schema }, done);
    if (matchedCount > 0) log.info({ event: 'database_upgraded', schema: schema + 1 }, 'Upgraded the database');
  } catch (error) {
    if (error instanceof TakenOver) return;
    // Lets the next replica continue at once.
    await installations.updateOne(mine, { $set: { 'upgrading.until': new Date(clock.now()) } }).catch(() => {});
    throw error;
  }
};

/** Moves all rows of a collection into another, and drops it. Every replica runs this; each row is moved once. */
export const moveRows = async (connection: Connection, { from, to }: { from: string; to: string }): Promise<void> => {
  const db = databaseOf(connection);
  const rows = db.collection(from);
  for (let found = await rows.findOne(); found !== null; found = await rows.findOne()) {
    const row = found;
    await connection.transaction(async (session) => {
      const { deletedCount } = await rows.deleteOne({ _id: row._id }, { session });
      if (deletedCount > 0) await db.collection(to).insertOne(row, { session });
    });
  }
  await rows.drop();
};

class TakenOver extends Error {
  override name = 'TakenOver';
}
