import {
  type Caller,
  type ImportPhoneNumber,
  type IntegrationId,
  type PhoneNumberId,
  Problem,
} from '@trunkline/contracts';
import type { Background } from '../background.ts';
import type { Clock } from '../clock.ts';
import { drawingIds } from '../connect.ts';
import { LeaseLost } from '../lease.ts';
import { backoffMs, isPassing } from '../provider.ts';
import { drawId } from '../random.ts';
import type { Strays } from '../strays.ts';
import type { createDraft } from './draft.ts';
import type { Follow } from './follow.ts';
import type { CarrierAccount } from './job.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Reconcile } from './reconcile.ts';
import type { PhoneNumberRecord } from './record.ts';
import type { PhoneNumberClaim, PhoneNumberStore } from './store.ts';

/** A passing failure of a provider is tried again this often before the caller hears of it. */
const MOST_TRIES = 3;

export interface ImportDependencies {
  store: PhoneNumberStore;
  draft: ReturnType<typeof createDraft>;
  reconcile: Reconcile;
  lifecycle: Lifecycle;
  follow: Follow;
  strays: Strays<PhoneNumberId>;
  background: Background;
  clock: Clock;
  deadline_ms: number;
  retry_base_ms: number;
  /** Throws unless the organization has this integration. */
  lineFor(caller: Caller, integration_id: IntegrationId): Promise<CarrierAccount>;
}

/** Makes a number ring: all of it or nothing, whatever fails. */
export const createImport = ({ store, draft, follow, lineFor, ...carrying }: ImportDependencies) => {
  const withinDeadline = createDeadline(carrying);

  const refuseTaken = async (caller: Caller, phone_number: string): Promise<PhoneNumberRecord> => {
    const holder = await store.getByNumber(phone_number);
    if (holder === null || holder.provisioning_state === 'releasing') {
      throw new Problem('phone_number_busy', `${phone_number} is being let go of. Import it again in a few seconds.`, {
        retry_after_seconds: 5,
      });
    }
    const { organization_id, phone_number_id, provisioning_state, provisioning } = holder;
    if (organization_id !== caller.organization_id) {
      throw new Problem(
        'phone_number_taken',
        `${phone_number} is imported already. Each number can be imported once; if it is yours, ask whoever runs this service.`,
      );
    }
    const isSameRequest =
      caller.idempotency_key !== undefined && caller.idempotency_key === provisioning.imported_by.idempotency_key;
    if (isSameRequest) return follow(phone_number_id);
    throw new Problem('phone_number_taken', `${phone_number} is imported already, as ${phone_number_id}.`, {
      phone_number_id,
      provisioning_state,
    });
  };

  return async (caller: Caller, input: ImportPhoneNumber): Promise<PhoneNumberRecord> => {
    const account = input.provider === 'twilio' ? await lineFor(caller, input.integration_id) : undefined;
    const claim = await drawingIds(async () => store.insert(await draft(caller, input, drawId('phon'))));
    if (claim === undefined) return refuseTaken(caller, input.phone_number);
    return withinDeadline(claim, account).catch((error: unknown) => {
      if (!(error instanceof LeaseLost)) throw error;
      return follow(claim.record.phone_number_id);
    });
  };
};

type Carrying = Pick<
  ImportDependencies,
  'reconcile' | 'lifecycle' | 'strays' | 'background' | 'clock' | 'deadline_ms' | 'retry_base_ms'
>;

/** Answers by the deadline, with what was stored before; what is under way then is finished in the background. */
const createDeadline = ({ background, strays, lifecycle, clock, deadline_ms, ...carrying }: Carrying) => {
  const carryOut = createCarryOut({ ...carrying, lifecycle, clock });

  return (claim: PhoneNumberClaim, account: CarrierAccount | undefined): Promise<PhoneNumberRecord> => {
    const deadline = new AbortController();
    const finished = new AbortController();
    const outcome = carryOut(claim, account, deadline.signal)
      .catch((error: unknown) => {
        if (error instanceof LeaseLost) strays(claim.record.phone_number_id);
        throw error;
      })
      .finally(() => finished.abort());

    const late = async () => {
      const problem = new Problem(
        'provider_timeout',
        `The import took longer than ${deadline_ms / 1000} seconds. What was made is being undone: import it again in a minute.`,
      );
      deadline.abort(problem);
      if (await lifecycle.turnedBack(claim, problem)) throw problem;
      const { failure } = claim.record.provisioning;
      if (failure === null) return outcome;
      throw new Problem(failure.code, failure.detail);
    };

    const inTime = background.run('An import', outcome);
    return Promise.race([inTime, clock.sleep(deadline_ms, finished.signal).then(late, () => inTime)]);
  };
};

/** Goes forward, more than once if a provider fails in passing; else turns back, and undoes what it can at once. */
const createCarryOut =
  ({ reconcile, lifecycle, clock, retry_base_ms }: Omit<Carrying, 'background' | 'strays' | 'deadline_ms'>) =>
  async (
    claim: PhoneNumberClaim,
    account: CarrierAccount | undefined,
    deadline: AbortSignal,
  ): Promise<PhoneNumberRecord> => {
    const forward = async (tries: number): Promise<void> => {
      try {
        const before = () => deadline.throwIfAborted();
        await reconcile.forward(claim, { before, ...(tries === 1 && account && { account }) });
      } catch (error) {
        if (!isPassing(error) || tries === MOST_TRIES || deadline.aborted) throw error;
        await clock.sleep(backoffMs(tries, retry_base_ms), deadline).catch(() => deadline.throwIfAborted());
        await forward(tries + 1);
      }
    };

    try {
      await forward(1);
      return claim.record;
    } catch (error) {
      // Where the deadline has turned it back, whatever came after is a consequence of that.
      const problem: unknown = deadline.aborted ? deadline.reason : error;
      if (!(problem instanceof Problem)) throw problem;
      await lifecycle.turnedBack(claim, problem);
      await reconcile.backOrPostpone(claim);
      throw problem;
    }
  };
