import {
  type Caller,
  type IntegrationId,
  type ParsedImportPhoneNumber,
  Problem,
  problemOf,
} from '@trunkline/contracts';
import { Types } from 'mongoose';
import type { Clock } from '../clock.ts';
import { drawingIds } from '../database/connect.ts';
import { drawId } from '../database/ids.ts';
import { type Quotas, requireRoom } from '../database/quota.ts';
import type { Background } from '../provisioning/background.ts';
import { isOursToStore, LeaseLost } from '../provisioning/lease.ts';
import { isBusy } from '../provisioning/provider.ts';
import { type Deadline, tryAgain } from '../provisioning/tries.ts';
import type { AwaitOutcome } from './await-outcome.ts';
import type { CarrierAccount } from './job.ts';
import type { createNewRecord } from './new-record.ts';
import type { Reconcile } from './reconcile.ts';
import type { PhoneNumberRecord } from './record.ts';
import { refuseLocalAddress } from './server-address.ts';
import type { PhoneNumberClaim, PhoneNumberStore } from './store.ts';

export interface ImportDependencies {
  store: PhoneNumberStore;
  newRecord: ReturnType<typeof createNewRecord>;
  reconcile: Reconcile;
  awaitOutcome: AwaitOutcome;
  background: Background;
  clock: Clock;
  deadline_ms: number;
  retry_base_ms: number;
  quotas: Pick<Quotas, 'phone_numbers'>;
  /** Whether a carrier may be on the machine that dials: on a developer's it may. */
  allows_local_addresses: boolean;
  /** Throws unless the organization has this integration. */
  lineFor(caller: Caller, integration_id: IntegrationId): Promise<CarrierAccount>;
}

/** Makes a number ring: all of it or nothing, whatever fails. */
export const createImport = (deps: ImportDependencies) => {
  const { store, newRecord, awaitOutcome, lineFor, quotas, allows_local_addresses, ...carrying } = deps;
  const withinDeadline = createDeadline(carrying);

  const refuseTaken = async (caller: Caller, phone_number: string): Promise<PhoneNumberRecord> => {
    const holder = await store.getByNumber(phone_number);
    if (holder === null || ['releasing', 'gone'].includes(holder.provisioning_state)) {
      throw new Problem('phone_number_busy', `${phone_number} is being released. Try again in a few seconds.`, {
        retry_after_seconds: 5,
      });
    }
    const { organization_id, phone_number_id, provisioning_state } = holder;
    if (organization_id !== caller.organization_id) {
      throw new Problem(
        'phone_number_taken',
        `${phone_number} is already imported. A number can be imported once; if it is yours, ask the operator of this service.`,
      );
    }
    if (askedFor(holder, caller)) return awaitOutcome(phone_number_id);
    throw new Problem('phone_number_taken', `${phone_number} is already imported, as ${phone_number_id}.`, {
      phone_number_id,
      provisioning_state,
    });
  };

  return async (caller: Caller, input: ParsedImportPhoneNumber): Promise<PhoneNumberRecord> => {
    if (input.provider === 'sip' && !allows_local_addresses) refuseLocalAddress(input.sip_server_address);
    const { organization_id } = caller;
    const { phone_number } = input;
    const drawRecord = () => newRecord(caller, input, drawId('phon'));
    const room = requireRoom('phone_numbers', quotas.phone_numbers, (limit) => store.count(organization_id, limit));
    const [account, first, full] = await Promise.all([
      input.provider === 'twilio' ? lineFor(caller, input.integration_id) : undefined,
      drawRecord(),
      room.catch(quotaReached),
    ]);
    if (full && (await store.getByNumber(phone_number))?.organization_id !== organization_id) throw full;
    const drafts = [first];
    const claim = await drawingIds(async () => store.insert(drafts.pop() ?? (await drawRecord())));
    if (claim === undefined) return refuseTaken(caller, phone_number);
    return withinDeadline(claim, account).catch((error: unknown) => {
      if (!(error instanceof LeaseLost)) throw error;
      return awaitOutcome(claim.record.phone_number_id);
    });
  };
};

/** Whether this very request, sent before, is what the number is imported by. */
const askedFor = (
  { created_at, provisioning: { imported_by } }: PhoneNumberRecord,
  { stored_request, idempotency_key }: Caller,
): boolean => {
  if (stored_request === undefined) return false;
  if (imported_by.stored_request === stored_request) return true;
  // Of schema 1: the same key, and no later request that came when its day was over.
  const stored_at = new Types.ObjectId(stored_request).getTimestamp();
  return imported_by.idempotency_key === idempotency_key && stored_at <= created_at;
};

/** The problem where that is it. */
const quotaReached = (error: unknown): Problem => {
  if (error instanceof Problem && error.code === 'quota_reached') return error;
  throw error;
};

type Carrying = Pick<ImportDependencies, 'reconcile' | 'background' | 'clock' | 'deadline_ms' | 'retry_base_ms'>;

/** Answers by the deadline, with what was stored before; what is under way then is finished in the background. */
const createDeadline = ({ background, clock, deadline_ms, reconcile, ...carrying }: Carrying) => {
  const carryOut = createCarryOut({ ...carrying, reconcile, clock });

  return (claim: PhoneNumberClaim, account: CarrierAccount | undefined): Promise<PhoneNumberRecord> => {
    const deadline = new AbortController();
    const finished = new AbortController();
    let turned: Promise<Problem> | undefined;
    /** Stores once why it goes back, whoever finds out first, and tells it. */
    const turnBack = (problem: Problem): Promise<Problem> =>
      (turned ??= reconcile.drop(claim, problem).then(() => problem));
    const until = { at: clock.now() + deadline_ms, signal: deadline.signal };
    const outcome = carryOut({ claim, account, deadline: until, turnBack }).finally(() => finished.abort());

    const late = async () => {
      const problem = new Problem(
        'provider_timeout',
        `The import did not finish within ${deadline_ms / 1000} seconds and is being rolled back. Try again in a minute.`,
      );
      deadline.abort(problem);
      const told = await turnBack(problem).catch((error: unknown) => {
        // Imported in the last moment, or taken over: how it ends is told by the work itself.
        if (error instanceof LeaseLost) return undefined;
        throw error;
      });
      if (told === undefined) return outcome;
      throw told;
    };

    const inTime = background.run('An import', outcome);
    return Promise.race([inTime, clock.sleep(deadline_ms, finished.signal).then(late, () => inTime)]);
  };
};

interface CarryOut {
  claim: PhoneNumberClaim;
  account: CarrierAccount | undefined;
  deadline: Deadline;
  turnBack(problem: Problem): Promise<Problem>;
}

/** Goes forward, more than once if a provider fails in passing; else turns back, and undoes what it can at once. */
const createCarryOut =
  ({ reconcile, clock, retry_base_ms }: Pick<Carrying, 'reconcile' | 'clock' | 'retry_base_ms'>) =>
  async ({ claim, account, deadline, turnBack }: CarryOut): Promise<PhoneNumberRecord> => {
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
      // Where the deadline has turned it back, whatever came after is a consequence of that.
      const problem = await turnBack(problemOf(signal.aborted ? signal.reason : error));
      await reconcile
        .backOrPostpone(claim, { refuse: isBusy(problem) ? problem : undefined })
        .catch((lost: unknown) => {
          // It is stored that it goes back: with the database lost, the reconciler goes on.
          if (lost instanceof LeaseLost) throw lost;
        });
      throw problem;
    }
  };
