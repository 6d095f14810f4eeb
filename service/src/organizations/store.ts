import type { KeyId, ListApiKeys, OrganizationId, Role } from '@trunkline/contracts';
import { type ClientSession, type Connection, Schema } from 'mongoose';
import { readPage } from '../page.ts';

export interface OrganizationRecord {
  organization_id: OrganizationId;
  name: string;
  /** Counts revocations, so that of two at once one waits for the other. */
  revocations: number;
  created_at: Date;
}

export interface ApiKeyRecord {
  key_id: KeyId;
  organization_id: OrganizationId;
  name: string;
  role: Role;
  /** The first 12 characters of the key. */
  prefix: string;
  /** SHA-256 of the key: its 256 random bits need no slower hash. */
  key_hash: string;
  created_at: Date;
  last_used_at: Date | null;
  expires_at: Date | null;
  revoked_at: Date | null;
}

const options = { strict: 'throw', strictQuery: 'throw', versionKey: false } as const;

const organizationSchema = new Schema<OrganizationRecord>(
  {
    organization_id: { type: String, required: true, unique: true },
    name: { type: String, required: true },
    revocations: { type: Number, required: true },
    created_at: { type: Date, required: true },
  },
  options,
);

const apiKeySchema = new Schema<ApiKeyRecord>(
  {
    key_id: { type: String, required: true, unique: true },
    organization_id: { type: String, required: true },
    name: { type: String, required: true },
    role: { type: String, required: true },
    prefix: { type: String, required: true },
    key_hash: { type: String, required: true, unique: true },
    created_at: { type: Date, required: true },
    last_used_at: { type: Date, default: null },
    expires_at: { type: Date, default: null },
    revoked_at: { type: Date, default: null },
  },
  options,
).index({ organization_id: 1, _id: -1 });

export type OrganizationStore = ReturnType<typeof createOrganizationStore>;

/** Holds organizations and their API keys. */
export const createOrganizationStore = (connection: Connection) => {
  const organizations = connection.model<OrganizationRecord>('Organization', organizationSchema, 'organizations');
  const keys = connection.model<ApiKeyRecord>('ApiKey', apiKeySchema, 'api_keys');
  return {
    insert: async (organization: OrganizationRecord, session: ClientSession): Promise<void> => {
      await organizations.create([organization], { session });
    },
    get: (organization_id: OrganizationId) => organizations.findOne({ organization_id }).lean<OrganizationRecord>(),
    any: () => organizations.findOne().lean<OrganizationRecord>(),

    insertKey: async (key: ApiKeyRecord, session: ClientSession): Promise<void> => {
      await keys.create([key], { session });
    },
    getKeyByHash: (key_hash: string) => keys.findOne({ key_hash }).lean<ApiKeyRecord>(),
    listKeys: (organization_id: OrganizationId, page: ListApiKeys) => readPage(keys, { organization_id }, page),
    getKey: (organization_id: OrganizationId, key_id: KeyId, session: ClientSession) =>
      keys.findOne({ organization_id, key_id }, null, { session }).lean<ApiKeyRecord>(),

    /** The admin keys that work at this time. Until the transaction ends, nobody else revokes one. */
    lockAdminKeys: async (organization_id: OrganizationId, at: Date, session: ClientSession): Promise<KeyId[]> => {
      const working = {
        organization_id,
        role: 'admin' as const,
        revoked_at: null,
        $or: [{ expires_at: null }, { expires_at: { $gt: at } }],
      };
      await organizations.updateOne({ organization_id }, { $inc: { revocations: 1 } }, { session });
      const found = await keys.find(working, null, { session }).lean<ApiKeyRecord[]>();
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
