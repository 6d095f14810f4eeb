import {
  type ApiKey,
  type Caller,
  type CreateApiKey,
  isAbove,
  type ParsedRevokeApiKey,
  Problem,
} from '@trunkline/contracts';
import type { ClientSession } from 'mongoose';
import type { Clock } from '../clock.ts';
import { repeatedField, type Transaction } from '../database/connect.ts';
import { type Quotas, requireRoom } from '../database/quota.ts';
import type { EventStore } from '../events/store.ts';
import { answerNotKept } from './answer-not-kept.ts';
import { createAddKey } from './create.ts';
import { drawApiKey } from './raw-key.ts';
import { type ApiKeyRecord, isWorking, type OrganizationStore } from './store.ts';

interface ApiKeyDependencies {
  store: OrganizationStore;
  events: EventStore;
  inTransaction: Transaction;
  clock: Clock;
}

export interface CreateApiKeyDependencies extends ApiKeyDependencies {
  quotas: Pick<Quotas, 'api_keys'>;
}

/** Creates a key for the caller's organization. Its role and expiry cannot exceed those of the caller's own key. */
export const createCreateApiKey = ({ inTransaction, quotas, ...deps }: CreateApiKeyDependencies) => {
  const { store, clock } = deps;
  const addKey = createAddKey(deps);
  return async (caller: Caller, { name, role, expires_at }: CreateApiKey) => {
    const { organization_id, key_id, request_id, stored_request } = caller;
    // Checked first: the key that this same request created must not cause another refusal, for example by the quota.
    if (stored_request !== undefined && (await store.hasKeyOf(stored_request))) throw answerNotKept();
    if (isAbove(role, caller.role)) throw aboveOwn('make', role, caller);
    const wanted = expires_at === undefined ? null : new Date(expires_at);
    if (wanted !== null && wanted.getTime() <= clock.now()) throw badEnd('must be in the future');
    const raw_key = drawApiKey();
    const asked = { actor: { key_id }, request_id, ...(stored_request !== undefined && { stored_request }) };
    const key = await inTransaction(async (session) => {
      await store.lockKeys(organization_id, session);
      const maker = await store.getKey(organization_id, key_id, session);
      if (maker === null || !isWorking(maker, clock.now())) throw ended();
      const until = endWithin(maker, wanted);
      const now = new Date(clock.now());
      await requireRoom('api_keys', quotas.api_keys, (limit) => store.countKeys(organization_id, now, limit, session));
      return addKey({ organization_id, name, role, raw_key, expires_at: until, created_by: key_id, ...asked }, session);
    }).catch((error: unknown) => {
      throw repeatedField(error) === 'stored_request' ? answerNotKept() : error;
    });
    return { raw_key, key };
  };
};

const ended = () =>
  new Problem('unauthenticated', 'The API key was revoked or expired during this request. Use another one.');

const endWithin = ({ expires_at }: ApiKeyRecord, wanted: Date | null): Date | null => {
  if (expires_at !== null && wanted !== null && wanted > expires_at)
    throw badEnd(`must not be after the end of your own key, ${expires_at.toISOString()}`);
  return wanted ?? expires_at;
};

const badEnd = (message: string) => {
  const issues = [{ path: 'expires_at', message }];
  return new Problem('invalid_request', `Fix these fields and try again: expires_at ${message}.`, { issues });
};

export interface RevokeDependencies extends ApiKeyDependencies {
  /** Makes this replica look the key up again. */
  forget(key_hash: string): void;
}

/**
 * Revokes a key and, if asked, every key that was made with it. The last admin key of an organization stays: without it
 * nobody could create another.
 */
export const createRevokeApiKey = ({ store, events, inTransaction, clock, forget }: RevokeDependencies) => {
  const revoke = (caller: Caller, { key_id, descendants }: ParsedRevokeApiKey) =>
    inTransaction(async (session) => {
      const { organization_id, request_id } = caller;
      const now = new Date(clock.now());
      await store.lockKeys(organization_id, session);
      const key = await store.getKey(organization_id, key_id, session);
      if (key === null)
        throw new Problem(
          'api_key_not_found',
          `Your organization has no API key ${key_id}. GET /api/api-keys lists those it has.`,
        );
      if (isAbove(key.role, caller.role)) throw aboveOwn('revoke', key.role, caller);
      const all = [key, ...(descendants ? await descendantsOf(key, session) : [])];
      const going = all.filter(({ revoked_at }) => revoked_at === null);
      const admins = await store.adminKeys(organization_id, now, session);
      if (going.length > 0 && admins.length > 0 && admins.every((admin) => going.some((it) => it.key_id === admin)))
        throw lastAdmin(key_id, going.length);
      for (const { key_id: subject_id } of going) {
        await store.revokeKey(subject_id, now, session);
        const changes = subject_id === key_id ? {} : { revoked_with: key_id };
        const told = { actor: { key_id: caller.key_id }, request_id, changes };
        await events.write({ organization_id, subject_id, type: 'api_key.revoked', ...told }, session);
      }
      return { key: { ...key, revoked_at: key.revoked_at ?? now }, going };
    });

  const descendantsOf = async (
    { organization_id, key_id }: ApiKeyRecord,
    session: ClientSession,
  ): Promise<ApiKeyRecord[]> => {
    const found: ApiKeyRecord[] = [];
    for (let makers = [key_id]; makers.length > 0; ) {
      const made = await store.madeBy(organization_id, makers, session);
      found.push(...made);
      makers = made.map((it) => it.key_id);
    }
    return found;
  };

  return async (caller: Caller, named: ParsedRevokeApiKey) => {
    const { key, going } = await revoke(caller, named);
    for (const { key_hash } of going) forget(key_hash);
    return { key, descendants: going.filter(({ key_id }) => key_id !== key.key_id).length };
  };
};

const lastAdmin = (key_id: string, going: number) =>
  new Problem(
    'last_admin_key',
    going === 1
      ? `${key_id} is the last admin key of your organization. Create another admin key first, and use it to revoke this one.`
      : `Revoking ${key_id} and every key made with it would leave your organization without an admin key. Use an admin key that was not made with it.`,
  );

const aboveOwn = (what: 'make' | 'revoke', role: string, caller: Caller) =>
  new Problem(
    'permission_denied',
    `A key with the role ${caller.role} cannot ${what} a key with the role ${role}. Use a key with that role.`,
  );

/** A key as callers see it: without the raw key and its hash. */
export const describeApiKey = (key: ApiKeyRecord, now: number): ApiKey => ({
  key_id: key.key_id,
  name: key.name,
  role: key.role,
  prefix: key.prefix,
  status: key.revoked_at ? 'revoked' : key.expires_at && key.expires_at.getTime() <= now ? 'expired' : 'active',
  created_at: key.created_at.toISOString(),
  last_used_at: key.last_used_at?.toISOString() ?? null,
  expires_at: key.expires_at?.toISOString() ?? null,
  created_by: key.created_by,
});
