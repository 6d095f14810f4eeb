import { type Caller, type ParsedDeleteIntegration, Problem, problemOf } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import type { Transaction } from '../database/connect.ts';
import { requireRevisionOf } from '../database/revision.ts';
import type { EventStore } from '../events/store.ts';
import {
  adding,
  isOursToStore,
  isRefusal,
  LeaseLost,
  progressOf,
  putOff,
  REMEMBERED_MS,
  retryMs,
  saidRetryAfterMs,
  type Told,
  tearDown,
  toldOf,
  tryAgain,
  type Worked,
  waitWhileBusy,
  watchRemovals,
} from '../provisioning/index.ts';
import type { Log } from '../telemetry/log.ts';
import { type CarrierJob, carrierParts, dueAt } from './carrier-trunk.ts';
import { AS_IT_WAS } from './change-trunk.ts';
import type { Waiting } from './ensure-trunk.ts';
import { counted, MOST_LISTED, naming } from './reach.ts';
import type { CarrierPartName, Deletion, IntegrationRecord } from './record.ts';
import type { IntegrationClaim, IntegrationStore } from './store.ts';

type Named = Pick<IntegrationRecord, 'organization_id' | 'integration_id'>;

export interface NumbersInUse {
  referringTo(
    integration: Named,
    limit: number,
  ): Promise<{ phone_numbers: { phone_number_id: string; phone_number: string }[]; phone_number_count: number }>;
  /** Whether any record of an account is due, now or later, including released ones. */
  isAnyDue(queue: string): Promise<boolean>;
}

export interface DeleteDependencies {
  store: Pick<IntegrationStore, 'get' | 'getRow' | 'startDeletion' | 'forceDeletion' | 'requeue' | 'goOnWhereLost'>;
  getOwn(caller: Caller, integration_id: IntegrationRecord['integration_id']): Promise<IntegrationRecord>;
  jobOf(claim: IntegrationClaim, waiting?: Waiting): Promise<CarrierJob>;
  numbers: NumbersInUse;
  events: EventStore;
  inTransaction: Transaction;
  clock: Clock;
  log: Log;
  deadline_ms: number;
  retry_base_ms: number;
}

const LOOK_EVERY_MS = 100;
/** How soon to check again whether work on the account's numbers has ended. */
const REST_MS = 5000;

