import { createHash } from 'node:crypto';
import type { KeyId, OrganizationId, Role } from '@trunkline/contracts';
import type { ClientSession } from 'mongoose';
import type { Clock } from '../clock.ts';
import type { Transaction } from '../database/connect.ts';
import { drawId } from '../database/ids.ts';
import type { Actor, EventStore } from '../events/store.ts';
import type { ApiKeyRecord, OrganizationRecord, OrganizationStore } from './store.ts';

export interface CreateDependencies {
  store: OrganizationStore;
  events: EventStore;
  inTransaction: Transaction;
  clock: Clock;
}

export const hashOf = (raw_key: string): string => createHash('sha256').update(raw_key).digest('hex');

export interface NewKey {
  organization_id: OrganizationId;
  name: string;
  role: Role;
  raw_key: string;
  expires_at: Date | null;
  created_by: KeyId | null;
  stored_request?: string;
  actor: Actor;
  request_id: string | null;
}

/** Writes a key and its event, in the caller's transaction. */
export const createAddKey =
  ({ store, events, clock }: Omit<CreateDependencies, 'inTransaction'>) =>
  async ({ raw_key, actor, request_id, ...key }: NewKey, session: ClientSession): Promise<ApiKeyRecord> => {
    const record: ApiKeyRecord = {
      ...key,
      key_id: drawId('key'),
      prefix: raw_key.slice(0, 12),
      key_hash: hashOf(raw_key),
      created_at: new Date(clock.now()),
      last_used_at: null,
      revoked_at: null,
    };
    await store.insertKey(record, session);
    const { organization_id, key_id: subject_id, name, role } = record;
    await events.write(
      { organization_id, subject_id, type: 'api_key.created', actor, request_id, changes: { name, role } },
      session,
    );
    return record;
  };

export interface NewOrganization {
  name: string;
  raw_key: string;
  actor: Actor;
}

/** Writes an organization and its first key, with the role admin, in the caller's transaction. */
export const createAddOrganization = (deps: Omit<CreateDependencies, 'inTransaction'>) => {
  const { store, events, clock } = deps;
  const addKey = createAddKey(deps);
  return async ({ name, raw_key, actor }: NewOrganization, session: ClientSession): Promise<OrganizationRecord> => {
    const organization = { organization_id: drawId('org'), name, revocations: 0, created_at: new Date(clock.now()) };
    const { organization_id } = organization;
    await store.insert(organization, session);
    const told = { actor, request_id: null };
    await events.write(
      { organization_id, subject_id: organization_id, type: 'organization.created', ...told, changes: { name } },
      session,
    );
    await addKey(
      { organization_id, name: 'First key', role: 'admin', raw_key, expires_at: null, created_by: null, ...told },
      session,
    );
    return organization;
  };
};
