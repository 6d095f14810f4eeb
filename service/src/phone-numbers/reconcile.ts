import { Problem } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import {
  build,
  type Deadline,
  type Gate,
  type Guard,
  isMissing,
  isOursToStore,
  isPassing,
  isRefusal,
  LeaseLost,
  Obstacle,
  Paused,
  type Progress,
  progressOf,
  retryMs,
  saidRetryAfterMs,
  type Told,
  tearDown,
  toldOf,
  type Worked,
  waitWhileBusy,
} from '../provisioning/index.ts';
import type { Log } from '../telemetry/log.ts';
import { lookForTrunk, verifyOwnership } from './carrier-side.ts';
import type { CarrierAccount, createJobs, Job } from './job.ts';
import type { Lifecycle } from './lifecycle.ts';
import { parts } from './parts.ts';
import { opensInbound, opensOutbound, type PartName, type PhoneNumberRecord, wantedOf } from './record.ts';
import type { PhoneNumberClaim, PhoneNumberStore } from './store.ts';
import { requireUnanswered } from './switchboard-side.ts';

export interface ReconcileDependencies {
  store: Pick<PhoneNumberStore, 'holdAgain' | 'requeue'>;
  createJob: ReturnType<typeof createJobs>;
  lifecycle: Lifecycle;
  gate: Pick<Gate, 'requireOpen'>;
  clock: Clock;
  log: Log;
  lease_ms: number;
  /** A call to a provider starts only if more than this is left of the lease. */
  call_ms: number;
  settle_ms: number;
}

export interface ReconcileOptions {
  /** Until when to wait for a busy provider. */
  deadline?: Deadline;
  /** Thrown instead of each call, because the provider has said that it takes none for now. */
  refuse?: Problem | undefined;
  /** The account behind the number, if it has just been read. */
  account?: CarrierAccount;
}

/** The outcome of work on a record. */
export type Outcome = 'settled' | 'removed' | 'postponed' | 'failed';

export type Reconcile = ReturnType<typeof createReconcile>;

