import { isDeepStrictEqual } from 'node:util';
import { type IntegrationId, Problem } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import { drawToken } from '../database/ids.ts';
import type { Secrets } from '../database/secrets.ts';
import {
  build,
  type Gate,
  type Guard,
  guarded,
  isOursToStore,
  type Limiters,
  ProviderProblem,
  progressOf,
  putOff,
  retryMs,
  type Source,
  saidRetryAfterMs,
  toldOf,
  type Worked,
} from '../provisioning/index.ts';
import type { Log } from '../telemetry/log.ts';
import { openTrunkCredentials, requireActive } from './accounts.ts';
import { type CarrierJob, carrierParts, dueAt, isReady, type TrunkAccount } from './carrier-trunk.ts';
import type { IntegrationRecord, MadeFor } from './record.ts';
import type { Rotate } from './rotate.ts';
import type { IntegrationClaim, IntegrationStore } from './store.ts';

const LOOK_EVERY_MS = 100;

export interface EnsureTrunkDependencies {
  store: IntegrationStore;
  connectAccount(record: IntegrationRecord): Promise<TrunkAccount>;
  secrets: Secrets;
  gate: Pick<Gate, 'requireOpen' | 'admitRemoval'>;
  rotate: Pick<Rotate, 'goOn'>;
  /** Has the reconciler look at all numbers of an integration. */
  requeueNumbers(integration_id: IntegrationId): Promise<void>;
  limiterOf: Limiters;
  clock: Clock;
  log: Log;
  installation_id: string;
  made_for: MadeFor;
  call_ms: number;
  settle_ms: number;
}

export type EnsureTrunk = ReturnType<typeof createEnsureTrunk>;

