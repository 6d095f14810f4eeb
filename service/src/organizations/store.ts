import { KeyId, OrganizationId, type ParsedListApiKeys, Role } from '@trunkline/contracts';
import type { ClientSession } from 'mongoose';
import { z } from 'zod';
import { type CollectionDefinition, openCollection } from '../database/collection.ts';
import type { Connection } from '../database/connect.ts';
import { readPage } from '../database/page.ts';
import { orNull } from '../database/shape.ts';

const OrganizationRecord = z.object({
  organization_id: OrganizationId,
  name: z.string(),
  /** Changed by each revocation and each new key, so that concurrent ones conflict. */
  revocations: z.number(),
  created_at: z.date(),
});
export type OrganizationRecord = z.output<typeof OrganizationRecord>;

const ApiKeyRecord = z.object({
  key_id: KeyId,
  organization_id: OrganizationId,
  name: z.string(),
  role: Role,
  /** The first 12 characters of the key. */
  prefix: z.string(),
  /** SHA-256 of the key: its 190 random bits need no slower hash. */
  key_hash: z.string(),
  created_at: z.date(),
  last_used_at: orNull(z.date()),
  expires_at: orNull(z.date()),
  revoked_at: orNull(z.date()),
  /** The key that created it; null for the first of an organization. */
  created_by: orNull(KeyId),
  /** The stored request that created it, if that had an Idempotency-Key. */
  stored_request: z.string().exactOptional(),
});
export type ApiKeyRecord = z.output<typeof ApiKeyRecord>;

const workingAt = (at: Date) => ({ revoked_at: null, $or: [{ expires_at: null }, { expires_at: { $gt: at } }] });

export const isWorking = ({ revoked_at, expires_at }: ApiKeyRecord, now: number): boolean =>
  revoked_at === null && (expires_at === null || expires_at.getTime() > now);

export const organizationsCollection = {
  name: 'organizations',
  id: 'organization_id',
  shape: OrganizationRecord,
  indexes: [{ key: { organization_id: 1 }, unique: true }],
} as const satisfies CollectionDefinition;

const newestFirst = { organization_id: 1, _id: -1 } as const;

export const apiKeysCollection = {
  name: 'api_keys',
  id: 'key_id',
  shape: ApiKeyRecord,
  indexes: [
    { key: { key_id: 1 }, unique: true },
    { key: { key_hash: 1 }, unique: true },
    { key: newestFirst },
    // For counting the active keys, which each new key does, however many have been revoked.
    { key: { organization_id: 1, revoked_at: 1, expires_at: 1 } },
    // One request creates one key, even if its answer is lost.
    { key: { stored_request: 1 }, unique: true, partialFilterExpression: { stored_request: { $exists: true } } },
  ],
} as const satisfies CollectionDefinition;

export type OrganizationStore = ReturnType<typeof createOrganizationStore>;

/** Holds organizations and their API keys. */
export const createOrganizationStore = (connection: Connection) => {
  const organizations = openCollection(connection, organizationsCollection);
  const keys = openCollection(connection, apiKeysCollection);
  return {
    insert: (organization: OrganizationRecord, session: ClientSession) =>
      organizations.insert(organization, { session }),
    get: (organization_id: OrganizationId) => organizations.findOne({ organization_id }),
    any: () => organizations.exists({}),

    insertKey: (key: ApiKeyRecord, session: ClientSession) => keys.insert(key, { session }),
    /** Whether this stored request created a key. */
    hasKeyOf: (stored_request: string) => keys.exists({ stored_request }),
    getKeyByHash: (key_hash: string) => keys.findOne({ key_hash }),
    listKeys: (organization_id: OrganizationId, page: ParsedListApiKeys) =>
      readPage(keys, { filter: { organization_id }, index: newestFirst }, page),
    getKey: (organization_id: OrganizationId, key_id: KeyId, session: ClientSession) =>
      keys.findOne({ organization_id, key_id }, { session }),

    /** Until the transaction ends, nobody else creates or revokes a key of the organization. */
    lockKeys: async (organization_id: OrganizationId, session: ClientSession): Promise<void> => {
      await organizations.updateOne({ organization_id }, { $inc: { revocations: 1 } }, { session });
    },
    madeBy: (organization_id: OrganizationId, makers: readonly KeyId[], session: ClientSession) =>
      keys.find({ organization_id, created_by: { $in: makers } }, { session }),

    /** Counts the keys that are active at this time. */
    countKeys: (organization_id: OrganizationId, at: Date, limit: number, session: ClientSession): Promise<number> =>
      keys.count({ organization_id, ...workingAt(at) }, { limit, session }),

    /** The admin keys that are active at this time. */
    adminKeys: async (organization_id: OrganizationId, at: Date, session: ClientSession): Promise<KeyId[]> => {
      const working = { organization_id, role: 'admin' as const, ...workingAt(at) };
      const found = await keys.find(working, { session });
      return found.map(({ key_id }) => key_id);
    },
    revokeKey: async (key_id: KeyId, at: Date, session: ClientSession): Promise<void> => {
      await keys.updateOne({ key_id, revoked_at: null }, { $set: { revoked_at: at } }, { session });
    },
    touchKey: async (key_id: KeyId, at: Date): Promise<void> => {
      await keys.updateOne({ key_id }, { $max: { last_used_at: at } });
    },
  };
};