/** Makes the providers match one record, or drops a change that they refuse. The caller holds the claim. */
export const createReconcile = (deps: ReconcileDependencies) => {
  const { store, createJob, lifecycle, gate, clock, log, lease_ms, call_ms, settle_ms } = deps;

  const jobOf = (claim: PhoneNumberClaim, { deadline, refuse, account }: ReconcileOptions = {}): Promise<Job> => {
    const hold = async (wait_ms: number) => {
      if (wait_ms + call_ms >= lease_ms) return false;
      await claim.ensure(wait_ms + call_ms);
      return true;
    };
    const guard: Guard = {
      signal: deadline?.signal,
      before: async () => {
        if (refuse) throw refuse;
        deadline?.signal.throwIfAborted();
        await gate.requireOpen();
        await claim.ensure(call_ms);
      },
      doubted: () => {
        claim.record.provisioning.uncertain_until = new Date(clock.now() + settle_ms);
      },
      ...(deadline && { waited: waitWhileBusy({ clock, deadline, hold }) }),
    };
    return createJob(claim, guard, account);
  };

  const progress = (claim: PhoneNumberClaim): Progress<PartName> => progressOf(claim, clock.now);

  /** Before anything is made that takes calls: the account must own the number, and nothing else may answer it. */
  const check = async (claim: PhoneNumberClaim, job: Job): Promise<void> => {
    if (job.record.provider === 'sip') return requireUnanswered(job);
    const { provisioning } = claim.record;
    const read_for = provisioning.change?.at;
    const seen = await verifyOwnership(job);
    provisioning.known = { ...seen, verified_at: new Date(clock.now()), ...(read_for && { read_for }) };
    claim.writeWithNext({ 'provisioning.known': provisioning.known });
  };

  const forward = async (claim: PhoneNumberClaim, options?: ReconcileOptions): Promise<Outcome> => {
    const { provisioning } = claim.record;
    const { change, uncertain_until } = provisioning;
    const begun = clock.now();
    const job = await jobOf(claim, options);
    if (isOrphan(job)) throw integrationGone(claim.record);
    if (opensInbound(claim.record)) await check(claim, job);
    else if (opensOutbound(claim.record)) await lookForTrunk(job);
    await build(parts, job, progress(claim));
    if (change) await lifecycle.reached(claim, change);
    else if (uncertain_until === null || uncertain_until.getTime() <= begun) await lifecycle.settled(claim);
    else await lifecycle.postponed(claim, uncertain_until);
    return 'settled';
  };

  /** Removes what was made. The number is free only once no call whose answer was lost can still take effect. */
  const back = async (claim: PhoneNumberClaim, options?: ReconcileOptions, isRepair = false): Promise<Outcome> => {
    const begun = clock.now();
    const job = await jobOf(claim, options);
    await tearDown(isOrphan(job) ? onSwitchboard : parts, job, progress(claim), {
      despite: despiteRefusal(claim.record),
      isRepair,
    });
    const { uncertain_until } = claim.record.provisioning;
    if (uncertain_until !== null && uncertain_until.getTime() > begun) {
      await lifecycle.postponed(claim, uncertain_until);
      return 'postponed';
    }
    await lifecycle.gone(claim);
    return 'removed';
  };

  /**
   * Removes leftovers that appeared after a record was released. The record holds its number again meanwhile, so that
   * nobody can import it. If somebody already has, the carrier's routing is theirs.
   */
  const removeLeftovers = async (claim: PhoneNumberClaim): Promise<Outcome> => {
    progress(claim).doubt();
    const job = await jobOf(claim);
    if (!isOrphan(job) && (await store.holdAgain(claim))) return back(claim, {}, true);
    await tearDown(onSwitchboard, job, progress(claim), { isRepair: true });
    await lifecycle.gone(claim);
    return 'removed';
  };

  /** Without a change to carry out, sends nothing while a late call may still take effect. */
  const confirm = async (claim: PhoneNumberClaim, options?: ReconcileOptions): Promise<Outcome> => {
    const { uncertain_until } = claim.record.provisioning;
    if (uncertain_until === null || uncertain_until.getTime() <= clock.now()) return forward(claim, options);
    await lifecycle.postponed(claim, uncertain_until);
    return 'postponed';
  };

  const whateverIsDue = (claim: PhoneNumberClaim): Promise<Outcome> => {
    const { record } = claim;
    if (record.provisioning_state === 'gone') return removeLeftovers(claim);
    if (wantedOf(record) === null) return back(claim);
    if (record.provisioning.change === null) return confirm(claim);
    return forward(claim).catch((error: unknown) => dropChange(claim, error));
  };

  /** A definite refusal ends a change, even if nobody waits for it any longer. */
  const dropChange = async (claim: PhoneNumberClaim, error: unknown): Promise<Outcome> => {
    if (!(error instanceof Problem) || isPassing(error)) throw error;
    await lifecycle.dropped(claim, error);
    return restore(claim);
  };

  /** Undoes a dropped change: removes an import, and sets any other number back to what it was. */
  const restore = (claim: PhoneNumberClaim, options?: ReconcileOptions): Promise<Outcome> =>
    wantedOf(claim.record) === null ? back(claim, options) : confirm(claim, options);

  /** Logs the error, and has the reconciler try again later. */
  const postponing =
    (claim: PhoneNumberClaim) =>
    async (error: unknown): Promise<Outcome> => {
      if (!isOursToStore(error)) throw error;
      const { phone_number_id, provisioning_state, provisioning } = claim.record;
      const line = { phone_number_id, provisioning_state, err: error };
      if (isObstacle(claim.record, error)) {
        log.warn(
          { event: 'provisioning_put_off', ...line },
          'Something that Trunkline may not change keeps a phone number from working',
        );
        // What a person wanted so stays for a while; a refusal may be over in a moment.
        const again_ms = error instanceof Obstacle ? LOOK_AGAIN_MS : retryMs(error, provisioning.attempt);
        await lifecycle.obstructed(claim, toldOf(error), new Date(clock.now() + again_ms));
        return 'postponed';
      }
      // Paused work does not count as an attempt.
      if (error instanceof Paused) claim.writeWithNext({ 'provisioning.attempt': provisioning.attempt - 1 });
      const isProblem = error instanceof Problem;
      if (isProblem)
        log.warn(
          { event: 'provisioning_put_off', ...line },
          'Work on a phone number was put off because a provider failed: it is tried again',
        );
      else
        log.error(
          { event: 'provisioning_failed', ...line },
          'Work on a phone number failed because of a defect: it is tried again',
        );
      const due_at = new Date(clock.now() + retryMs(error, provisioning.attempt));
      await lifecycle.postponed(claim, due_at, toldOf(error));
      return isProblem ? 'postponed' : 'failed';
    };

  /** If the lease is lost, its new holder goes on, and the record is requeued to look for what this replica may have made. */
  const noting =
    <Args extends unknown[], T>(work: (claim: PhoneNumberClaim, ...args: Args) => Promise<T>) =>
    (claim: PhoneNumberClaim, ...args: Args): Promise<T> =>
      work(claim, ...args).catch(async (error: unknown) => {
        if (error instanceof LeaseLost) await store.requeue(claim.record);
        throw error;
      });

  return {
    forward: noting(forward),
    /** Stores that the change was refused. Call `restoreOrPostpone` next. */
    drop: noting(lifecycle.dropped),
    back: noting(back),
    postpone: noting((claim: PhoneNumberClaim, error: unknown) => postponing(claim)(error)),
    restoreOrPostpone: noting((claim: PhoneNumberClaim, options?: ReconcileOptions) =>
      restore(claim, options).catch(postponing(claim)),
    ),
    /** Does what is due for a record. If that fails, postpones it. */
    reconcile: noting(async (claim: PhoneNumberClaim): Promise<Worked> => {
      let wait_ms = 0;
      const outcome = await whateverIsDue(claim).catch((error: unknown) => {
        wait_ms = saidRetryAfterMs(error);
        return postponing(claim)(error);
      });
      return { outcome, wait_ms };
    }),
  };
};

