import { Problem, type StepName } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import { isOursToStore, type Told, toldOf } from '../provisioning/lease.ts';
import { type Guard, isPassing, isRefusal, retryMs } from '../provisioning/provider.ts';
import { goBack, goForward, tidy } from '../provisioning/provision.ts';
import type { Deadline } from '../provisioning/tries.ts';
import type { Log } from '../telemetry/log.ts';
import { restoreRouting } from './carrier-side.ts';
import type { CarrierAccount, createJobs, Job } from './job.ts';
import type { Lifecycle } from './lifecycle.ts';
import { answerOf } from './line.ts';
import { steps } from './steps.ts';
import type { PhoneNumberClaim } from './store.ts';

export interface ReconcileDependencies {
  createJob: ReturnType<typeof createJobs>;
  lifecycle: Lifecycle;
  clock: Clock;
  log: Log;
  lease_ms: number;
  /** A call to a provider starts only when more than this is left of the lease. */
  call_ms: number;
  settle_ms: number;
}

export interface Going {
  /** Until then a busy provider is waited for. */
  deadline?: Deadline;
  /** Thrown in place of each call: the provider has said that it takes none for now. */
  refuse?: Problem | undefined;
  /** The account behind the number, where it has just been read. */
  account?: CarrierAccount;
}

/** What became of a record that was worked on. */
export type Outcome = 'settled' | 'removed' | 'postponed' | 'failed';

export type Reconcile = ReturnType<typeof createReconcile>;

/** By force a number is let go of though its account, as one that is closed, refuses to route it back. */
const despiteRefusal =
  ({ record: { phone_number, provisioning } }: PhoneNumberClaim) =>
  (name: StepName, error: unknown): Told | undefined =>
    provisioning.releasing?.force && name === 'carrier_routing' && isRefusal(error)
      ? {
          code: 'former_routing_refused',
          detail: `${phone_number} was released by force: ${error.detail} It may still be on Trunkline's trunk there.`,
        }
      : undefined;

