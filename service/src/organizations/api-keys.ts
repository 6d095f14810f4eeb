import { type ApiKey, type Caller, type CreateApiKey, isAbove, type NameApiKey, Problem } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import { repeatedField, type Transaction } from '../connect.ts';
import type { EventStore } from '../events/store.ts';
import { answerNotKept } from '../idempotency.ts';
import { createAddKey } from './create.ts';
import { drawApiKey } from './raw-key.ts';
import type { ApiKeyRecord, OrganizationStore } from './store.ts';

export interface ApiKeyDependencies {
  store: OrganizationStore;
  events: EventStore;
  inTransaction: Transaction;
  clock: Clock;
}

/** Makes a key for the caller's organization, of the caller's role at most. The raw key is told this once. */
export const createCreateApiKey = ({ inTransaction, ...deps }: ApiKeyDependencies) => {
  const addKey = createAddKey(deps);
  return async (caller: Caller, { name, role, expires_at }: CreateApiKey) => {
    const { organization_id, key_id, request_id, stored_request } = caller;
    if (isAbove(role, caller.role)) throw aboveOwn('make', role, caller);
    const until = expires_at === undefined ? null : new Date(expires_at);
    if (until !== null && until.getTime() <= deps.clock.now()) {
      const issue = { path: 'expires_at', message: 'must be in the future' };
      throw new Problem('invalid_request', `Mend what is named, and send it again: ${issue.path} ${issue.message}.`, {
        issues: [issue],
      });
    }
    const raw_key = drawApiKey();
    const asked = { actor: { key_id }, request_id, ...(stored_request !== undefined && { stored_request }) };
    const key = await inTransaction((session) =>
      addKey({ organization_id, name, role, raw_key, expires_at: until, ...asked }, session),
    ).catch((error: unknown) => {
      throw repeatedField(error) === 'stored_request' ? answerNotKept() : error;
    });
    return { raw_key, key };
  };
};

/** Refuses a key from now on. The last admin key of an organization stays, for without it nobody could make another. */
export const createRevokeApiKey =
  ({ store, events, inTransaction, clock }: ApiKeyDependencies) =>
  (caller: Caller, { key_id }: NameApiKey): Promise<ApiKeyRecord> =>
    inTransaction(async (session) => {
      const { organization_id, request_id } = caller;
      const now = new Date(clock.now());
      const key = await store.getKey(organization_id, key_id, session);
      if (key === null) throw new Problem('api_key_not_found', `There is no API key ${key_id} in your organization.`);
      if (isAbove(key.role, caller.role)) throw aboveOwn('revoke', key.role, caller);
      if (key.revoked_at !== null) return key;
      if (key.role === 'admin') {
        const admins = await store.lockAdminKeys(organization_id, now, session);
        if (admins.length === 1 && admins[0] === key_id) {
          throw new Problem(
            'last_admin_key',
            `${key_id} is the last admin key of your organization. Create another first, then revoke this one with it.`,
          );
        }
      }
      await store.revokeKey(key_id, now, session);
      const told = { actor: { key_id: caller.key_id }, request_id, changes: {} };
      await events.write({ organization_id, subject_id: key_id, type: 'api_key.revoked', ...told }, session);
      return { ...key, revoked_at: now };
    });

const aboveOwn = (what: 'make' | 'revoke', role: string, caller: Caller) =>
  new Problem(
    'permission_denied',
    `A key of the role ${caller.role} cannot ${what} one of the role ${role}. Use a key of that role.`,
  );

/** Tells callers of a key, and neither the key nor its hash. */
export const describeApiKey = (key: ApiKeyRecord, now: number): ApiKey => ({
  key_id: key.key_id,
  name: key.name,
  role: key.role,
  prefix: key.prefix,
  status: key.revoked_at ? 'revoked' : key.expires_at && key.expires_at.getTime() <= now ? 'expired' : 'active',
  created_at: key.created_at.toISOString(),
  last_used_at: key.last_used_at?.toISOString() ?? null,
  expires_at: key.expires_at?.toISOString() ?? null,
});
