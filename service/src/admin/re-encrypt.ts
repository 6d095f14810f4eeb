import type { mongo } from 'mongoose';
import type { Clock } from '../clock.ts';
import type { CollectionDefinition } from '../database/collection.ts';
import { type Connection, databaseOf } from '../database/connect.ts';
import { type SealedField, sealedFieldsOf } from '../database/sealed.ts';
import { type Secrets, UnopenedSecret } from '../database/secrets.ts';

export interface ReEncryptDependencies {
  connection: Connection;
  collections: readonly CollectionDefinition[];
  secrets: Secrets;
  /** Newest first. */
  key_ids: readonly string[];
  clock: Clock;
  say(line: string): void;
  batch?: number;
}

const BATCH = 200;
const MOST_PASSES = 5;

/**
 * Re-encrypts every secret that the newest key did not encrypt, while replicas run: a value that changes meanwhile is
 * left for the next pass. After an interruption, run it again. Resolves with true when no such secret is left.
 */
export const reEncrypt = async ({ say, ...deps }: ReEncryptDependencies): Promise<boolean> => {
  const fields = sealedFieldsOf(deps.collections);
  let moved = 0;
  for (let pass = 1; pass <= MOST_PASSES; pass++) {
    const found = await runPass(deps, fields);
    moved += found.moved;
    if (found.unreadable.length > 0) {
      for (const line of found.unreadable) say(line);
      say(
        `${moved} secrets were moved to ${deps.key_ids[0]}. Those above were not: put back the keys that encrypted them.`,
      );
      return false;
    }
    if (found.seen > 0) continue;
    say(`${moved} secrets were moved to ${deps.key_ids[0]}, and all are encrypted with it now.`);
    for (const line of await whenKeysCanGo(deps)) say(line);
    return true;
  }
  say(`${moved} secrets were moved to ${deps.key_ids[0]}, but a replica still encrypts with another key.`);
  say('Restart every replica with this ENCRYPTION_KEYS, and run this again.');
  return false;
};

type PassDependencies = Omit<ReEncryptDependencies, 'say'>;

interface Pass {
  /** How many values the newest key had not sealed. */
  seen: number;
  moved: number;
  unreadable: string[];
}

const runPass = async ({ connection, secrets, batch = BATCH }: PassDependencies, fields: readonly SealedField[]) => {
  const pass: Pass = { seen: 0, moved: 0, unreadable: [] };
  for (const [collection, own] of Map.groupBy(fields, (field) => field.collection)) {
    const rows = databaseOf(connection).collection(collection);
    for (let after: mongo.ObjectId | undefined; ; ) {
      const rest = after === undefined ? {} : { _id: { $gt: after } };
      const found = await rows.find(rest, { sort: { _id: 1 }, limit: batch }).toArray();
      for (const row of found) for (const field of own) await move(row, field);
      after = found.at(-1)?._id;
      if (after === undefined) break;
    }

    async function move(row: mongo.WithId<mongo.Document>, { path, placeOf }: SealedField): Promise<void> {
      const value = valueAt(row, path);
      if (value === undefined || value === null) return;
      if (typeof value === 'string' && secrets.isCurrent(value)) return;
      pass.seen++;
      const place = placeOf(row);
      try {
        // Earlier versions stored some secrets unencrypted.
        const secret = typeof value === 'string' ? await secrets.open(value, place) : JSON.stringify(value);
        const resealed = await secrets.seal(secret, place);
        const { modifiedCount } = await rows.updateOne({ _id: row._id, [path]: value }, { $set: { [path]: resealed } });
        pass.moved += modifiedCount;
      } catch (error) {
        if (!(error instanceof UnopenedSecret)) throw error;
        pass.unreadable.push(`${place}: ${error.message}`);
      }
    }
  }
  return pass;
};

const valueAt = (row: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((within, key) => Reflect.get(Object(within), key), row);

/** Says when older keys can be removed: fingerprints of stored requests need them, and expire within a day. */
const whenKeysCanGo = async ({
  connection,
  clock,
  key_ids: [newest, ...older],
}: PassDependencies): Promise<string[]> => {
  const requests = databaseOf(connection).collection('idempotency_keys');
  const lines = older.map(async (id) => {
    const compared = { fingerprint: { $regex: `^${id}\\.` }, expires_at: { $gt: new Date(clock.now()) } };
    const last = await requests.findOne(compared, { sort: { expires_at: -1 }, projection: { expires_at: 1 } });
    const when =
      last === null
        ? 'now'
        : `from ${last.expires_at.toISOString()} on: stored requests are compared with it until then`;
    return `${id} can be removed ${when}. Before that, ${newest} must come first in ENCRYPTION_KEYS on every replica.`;
  });
  return Promise.all(lines);
};
