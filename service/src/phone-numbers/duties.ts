import type { PhoneNumberId } from '@trunkline/contracts';
import { LeaseLost } from '../provisioning/lease.ts';
import type { Duty } from '../provisioning/reconciler.ts';
import type { Strays } from '../provisioning/strays.ts';
import type { Reconcile } from './reconcile.ts';
import type { PhoneNumberStore } from './store.ts';
import type { createSweep } from './sweep.ts';
import type { Tombstones } from './tombstones.ts';

export interface DutyDependencies {
  store: PhoneNumberStore;
  tombstones: Tombstones;
  reconcile: Reconcile;
  sweep: ReturnType<typeof createSweep>;
  strays: Strays<PhoneNumberId>;
}

/** Background work on phone numbers: what was interrupted or put off, and what may have turned up after its record went. */
export const createPhoneNumberDuties = ({ store, tombstones, reconcile, sweep, strays }: DutyDependencies): Duty[] => [
  {
    name: 'phone numbers',
    claim: async () => {
      const claim = await store.claimDue();
      if (claim === undefined) return undefined;
      return () =>
        reconcile.reconcile(claim).catch((error: unknown) => {
          if (error instanceof LeaseLost) strays(claim.record.phone_number_id);
          throw error;
        });
    },
  },
  {
    name: 'tombstones',
    claim: async () => {
      const gone = await tombstones.claimDue();
      if (gone === undefined) return undefined;
      return async () => {
        await sweep(gone);
        return 'removed';
      };
    },
  },
];
