import { Problem, problemOf } from '@trunkline/contracts';
import type { Background } from '../background.ts';
import type { Clock } from '../clock.ts';
import { adding, type Deadline, isBusy, isOursToStore, LeaseLost, tryAgain } from '../provisioning/index.ts';
import type { CarrierAccount } from './job.ts';
import type { Reconcile } from './reconcile.ts';
import type { Change, PhoneNumberRecord } from './record.ts';
import type { PhoneNumberClaim } from './store.ts';

export interface InTimeDependencies {
  reconcile: Reconcile;
  background: Background;
  clock: Clock;
  deadline_ms: number;
  retry_base_ms: number;
}

/**
 * Carries out the change of a claimed record, all or nothing, and answers by the deadline. The outcome is stored before
 * the answer, and work still under way is finished in the background.
 */
export const createInTime = ({ background, clock, deadline_ms, reconcile, retry_base_ms }: InTimeDependencies) => {
  const carryOut = createCarryOut({ reconcile, clock, retry_base_ms });

  return (kind: Change['kind'], claim: PhoneNumberClaim, account?: CarrierAccount): Promise<PhoneNumberRecord> => {
    const deadline = new AbortController();
    const finished = new AbortController();
    let dropped: Promise<Problem> | undefined;
    /** Stores the first reason to drop the change, and returns that reason each time. */
    const dropChange = (problem: Problem): Promise<Problem> =>
      (dropped ??= reconcile.drop(claim, problem).then(() => problem));
    const until = { at: clock.now() + deadline_ms, signal: deadline.signal };
    const work = carryOut({ kind, claim, account, deadline: until, dropChange }).finally(() => finished.abort());

    const late = async () => {
      const problem = new Problem(
        'provider_timeout',
        `The ${kind} did not finish within ${deadline_ms / 1000} seconds and is being rolled back. Try again in a minute.`,
      );
      deadline.abort(problem);
      const told = await dropChange(problem).catch((error: unknown) => {
        // It was done at the last moment, or another replica took over: the work itself answers.
        if (error instanceof LeaseLost) return undefined;
        throw error;
      });
      if (told === undefined) return work;
      throw told === problem ? told : refusalOf(told, { kind, claim, became: BEING_SET_BACK });
    };

    const done = background.run(`The ${kind} of a number`, work);
    return Promise.race([done, clock.sleep(deadline_ms, finished.signal).then(late, () => done)]);
  };
};

interface CarryOut {
  kind: Change['kind'];
  claim: PhoneNumberClaim;
  account: CarrierAccount | undefined;
  deadline: Deadline;
  dropChange(problem: Problem): Promise<Problem>;
}

/** Goes forward, retrying passing failures. If that fails, drops the change and undoes what it can at once. */
const createCarryOut =
  ({ reconcile, clock, retry_base_ms }: Pick<InTimeDependencies, 'reconcile' | 'clock' | 'retry_base_ms'>) =>
  async ({ kind, claim, account, deadline, dropChange }: CarryOut): Promise<PhoneNumberRecord> => {
    const { signal } = deadline;
    try {
      await tryAgain((tries) => reconcile.forward(claim, { deadline, ...(tries === 1 && account && { account }) }), {
        clock,
        deadline,
        retry_base_ms,
      });
      return claim.record;
    } catch (error) {
      if (!signal.aborted && !isOursToStore(error)) throw error;
      // After the deadline dropped the change, later errors only follow from that.
      const problem = await dropChange(problemOf(signal.aborted ? signal.reason : error));
      const outcome = await reconcile
        .restoreOrPostpone(claim, { refuse: isBusy(problem) ? problem : undefined })
        .catch((lost: unknown) => {
          // The drop is stored: if the database is lost, the reconciler goes on.
          if (lost instanceof LeaseLost) throw lost;
          return 'postponed' as const;
        });
      throw refusalOf(problem, { kind, claim, became: outcome === 'settled' ? 'is as it was' : BEING_SET_BACK });
    }
  };

export const BEING_SET_BACK = 'is being set back to what it was';

/** Why a change was refused, and what became of the number. Nothing is left of an import. */
const refusalOf = (
  problem: Problem,
  { kind, claim, became }: Pick<CarryOut, 'kind' | 'claim'> & { became: string },
): Problem => {
  if (kind === 'import') return problem;
  const isStillDegraded = claim.record.provisioning.obstacle?.code === problem.code;
  return adding(problem, `The phone number ${isStillDegraded ? 'is still degraded' : became}.`);
};