/** How often something that only a person may change is looked at. */
const LOOK_AGAIN_MS = 3_600_000;

/** Whether something of a number is missing and is refused, and no change can be dropped for that. */
const isObstacle = (record: PhoneNumberRecord, error: unknown): boolean => {
  if (record.provisioning.change !== null || wantedOf(record) === null) return false;
  const isRefused = error instanceof Problem && !isPassing(error) && !(error instanceof Paused);
  return error instanceof Obstacle || (isRefused && isMissing(error));
};

const onSwitchboard = parts.filter(({ name }) => !name.startsWith('carrier_'));

/** Its integration was deleted, before anything was made with it or after all was released: the carrier is out of reach. */
const isOrphan = ({ record, carrier }: Job): boolean => record.provider === 'twilio' && carrier === undefined;

const integrationGone = ({ phone_number }: PhoneNumberRecord): Problem =>
  new Problem(
    'integration_not_found',
    `The integration of ${phone_number} was deleted. Import the number with another one.`,
  );

/** A forced release goes on even if the account, for example a closed one, refuses to restore the routing. */
const despiteRefusal =
  ({ phone_number, provisioning }: PhoneNumberRecord) =>
  (name: PartName, error: unknown): Told | undefined =>
    provisioning.change?.force && ['carrier_routing', 'carrier_region'].includes(name) && isRefusal(error)
      ? {
          code: 'former_routing_refused',
          detail: `${phone_number} was released by force: ${error.detail} It may still be on Trunkline's trunk there.`,
        }
      : undefined;