/** Makes an integration's own carrier trunk once, when it is first needed. */
export const createEnsureTrunk = (deps: EnsureTrunkDependencies) => {
  const { store, connectAccount, secrets, gate, limiterOf, clock, log, installation_id, made_for, call_ms, settle_ms } =
    deps;
  const { requeueNumbers, rotate } = deps;

  const jobOf = async (claim: IntegrationClaim, waiting: Waiting = {}): Promise<CarrierJob> => {
    const { record } = claim;
    const { integration_id, carrier, provisioning } = record;
    carrier.made_for ??= await store.freeze(integration_id, made_for);
    const { secure, sip_host } = carrier.made_for;
    const account = guarded(await connectAccount(record), {
      limiter: limiterOf(record.account_sid),
      signal: waiting.signal,
      before: async () => {
        await waiting.before?.();
        await gate.requireOpen();
        await claim.ensure(call_ms);
      },
      waited: async (busy) => {
        await claim.ensure(busy.said_retry_after_ms + call_ms);
        return (await waiting.waited?.(busy)) ?? false;
      },
      doubted: () => {
        provisioning.uncertain_until = new Date(clock.now() + settle_ms);
      },
    });
    return {
      record,
      account,
      admitRemoval: () => gate.admitRemoval(record.queue),
      name: `trunkline ${installation_id} ${integration_id}`,
      secure,
      call_transfers: record.call_transfers,
      sip_url: `sip:${sip_host};transport=${secure ? 'tls' : 'tcp'}`,
      credentials: (of) => openTrunkCredentials(secrets, record, of),
      rename: async () => {
        carrier.domain_name = drawDomainName(installation_id, record);
        await claim.write({ $set: { 'carrier.domain_name': carrier.domain_name } });
      },
    };
  };

  /**
   * Has the reconciler look at the numbers if the trunk was made again or moved. Returns what to write when the record
   * is settled: if this process ends before that, the numbers are requeued again. `before`: the trunk's id before this work.
   */
  const requeueIfMoved = async (
    { integration_id, carrier, provisioning }: IntegrationRecord,
    before: string | null | undefined,
  ): Promise<Record<string, unknown>> => {
    const trunk_sid = provisioning.parts.trunk?.resource_id;
    if (!trunk_sid || carrier.made_for === null) return {};
    const numbers_made_for = { ...carrier.made_for, trunk_sid };
    if (isDeepStrictEqual({ ...carrier.numbers_made_for }, numbers_made_for)) return {};
    // Without an earlier trunk, nothing was made for another one.
    if (before) await requeueNumbers(integration_id);
    return { 'carrier.numbers_made_for': numbers_made_for };
  };

  /** Makes what is missing. Throws what stopped it; the reconciler goes on unless Twilio refused and nothing is uncertain. */
  const make = async (claim: IntegrationClaim, waiting: Waiting = {}): Promise<void> => {
    const { provisioning } = claim.record;
    const begun = clock.now();
    const before = provisioning.parts.trunk?.resource_id;
    const doubt = provisioning.uncertain_until;
    try {
      await build(carrierParts, await jobOf(claim, waiting), progressOf(claim, clock.now));
    } catch (error) {
      const isRefused = error instanceof ProviderProblem && !error.passing;
      const goesOn = !isRefused || provisioning.uncertain_until !== null || claim.record.rotation !== null;
      await stop(claim, error, goesOn);
      throw error;
    }
    // After a look at a time when no late call could take effect, nothing exists besides what is recorded.
    const isSettled = provisioning.uncertain_until === doubt && doubt !== null && doubt.getTime() <= begun;
    const uncertain_until = isSettled ? null : provisioning.uncertain_until;
    const settled = { 'provisioning.uncertain_until': uncertain_until, 'provisioning.problem': null };
    const made = { ...settled, ...(await requeueIfMoved(claim.record, before)) };
    const { rotation } = claim.record;
    if (rotation && uncertain_until === null) await rotate.goOn(claim, rotation, made);
    else await claim.release({ $set: made }, { due_at: uncertain_until ?? undefined });
  };

  /** After a lost answer, once late calls are over: looks again, and removes duplicates. */
  const settle = async (claim: IntegrationClaim): Promise<void> => {
    const { uncertain_until } = claim.record.provisioning;
    if (uncertain_until === null || uncertain_until.getTime() <= clock.now()) return make(claim);
    await claim.release({}, { due_at: uncertain_until });
  };

  const whateverIsDue = (claim: IntegrationClaim): Promise<void> => {
    const { rotation, provisioning } = claim.record;
    const { credential, other_credential } = provisioning.parts;
    const isUnmade =
      provisioning.uncertain_until === null && !credential?.resource_id && !other_credential?.resource_id;
    // Only the first import makes a trunk.
    if (rotation && isUnmade) return rotate.goOn(claim, rotation);
    return isReady(claim.record) ? settle(claim) : make(claim);
  };

  /** Releases the record, and stores why it stopped and when to go on. */
  const stop = async (claim: IntegrationClaim, error: unknown, goesOn: boolean): Promise<void> => {
    if (!isOursToStore(error)) return;
    const { attempt } = claim.record.provisioning;
    await putOff(claim, goesOn ? new Date(clock.now() + retryMs(error, attempt)) : undefined, toldOf(error));
  };

  /** Integrations whose trunk this process is making: other requests here wait instead of trying to claim them. */
  const beingMade = new Set<IntegrationId>();
  /** How many of these have ended: a record that was read earlier is then out of date. */
  let ended = 0;

  const makeUnlessHeld = async (integration_id: IntegrationId, waiting: Waiting): Promise<void> => {
    beingMade.add(integration_id);
    try {
      const claim = await store.claim(integration_id);
      if (claim === undefined) await clock.sleep(LOOK_EVERY_MS);
      else if (!isReady(claim.record)) await make(claim, waiting).catch(store.goOnWhereLost(integration_id));
      else await claim.release({}, { due_at: dueAt(claim.record) });
    } finally {
      beingMade.delete(integration_id);
      ended++;
    }
  };

  return {
    jobOf,
    requeueIfMoved,

    /** The integration once its trunk exists, whoever makes it. `waiting.before` runs repeatedly and may stop the wait. */
    ensure: async (integration: IntegrationRecord, waiting: Waiting): Promise<IntegrationRecord> => {
      const { integration_id } = integration;
      if (isReady(integration)) return integration;
      for (;;) {
        await waiting.before?.();
        const begun = ended;
        const record = beingMade.has(integration_id) ? undefined : await requireActive(store, integration_id);
        if (record && isReady(record)) return record;
        if (beingMade.has(integration_id)) await clock.sleep(LOOK_EVERY_MS);
        else if (begun === ended) await makeUnlessHeld(integration_id, waiting);
      }
    },

    /** Checks the trunk at Twilio, makes again what somebody deleted, and returns the integration. */
    look: async (integration_id: IntegrationId, waiting: Waiting): Promise<IntegrationRecord> => {
      for (;;) {
        await waiting.before?.();
        const claim = await store.claim(integration_id);
        if (claim === undefined) {
          await requireActive(store, integration_id);
          await clock.sleep(LOOK_EVERY_MS);
          continue;
        }
        claim.record.provisioning.uncertain_until ??= new Date(clock.now());
        await make(claim, waiting).catch(store.goOnWhereLost(integration_id));
        return claim.record;
      }
    },

    sourceWith: (goOnDeleting: (claim: IntegrationClaim) => Promise<Worked>): Source => ({
      name: 'carrier trunks',
      dueQueues: store.dueQueues,
      claim: async (queue) => {
        const claim = await store.claimDue(queue);
        if (claim === undefined) return undefined;
        const { integration_id, state } = claim.record;
        if (state === 'deleting') return () => goOnDeleting(claim);
        // Without its credentials, nothing more can be done.
        if (state === 'gone') return () => claim.release({}).then(() => ({ outcome: 'settled', wait_ms: 0 }));
        return async () => {
          let wait_ms = 0;
          await whateverIsDue(claim)
            .catch(store.goOnWhereLost(integration_id))
            .catch((error: unknown) => {
              if (!(error instanceof Problem)) throw error;
              wait_ms = saidRetryAfterMs(error);
              log.warn(
                { event: 'provisioning_put_off', integration_id, err: error },
                'Work on the trunk of an integration was put off because Twilio failed: it is tried again',
              );
            });
          return { outcome: 'settled', wait_ms };
        };
      },
    }),
  };
};

export type Waiting = Pick<Guard, 'signal' | 'before' | 'waited'>;

/** `<name>.pstn.twilio.com`: letters, digits and dashes, unique at Twilio. The random end makes a second name differ. */
export const drawDomainName = (
  installation_id: string,
  { integration_id }: Pick<IntegrationRecord, 'integration_id'>,
): string =>
  `trunkline-${installation_id}-${integration_id.slice('intg_'.length)}-${drawToken().slice(0, 4)}.pstn.twilio.com`;
