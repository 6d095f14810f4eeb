import { Problem } from '@trunkline/contracts';
import type { ClientSession } from 'mongoose';
import { type Clock, poll } from '../clock.ts';
import type { Transaction } from '../database/connect.ts';
import { adding, build, isOursToStore, LeaseLost, progressOf, tryAgain, waitWhileBusy } from '../provisioning/index.ts';
import { requireActive } from './accounts.ts';
import { type CarrierJob, carrierParts, dueAt } from './carrier-trunk.ts';
import type { Waiting } from './ensure-trunk.ts';
import type { IntegrationRecord } from './record.ts';
import type { IntegrationClaim, IntegrationStore, WrittenIntegration } from './store.ts';

const LOOK_EVERY_MS = 100;
export const AS_IT_WAS = 'The integration is as it was.';

export interface ChangeTrunkDependencies {
  store: Pick<IntegrationStore, 'getById' | 'claim' | 'goOnWhereLost'>;
  jobOf(claim: IntegrationClaim, waiting?: Waiting): Promise<CarrierJob>;
  /** Has the reconciler look at the numbers if the trunk was made again. Returns what to write with the change. */
  requeueIfMoved(record: IntegrationRecord, before: string | null | undefined): Promise<Record<string, unknown>>;
  inTransaction: Transaction;
  clock: Clock;
  retry_base_ms: number;
}

interface ChangeOptions {
  /** When to give up. */
  until: number;
  /** Writes the event, in the transaction of the change. */
  told(session: ClientSession): Promise<void>;
}

/** False: nothing was written, because the integration has changed since it was read. */
export type ChangeTrunk = (
  as_read: IntegrationRecord,
  written: WrittenIntegration,
  options: ChangeOptions,
) => Promise<boolean>;

/**
 * Changes settings of an integration that its trunk at Twilio must follow. Twilio is changed first. If it refuses, the
 * old settings stay in force on both sides. After a lost answer, the reconciler restores agreement.
 */
export const createChangeTrunk =
  ({ store, jobOf, requeueIfMoved, inTransaction, clock, retry_base_ms }: ChangeTrunkDependencies): ChangeTrunk =>
  async (as_read, written, { until, told }) => {
    const { integration_id, revision, status } = as_read;
    const claim = await poll({ clock, until, every_ms: LOOK_EVERY_MS }, async () => {
      const free = await store.claim(integration_id);
      if (free === undefined) await requireActive(store, integration_id);
      return free;
    });
    if (claim === undefined) throw busy(integration_id);
    const { record } = claim;
    const { provisioning } = record;
    const { call_transfers } = record;
    if (record.revision !== revision || record.status !== status) {
      await letGo(claim).catch(store.goOnWhereLost(integration_id));
      return false;
    }
    const before = provisioning.parts.trunk?.resource_id;
    const { rotation = record.rotation, ...rest } = written;
    Object.assign(record, rest);
    try {
      const isMade = provisioning.parts.trunk?.state === 'done';
      if (isMade) await carryOut(claim);
      const moved = isMade ? await requeueIfMoved(record, before) : {};
      // The rotation is stored before any of it is sent.
      record.rotation = rotation;
      await inTransaction(async (session) => {
        const $set = { ...written, ...settled(record), ...moved };
        await claim.release({ $set }, { session, only: { revision, status }, due_at: dueAt(record) });
        await told(session);
      });
    } catch (error) {
      if (!(error instanceof LeaseLost) && !isOursToStore(error)) throw error;
      // Change back what was changed before another part failed or somebody else changed the record.
      const isChanged = provisioning.parts.trunk?.sent?.call_transfers === written.call_transfers;
      if (isChanged && call_transfers !== null) provisioning.uncertain_until ??= new Date(clock.now());
      await letGo(claim).catch(store.goOnWhereLost(integration_id));
      if (error instanceof LeaseLost) return false;
      throw error instanceof Problem ? adding(error, AS_IT_WAS) : error;
    }
    return true;

    async function carryOut(claimed: IntegrationClaim): Promise<void> {
      const deadline = { at: until, signal: new AbortController().signal };
      const job = await jobOf(claimed, { waited: waitWhileBusy({ clock, deadline }) });
      const make = () => build(carrierParts, job, progressOf(claimed, clock.now));
      await tryAgain(make, { clock, deadline, retry_base_ms });
    }
  };

const settled = ({ provisioning }: IntegrationRecord) => ({
  'provisioning.uncertain_until': provisioning.uncertain_until,
});
const letGo = (claim: IntegrationClaim) =>
  claim.release({ $set: settled(claim.record) }, { due_at: dueAt(claim.record) });

const busy = (integration_id: string): Problem =>
  new Problem(
    'service_unavailable',
    `The trunk of ${integration_id} is being made or changed by another request. ${AS_IT_WAS} Try again in a few seconds.`,
    { retry_after_seconds: 5 },
  );
