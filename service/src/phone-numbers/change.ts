import { isDeepStrictEqual } from 'node:util';
import { type Caller, type PhoneNumberId, Problem } from '@trunkline/contracts';
import { poll } from '../clock.ts';
import { type IfRevision, requireRevisionOf } from '../database/revision.ts';
import { adding, LeaseLost } from '../provisioning/index.ts';
import { BEING_SET_BACK, createInTime, type InTimeDependencies } from './in-time.ts';
import { changesSettings } from './lifecycle.ts';
import type { Change, PhoneNumberRecord, Wanted } from './record.ts';
import { secretFields } from './secret-settings.ts';
import type { PhoneNumberStore } from './store.ts';

const LOOK_EVERY_MS = 100;

export interface ChangeDependencies extends InTimeDependencies {
  store: PhoneNumberStore;
}

/** What a caller asks for, of an imported number. */
export interface AskedChange extends Pick<Change, 'kind' | 'replace_existing_routing'> {
  wanted: Wanted;
}

/** Changes an imported number at the revision that was read. Callers see it once the providers have it, or not at all. */
export const createChange = ({ store, ...deps }: ChangeDependencies) => {
  const { clock, deadline_ms } = deps;
  const inTime = createInTime(deps);

  /** Waits for the outcome of a change that another replica has taken over. */
  const awaitChange = async (
    { phone_number_id, revision }: PhoneNumberRecord,
    change: Change,
  ): Promise<PhoneNumberRecord> => {
    const { at, wanted } = change;
    const reached = revision + Number(changesSettings(change));
    const until = clock.now() + deadline_ms;
    const became = await poll({ clock, until, every_ms: LOOK_EVERY_MS }, async () => {
      const now = await store.getById(phone_number_id);
      if (now?.provisioning.change?.at.getTime() === at.getTime()) return undefined;
      const refusal = now && refusalOf(now, at);
      if (refusal) throw adding(refusal, `The phone number ${BEING_SET_BACK}.`);
      if (now?.revision === reached && isSo(now, wanted ?? {})) return now;
      const isDropped = (now?.revision ?? 0) < reached;
      const how = isDropped
        ? 'did not apply it. Try again'
        : 'the number was changed again since. GET it to see how it is now';
      throw takenOver(phone_number_id, how);
    });
    if (became) return became;
    throw takenOver(phone_number_id, 'is still at work. GET the number to see the outcome, or try again');
  };

  return async (
    caller: Caller,
    record: PhoneNumberRecord,
    asked: AskedChange,
    if_revision?: IfRevision,
  ): Promise<PhoneNumberRecord> => {
    const { organization_id, phone_number_id } = record;
    const { key_id, request_id, stored_request } = caller;
    const isDegraded = record.provisioning_state === 'degraded';
    // An update may be what removes the obstacle.
    if (isDegraded && asked.kind !== 'update') throw degraded(record);
    if (!isDegraded && record.provisioning_state !== 'active') throw busy(phone_number_id);
    const isSame = !isDegraded && isSo(record, asked.wanted);
    if (isSame && record.provisioning.due_at === undefined) return record;
    const asker = { actor: { key_id }, request_id, ...(stored_request && { stored_request }) };
    // While an earlier change is being set back, the providers may differ from the record, so send everything again.
    const change = { ...asked, ...(isSame && { wanted: {} }), ...asker, at: new Date(clock.now()) };
    const claim = await store.startChange(record, change);
    if (claim === undefined) {
      const now = await store.get(organization_id, phone_number_id);
      if (now) requireRevision(now, caller, if_revision);
      throw busy(phone_number_id);
    }
    return inTime(change.kind, claim).catch((error: unknown) => {
      if (error instanceof LeaseLost) return awaitChange(record, change);
      throw error;
    });
  };
};

/** In how many seconds to try again, if the provider's own figure is no longer known. */
const RETRY_AFTER_SECONDS = 30;

/** Why the change that was asked for at that time was dropped: the same problem as its caller got. */
export const refusalOf = (
  { created_at, provisioning: { outcome } }: PhoneNumberRecord,
  asked_at: Date | undefined,
): Problem | undefined => {
  if (outcome === null) return undefined;
  // Without a time, it is the import's: an earlier version stored no others.
  const { code, detail, provider, at = created_at } = outcome;
  if (at.getTime() !== asked_at?.getTime()) return undefined;
  const problem = new Problem(code, detail, { ...(provider && { provider }) });
  if (problem.status === 503) problem.members.retry_after_seconds = RETRY_AFTER_SECONDS;
  return problem;
};

/** Whether the record is already as wanted. Secrets are compared by their versions, as their texts may be re-encrypted. */
const isSo = (record: PhoneNumberRecord, wanted: Wanted): boolean =>
  Object.entries(wanted).every(
    ([name, value]) => (value && isSecret(name)) || isDeepStrictEqual(Reflect.get(record, name), value),
  );

const isSecret = (name: string): boolean => (secretFields as readonly string[]).includes(name);

/** Throws if the caller's organization has no such number, or the revision is not the one that the caller names. */
export const getOwn = async (
  store: Pick<PhoneNumberStore, 'get'>,
  caller: Caller,
  { phone_number_id, if_revision }: { phone_number_id: PhoneNumberId; if_revision?: IfRevision },
): Promise<PhoneNumberRecord> => {
  const record = await store.get(caller.organization_id, phone_number_id);
  if (record === null) {
    throw new Problem(
      'phone_number_not_found',
      `Your organization has no phone number ${phone_number_id}. GET /api/phone-numbers lists those it has.`,
    );
  }
  requireRevision(record, caller, if_revision);
  return record;
};

/** Throws if the revision is not the one that the caller names, unless this same request, sent earlier, made it. */
const requireRevision = (
  { phone_number_id, revision, provisioning: { last_change } }: PhoneNumberRecord,
  { stored_request }: Caller,
  if_revision: IfRevision,
): void => {
  const isOwn = last_change?.revision === revision && last_change.stored_request === stored_request;
  if (!isOwn) requireRevisionOf(phone_number_id, revision, if_revision);
};

const degraded = ({ phone_number, provisioning: { obstacle } }: PhoneNumberRecord) =>
  new Problem(
    'phone_number_degraded',
    `${phone_number} cannot be changed until this is fixed: ${obstacle?.detail ?? 'GET the number to see what is in its way.'}`,
  );

const takenOver = (phone_number_id: PhoneNumberId, how: string) =>
  new Problem(
    'service_unavailable',
    `The change of ${phone_number_id} took so long that another instance took it over, and ${how}.`,
    { retry_after_seconds: 5 },
  );

export const busy = (phone_number_id: PhoneNumberId) =>
  new Problem(
    'phone_number_busy',
    `${phone_number_id} is being changed by another request. Try again in a few seconds.`,
    { retry_after_seconds: 5 },
  );
