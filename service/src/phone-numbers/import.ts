import { type Caller, type IntegrationId, type ParsedImportPhoneNumber, Problem } from '@trunkline/contracts';
import { Types } from 'mongoose';
import { drawingIds } from '../database/connect.ts';
import { drawId } from '../database/ids.ts';
import { type Quotas, requireRoom } from '../database/quota.ts';
import { LeaseLost } from '../provisioning/index.ts';
import type { AwaitOutcome } from './await-outcome.ts';
import { createInTime, type InTimeDependencies } from './in-time.ts';
import type { CarrierAccount } from './job.ts';
import type { createNewRecord } from './new-record.ts';
import { isBeingReleased, type PhoneNumberRecord } from './record.ts';
import { refuseLocalAddress } from './server-address.ts';
import type { PhoneNumberStore } from './store.ts';

export interface ImportDependencies extends InTimeDependencies {
  store: PhoneNumberStore;
  newRecord: ReturnType<typeof createNewRecord>;
  awaitOutcome: AwaitOutcome;
  quotas: Pick<Quotas, 'phone_numbers'>;
  /** Whether a carrier may be on the machine that dials, as on a developer's. */
  allows_local_addresses: boolean;
  /** Throws unless the organization has this integration. */
  lineFor(caller: Caller, integration_id: IntegrationId): Promise<CarrierAccount>;
}

/** Makes a number ring. If anything fails, nothing is left of it. */
export const createImport = (deps: ImportDependencies) => {
  const { store, newRecord, awaitOutcome, lineFor, quotas, allows_local_addresses, ...carrying } = deps;
  const inTime = createInTime(carrying);

  const refuseTaken = async (caller: Caller, phone_number: string): Promise<PhoneNumberRecord> => {
    const holder = await store.getByNumber(phone_number);
    if (holder === null || isBeingReleased(holder)) {
      throw new Problem('phone_number_busy', `${phone_number} is being released. Try again in a few seconds.`, {
        retry_after_seconds: 5,
      });
    }
    const { organization_id, phone_number_id, provisioning_state } = holder;
    if (organization_id !== caller.organization_id) {
      throw new Problem(
        'phone_number_taken',
        `${phone_number} is already imported. A number can be imported only once. If it is yours, ask the operator of this service to release it.`,
      );
    }
    if (askedFor(holder, caller)) return awaitOutcome(phone_number_id);
    throw new Problem(
      'phone_number_taken',
      `${phone_number} is already imported, as ${phone_number_id}. Use that one, or release it first.`,
      {
        phone_number_id,
        provisioning_state,
      },
    );
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
    const newRecords = [first];
    const claim = await drawingIds(async () => store.insert(newRecords.pop() ?? (await drawRecord())));
    if (claim === undefined) return refuseTaken(caller, phone_number);
    return inTime('import', claim, account).catch((error: unknown) => {
      if (!(error instanceof LeaseLost)) throw error;
      return awaitOutcome(claim.record.phone_number_id);
    });
  };
};

/** Whether this same request, sent earlier, imported the number. */
const askedFor = (
  { created_at, provisioning: { imported_by } }: PhoneNumberRecord,
  { stored_request, idempotency_key }: Caller,
): boolean => {
  if (stored_request === undefined) return false;
  if (imported_by.stored_request === stored_request) return true;
  // Schema 1 stored only the key. A request stored after the import is another one, that reused the key after a day.
  const stored_at = new Types.ObjectId(stored_request).getTimestamp();
  return imported_by.idempotency_key === idempotency_key && stored_at <= created_at;
};

/** Returns a `quota_reached` problem, and throws any other error. */
const quotaReached = (error: unknown): Problem => {
  if (error instanceof Problem && error.code === 'quota_reached') return error;
  throw error;
};
