import type { PhoneNumberId } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import { goBack } from '../provisioning/provision.ts';
import type { Strays } from '../provisioning/strays.ts';
import type { createJobs } from './job.ts';
import type { Reconcile } from './reconcile.ts';
import type { PhoneNumberRecord } from './record.ts';
import { steps } from './steps.ts';
import type { PhoneNumberStore } from './store.ts';
import type { Tombstones } from './tombstones.ts';

export interface SweepDependencies {
  store: PhoneNumberStore;
  tombstones: Tombstones;
  reconcile: Reconcile;
  createJob: ReturnType<typeof createJobs>;
  strays: Strays<PhoneNumberId>;
  clock: Clock;
}

/**
 * Takes away what turned up for a record that is gone. The record comes back for that moment, so that nobody
 * imports the number meanwhile; where somebody has already, only LiveKit is swept, and theirs is looked at again.
 */
export const createSweep =
  ({ store, tombstones, reconcile, createJob, strays, clock }: SweepDependencies) =>
  async (gone: PhoneNumberRecord): Promise<void> => {
    const provisioning = { ...gone.provisioning, doubtful_until: new Date(clock.now()) };
    const claim = await store.insert({ ...gone, provisioning_state: 'releasing', provisioning });
    if (claim !== undefined) await reconcile.backOrPostpone(claim);
    else {
      await goBack(onSwitchboard, await createJob(gone, {}), looking);
      const holder = await store.getByNumber(gone.phone_number);
      if (holder !== null) strays(holder.phone_number_id);
    }
    await tombstones.laid(gone.phone_number_id);
  };

const onSwitchboard = steps.filter(({ name }) => name.endsWith('_trunk') || name === 'dispatch_rule');
const nothing = async () => {};
const looking = {
  doubtful: () => true,
  of: () => undefined,
  done: nothing,
  doneAlongside: () => {},
  undone: nothing,
  failed: nothing,
  flush: nothing,
};