/** Removes what an integration has at Twilio, and then the integration, if no number uses it. */
export const createDeleteIntegration = (deps: DeleteDependencies) => {
  const { store, getOwn, jobOf, numbers, events, inTransaction, clock, log, deadline_ms, retry_base_ms } = deps;
  const later = (ms: number) => new Date(clock.now() + ms);

  const requireUnused = async (integration: Named): Promise<void> => {
    const { phone_numbers, phone_number_count } = await numbers.referringTo(integration, MOST_LISTED);
    if (phone_number_count === 0) return;
    throw new Problem(
      'integration_in_use',
      `${integration.integration_id} is in use by ${counted(phone_number_count)}: ${naming(phone_numbers, phone_number_count)}. Release what uses it, then delete it.`,
      { phone_numbers, phone_number_count },
    );
  };

  /** True: nothing is left. False: the reconciler goes on. */
  const carryOut = async (claim: IntegrationClaim, waiting?: Waiting): Promise<boolean> => {
    const { record } = claim;
    const begun = clock.now();
    // An import that began before the mark (`deleting`) has its record by now, and a later one sees the mark.
    // If no caller waits for an answer, an import that is not settled yet is waited for: it is due.
    if (waiting) await requireUnused(record);
    if (await numbers.isAnyDue(record.queue)) {
      await putOff(claim, later(REST_MS));
      return false;
    }
    // An import that was due a moment ago may have ended as a number.
    await requireUnused(record);
    await tearDown(carrierParts, await jobOf(claim, waiting), progressOf(claim, clock.now), {
      despite: despiteRefusal(record),
    });
    const { uncertain_until } = record.provisioning;
    if (uncertain_until !== null && uncertain_until.getTime() > begun) {
      await putOff(claim, uncertain_until);
      return false;
    }
    await end(claim);
    return true;
  };

  const end = (claim: IntegrationClaim): Promise<void> =>
    inTransaction(async (session) => {
      const { organization_id, integration_id: subject_id, name, account_sid, deletion, provisioning } = claim.record;
      const nothing = {
        credentials: null,
        'carrier.password': null,
        'carrier.made_for': null,
        rotation: null,
        deletion: null,
      };
      const settled = { 'provisioning.uncertain_until': null, 'provisioning.problem': null };
      const $set = { state: 'gone', ...nothing, ...settled, expires_at: later(REMEMBERED_MS), updated_at: later(0) };
      // First look for what another replica may have made meanwhile.
      const only = { 'provisioning.is_requeued': { $exists: false } };
      await claim.release({ $set, $unset: { holds: 1 } }, { session, only });
      const { actor, request_id } = deletion ?? { actor: { system: 'reconciler' } as const, request_id: null };
      const left = Object.values(provisioning.parts).flatMap(({ problem }) => problem?.detail ?? []);
      const changes = { name, account_sid, ...(left.length > 0 && { problem: left.join(' ') }) };
      const told = { organization_id, subject_id, actor, request_id, changes };
      await events.write({ type: 'integration.deleted', ...told }, session);
    });

  const takeBack = (claim: IntegrationClaim): Promise<void> =>
    claim.release({ $set: { state: 'active', deletion: null } }, { due_at: dueAt(claim.record) });

  /** Throws what stopped the deletion if the integration stays as it was. Else the reconciler goes on. */
  const stop = async (claim: IntegrationClaim, error: unknown, isRemovalBegun: boolean): Promise<void> => {
    if (!isOursToStore(error)) throw error;
    const isInUse = error instanceof Problem && error.code === 'integration_in_use';
    if (isInUse || !isRemovalBegun) {
      await takeBack(claim);
      throw isInUse ? error : adding(problemOf(error), AS_IT_WAS);
    }
    await putOff(claim, later(retryMs(error, claim.record.provisioning.attempt)), toldOf(error));
  };

  const letGo = async (claim: IntegrationClaim, until: number): Promise<boolean> => {
    const deadline = { at: until, signal: new AbortController().signal };
    const isRemovalBegun = watchRemovals(claim.record, later(0));
    const before = async () => {
      if (clock.now() >= until) throw tooLate(deadline_ms);
    };
    const waiting = { before, waited: waitWhileBusy({ clock, deadline }) };
    try {
      return await tryAgain(() => carryOut(claim, waiting), { clock, deadline, retry_base_ms });
    } catch (error) {
      await stop(claim, error, isRemovalBegun()).catch(store.goOnWhereLost(claim.record.integration_id));
      return false;
    }
  };

  return {
    start: async (
      caller: Caller,
      { integration_id, force, if_revision }: ParsedDeleteIntegration,
    ): Promise<{ record: IntegrationRecord; isDone: boolean }> => {
      const { organization_id, key_id, request_id } = caller;
      const deletion: Deletion = { actor: { key_id }, request_id, ...(force && { force }) };
      const until = clock.now() + deadline_ms;
      let record = await getOwn(caller, integration_id);
      for (let isForced = false; clock.now() < until; await clock.sleep(LOOK_EVERY_MS)) {
        const now = await store.get(organization_id, integration_id);
        // Another request finished the deletion.
        if (now === null) return { record: (await store.getRow(integration_id)) ?? record, isDone: true };
        record = now;
        requireRevisionOf(integration_id, record.revision, if_revision);
        if (record.state === 'active') {
          await requireUnused(record);
          const claim = await store.startDeletion(record, deletion);
          if (claim) return { isDone: await letGo(claim, until), record: claim.record };
        } else if (force && !isForced) {
          await store.forceDeletion(integration_id, deletion);
          isForced = true;
        }
      }
      if (record.state === 'active') throw tooLate(deadline_ms);
      return { record, isDone: false };
    },

    /** Does what is due for an integration that is being deleted. */
    goOn: async (claim: IntegrationClaim): Promise<Worked> => {
      const { integration_id } = claim.record;
      try {
        const isDone = await carryOut(claim);
        return { outcome: isDone ? 'removed' : 'postponed', wait_ms: 0 };
      } catch (error) {
        if (error instanceof LeaseLost) {
          await store.requeue(integration_id);
          throw error;
        }
        if (!isOursToStore(error)) throw error;
        log.warn(
          { event: 'provisioning_put_off', integration_id, err: error },
          'Deleting an integration was put off: it is tried again',
        );
        if (error instanceof Problem && error.code === 'integration_in_use') await takeBack(claim);
        else await putOff(claim, later(retryMs(error, claim.record.provisioning.attempt)), toldOf(error));
        return { outcome: 'postponed', wait_ms: saidRetryAfterMs(error) };
      }
    },
  };
};

/** A forced deletion leaves what cannot be removed, and reports it. */
const despiteRefusal =
  ({ provisioning, deletion }: IntegrationRecord) =>
  (name: CarrierPartName, error: unknown): Told | undefined =>
    deletion?.force && isRefusal(error)
      ? {
          code: error.code,
          detail: `${what[name]} ${provisioning.parts[name]?.resource_id ?? ''} may be left at Twilio: ${error.detail}`,
        }
      : undefined;

const what: Record<CarrierPartName, string> = {
  trunk: 'The trunk',
  origination_url: 'The origination URL',
  credential_list: 'The credential list',
  credential: 'The credential',
  other_credential: 'The other credential',
  region: 'The Region of the trunk',
  permission: 'The permission of the credential list',
};

const RETRY_AFTER_SECONDS = 30;

const tooLate = (deadline_ms: number): Problem =>
  new Problem(
    'provider_timeout',
    `The deletion did not finish within ${deadline_ms / 1000} seconds. Try again in ${RETRY_AFTER_SECONDS} seconds.`,
    { retry_after_seconds: RETRY_AFTER_SECONDS },
  );
