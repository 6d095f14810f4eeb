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

/** For so long a key is not looked up again to read; a revoked one reads nothing more within 5 seconds, everywhere. */
const REMEMBER_MS = 4000;
/** One that is unknown may be made in the next moment. */
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

/** Tells whom a key stands for; undefined for a key that is unknown, revoked or expired. */
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
    /** Whether the answer is at hand, without asking the database. */
    isRemembered: (raw_key: string): boolean => entryOf(raw_key) !== undefined,

    /** Whether it was a key when it was last looked up here: then it is no guess. */
    wasGood: (raw_key: string): boolean => good.has(hashOf(raw_key)),

    identify: async (raw_key: string): Promise<Identity | undefined> =>
      identityOf(await (entryOf(raw_key) ?? read(hashOf(raw_key))).key),

    /** The same as the database says now, whatever is remembered. */
    confirm: async (raw_key: string): Promise<Identity | undefined> => identityOf(await read(hashOf(raw_key)).key),

    /** Looks it up again from now on. Other replicas still remember it for a moment. */
    forget: (key_hash: string): void => void remembered.delete(key_hash),
  };
};