/** Makes the world match one record, or the record match what the world refuses. The caller holds the claim. */
export const createReconcile = (deps: ReconcileDependencies) => {
  const { createJob, lifecycle, clock, log, lease_ms, call_ms, settle_ms } = deps;

  const jobOf = (claim: PhoneNumberClaim, { deadline, refuse, account }: Going = {}): Promise<Job> => {
    const guard: Guard = {
      signal: deadline?.signal,
      before: async () => {
        if (refuse) throw refuse;
        deadline?.signal.throwIfAborted();
        await claim.ensure(call_ms);
      },
      doubted: () => {
        claim.record.provisioning.doubtful_until = new Date(clock.now() + settle_ms);
      },
      waited: async ({ said_retry_after_ms }) => {
        // A little at random, so that those who were refused together do not come back together.
        const wait_ms = said_retry_after_ms * (1 + Math.random() / 4);
        if (!deadline || clock.now() + wait_ms >= deadline.at || wait_ms + call_ms >= lease_ms) return false;
        await claim.ensure(wait_ms + call_ms);
        await clock.sleep(wait_ms, deadline.signal).catch(() => deadline.signal.throwIfAborted());
        return true;
      },
    };
    return createJob(claim.record, guard, account);
  };

  /** Builds what is missing. */
  const forward = async (claim: PhoneNumberClaim, going?: Going): Promise<Outcome> => {
    await goForward(steps, await jobOf(claim, going), lifecycle.progressOf(claim));
    await lifecycle.imported(claim);
    return 'settled';
  };

  /** Takes away what was made; after a lost answer once more when it can have no effect any longer. Only then is the number free. */
  const back = async (claim: PhoneNumberClaim, going?: Going): Promise<Outcome> => {
    const begun = clock.now();
    await goBack(steps, await jobOf(claim, going), lifecycle.progressOf(claim), despiteRefusal(claim));
    const { doubtful_until } = claim.record.provisioning;
    if (doubtful_until !== null && doubtful_until.getTime() > begun) {
      await lifecycle.postponed(claim, doubtful_until);
      return 'postponed';
    }
    await lifecycle.removed(claim);
    return 'removed';
  };

  /** A caller's assignment at LiveKit, then in the record. */
  const assign = async (claim: PhoneNumberClaim): Promise<Outcome> => {
    const agent_id = claim.record.provisioning.assigning?.agent_id ?? null;
    await setAgent(claim, await jobOf(claim), agent_id);
    await lifecycle.assigned(claim);
    return 'settled';
  };

  /** Tells why it failed once the assignment is dropped. */
  const dropAssignment = async (claim: PhoneNumberClaim, error: unknown): Promise<never> => {
    if (isOursToStore(error)) await lifecycle.assignmentDropped(claim);
    throw error;
  };

  /** After a lost answer: nothing but what is recorded may be left, and it must be as recorded. */
  const settle = async (claim: PhoneNumberClaim): Promise<Outcome> => {
    const { doubtful_until } = claim.record.provisioning;
    if (doubtful_until !== null && doubtful_until.getTime() > clock.now()) {
      await lifecycle.postponed(claim, doubtful_until);
      return 'postponed';
    }
    const job = await jobOf(claim);
    await tidy(steps, job, lifecycle.progressOf(claim));
    await setAgent(claim, job, claim.record.assigned_agent_id);
    await restoreRouting(job);
    await lifecycle.settled(claim);
    return 'settled';
  };

  /** A rule that was deleted at LiveKit is made again. */
  const setAgent = async (claim: PhoneNumberClaim, job: Job, agent_id: string | null): Promise<void> => {
    const { inbound_trunk, dispatch_rule } = job.record.provisioning.steps;
    if (!inbound_trunk?.resource_id || !dispatch_rule?.resource_id) return;
    if (await job.switchboard.setAgent(dispatch_rule.resource_id, agent_id)) return;
    const answer = await answerOf(job, inbound_trunk.resource_id);
    const made = await job.switchboard.createDispatchRule({ ...answer, agent_id });
    await lifecycle.progressOf(claim).done('dispatch_rule', made);
  };

  const whateverIsDue = async (claim: PhoneNumberClaim): Promise<Outcome> => {
    const { provisioning_state, provisioning } = claim.record;
    if (provisioning_state === 'releasing') return back(claim);
    if (provisioning_state === 'importing') return forward(claim).catch((error: unknown) => turnBack(claim, error));
    return provisioning.assigning ? assign(claim) : settle(claim);
  };

  /** A definite refusal turns an import back, also where nobody waits for it any longer. */
  const turnBack = async (claim: PhoneNumberClaim, error: unknown): Promise<Outcome> => {
    if (!(error instanceof Problem) || isPassing(error)) throw error;
    await lifecycle.turnedBack(claim, error);
    return back(claim);
  };

  /** Logs why, and has the reconciler look again later. */
  const postponing =
    (claim: PhoneNumberClaim) =>
    async (error: unknown): Promise<Outcome> => {
      if (!isOursToStore(error)) throw error;
      const { phone_number_id, provisioning_state, provisioning } = claim.record;
      const isProblem = error instanceof Problem;
      const line = { phone_number_id, provisioning_state, err: error };
      if (isProblem) log.warn({ event: 'provisioning_put_off', ...line }, 'A provider failed: put off');
      else log.error({ event: 'provisioning_failed', ...line }, 'A phone number could not be worked on: put off');
      const due_at = new Date(clock.now() + retryMs(error, provisioning.attempt));
      await lifecycle.postponed(claim, due_at, toldOf(error));
      return isProblem ? 'postponed' : 'failed';
    };

  return {
    forward,
    back,
    postponing,
    assignOrDrop: (claim: PhoneNumberClaim): Promise<Outcome> =>
      assign(claim).catch((error: unknown) => dropAssignment(claim, error)),
    backOrPostpone: (claim: PhoneNumberClaim, going?: Going): Promise<Outcome> =>
      back(claim, going).catch(postponing(claim)),
    /** Does what is due about a record, whatever it is; puts it off where that fails. */
    reconcile: (claim: PhoneNumberClaim): Promise<Outcome> => whateverIsDue(claim).catch(postponing(claim)),
  };
};
