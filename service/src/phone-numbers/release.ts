import { type Caller, type ParsedReleasePhoneNumber, Problem, problemOf } from '@trunkline/contracts';
import type { Background } from '../background.ts';
import { type Clock, poll } from '../clock.ts';
import { requireRevisionOf } from '../database/revision.ts';
import { isBusy, isOursToStore, LeaseLost, tryAgain, watchRemovals } from '../provisioning/index.ts';
import { busy, getOwn, refusalOf } from './change.ts';
import type { Reconcile } from './reconcile.ts';
import { type Change, isBeingReleased, type PhoneNumberRecord } from './record.ts';
import type { PhoneNumberClaim, PhoneNumberStore } from './store.ts';

const LOOK_EVERY_MS = 100;

export interface ReleaseDependencies {
  store: PhoneNumberStore;
  reconcile: Reconcile;
  background: Background;
  clock: Clock;
  deadline_ms: number;
  retry_base_ms: number;
}

/** The outcome of a release: the record as it was last, or as it is while the release goes on in the background. */
export interface Release {
  record: PhoneNumberRecord;
  isDone: boolean;
}

/** Releases a number: its former routing is restored, and everything made for it is removed. */
export const createRelease = (deps: ReleaseDependencies) => {
  const { store, clock, deadline_ms } = deps;
  const letGo = createLetGo(deps);

  /** Waits for a release that another request carries out. */
  const awaitRelease = async (record: PhoneNumberRecord, at = record.provisioning.change?.at): Promise<Release> => {
    const { phone_number_id } = record;
    const until = clock.now() + deadline_ms;
    const done = await poll({ clock, until, every_ms: LOOK_EVERY_MS }, async () => {
      const now = await store.getById(phone_number_id);
      if (now?.holds === undefined) return { record: now ?? record, isDone: true };
      if (!isBeingReleased(now)) throw refusalOf(now, at) ?? busy(phone_number_id);
      return undefined;
    });
    return done ?? { record, isDone: false };
  };

  return async (
    caller: Caller,
    { phone_number_id, force, if_revision }: ParsedReleasePhoneNumber,
  ): Promise<Release> => {
    const { organization_id, key_id, request_id } = caller;
    const at = new Date(clock.now());
    const change: Change = {
      kind: 'release',
      wanted: null,
      actor: { key_id },
      request_id,
      ...(force && { force }),
      at,
    };
    const record = await getOwn(store, caller, { phone_number_id, if_revision });
    const { phone_number, assigned_agent_id } = record;
    const join = async (begun: PhoneNumberRecord): Promise<Release> => {
      if (!force) return awaitRelease(begun);
      await store.forceRelease(phone_number_id, change);
      return awaitRelease(begun, at);
    };
    if (isBeingReleased(record)) return join(record);
    if (assigned_agent_id !== null && !force) {
      throw new Problem(
        'phone_number_assigned',
        `${phone_number} is assigned to the agent ${assigned_agent_id}. Unassign it first, or release it with force=true.`,
      );
    }
    const claim = await store.startChange(record, change);
    if (claim !== undefined) return letGo(claim, () => awaitRelease(record, at));
    const now = await store.get(organization_id, phone_number_id);
    if (now) requireRevisionOf(phone_number_id, now.revision, if_revision);
    if (now === null || isBeingReleased(now)) return join(now ?? record);
    throw busy(phone_number_id);
  };
};

/** Answers by the deadline. A refusal before that and before any removal keeps the number; otherwise the release goes on. */
const createLetGo =
  ({ reconcile, background, clock, deadline_ms, retry_base_ms }: ReleaseDependencies) =>
  (claim: PhoneNumberClaim, awaitRelease: () => Promise<Release>): Promise<Release> => {
    const { record } = claim;
    const finished = new AbortController();
    const deadline = { at: clock.now() + deadline_ms, signal: new AbortController().signal };
    const isRemovalBegun = watchRemovals(record, new Date(clock.now()));
    let isAnswered = false;
    let isDropped = false;

    const carryOut = async (): Promise<Release> => {
      try {
        const outcome = await tryAgain(() => reconcile.back(claim, { deadline }), { clock, deadline, retry_base_ms });
        return { record, isDone: outcome === 'removed' };
      } catch (error) {
        if (!isOursToStore(error)) throw error;
        if (isAnswered || isRemovalBegun()) {
          await reconcile.postpone(claim, error);
          return { record, isDone: false };
        }
        isDropped = true;
        const problem = problemOf(error);
        try {
          await reconcile.drop(claim, problem);
        } catch (lost) {
          if (!(lost instanceof LeaseLost)) throw lost;
          // A forced release, which is another change, replaced it meanwhile and goes on at once.
          isDropped = false;
          await reconcile.postpone(claim, error);
          return { record, isDone: false };
        }
        // It is stored that the number stays. If the lease or the database is lost, the next to claim the record goes on.
        const restored = reconcile.restoreOrPostpone(claim, { refuse: isBusy(problem) ? problem : undefined });
        await restored.catch(() => undefined);
        throw problem;
      }
    };

    const outcome = background.run(
      'A release',
      carryOut()
        .catch((error: unknown) => {
          if (error instanceof LeaseLost) return awaitRelease();
          throw error;
        })
        .finally(() => finished.abort()),
    );
    const late = () => {
      if (isDropped) return outcome;
      isAnswered = true;
      return { record, isDone: false };
    };
    return Promise.race([outcome, clock.sleep(deadline_ms, finished.signal).then(late, () => outcome)]);
  };
