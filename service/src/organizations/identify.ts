import type { KeyId, OrganizationId, Role } from '@trunkline/contracts';
import { LRUCache } from 'lru-cache';
import type { Background } from '../background.ts';
import type { Clock } from '../clock.ts';
import { hashOf } from './create.ts';
import { type ApiKeyRecord, isWorking, type OrganizationStore } from './store.ts';

/** Whom a key stands for. */
export interface Identity {
  organization_id: OrganizationId;
  key_id: KeyId;
  role: Role;
}

/** How long reads trust a look-up: a revoked key can read for 5 seconds at most, on any replica. */
const REMEMBER_MS = 4000;
/** Shorter for an unknown key, which may be created at any moment. */
const REMEMBER_UNKNOWN_MS = 1000;
const TOUCH_EVERY_MS = 60_000;
const MOST_REMEMBERED = 10_000;

interface Remembered {
  until: number;
  key: Promise<ApiKeyRecord | null>;
}

export interface IdentifyDependencies {
  store: OrganizationStore;
  clock: Clock;
  background: Background;
}

export type Identify = ReturnType<typeof createIdentify>;

/** Finds whom a key stands for; undefined for a key that is unknown, revoked or expired. */
export const createIdentify = ({ store, clock, background }: IdentifyDependencies) => {
  const remembered = new LRUCache<string, Remembered>({ max: MOST_REMEMBERED });
  const good = new LRUCache<string, true>({ max: MOST_REMEMBERED });

  const read = (key_hash: string): Remembered => {
    const read_at = clock.now();
    const entry = { until: read_at + REMEMBER_MS, key: Promise.resolve(store.getKeyByHash(key_hash)) };
    remembered.set(key_hash, entry);
    entry.key.then(
      (key) => {
        if (key === null) entry.until = read_at + REMEMBER_UNKNOWN_MS;
        else touch(key);
      },
      () => remembered.delete(key_hash),
    );
    return entry;
  };

  const touch = (key: ApiKeyRecord): void => {
    const now = clock.now();
    good.set(key.key_hash, true);
    if (key.last_used_at && now - key.last_used_at.getTime() < TOUCH_EVERY_MS) return;
    void background.run('Noting when a key was used', store.touchKey(key.key_id, new Date(now)));
  };

  const entryOf = (raw_key: string): Remembered | undefined => {
    const entry = remembered.get(hashOf(raw_key));
    return entry && clock.now() < entry.until ? entry : undefined;
  };

  const identityOf = (key: ApiKeyRecord | null): Identity | undefined => {
    if (key === null || !isWorking(key, clock.now())) return undefined;
    const { organization_id, key_id, role } = key;
    return { organization_id, key_id, role };
  };

  return {
    /** Whether `identify` can answer without the database. */
    isRemembered: (raw_key: string): boolean => entryOf(raw_key) !== undefined,

    /** Whether this replica has found the key before, so that it is no guess. */
    wasGood: (raw_key: string): boolean => good.has(hashOf(raw_key)),

    identify: async (raw_key: string): Promise<Identity | undefined> =>
      identityOf(await (entryOf(raw_key) ?? read(hashOf(raw_key))).key),

    /** Like `identify`, but always asks the database. */
    confirm: async (raw_key: string): Promise<Identity | undefined> => identityOf(await read(hashOf(raw_key)).key),

    /** Makes the next `identify` ask the database. Other replicas still remember the key for a moment. */
    forget: (key_hash: string): void => void remembered.delete(key_hash),
  };
};
