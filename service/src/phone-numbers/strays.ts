import type { PhoneNumberId } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import type { PhoneNumberStore } from './store.ts';
import type { Tombstones } from './tombstones.ts';

const MOST_LOOKS = 40;

export type Strays = ReturnType<typeof createStrays>;

/**
 * A replica that lost its lease may have had a call under way, which then made something that no record names.
 * This has the record, or its tombstone, looked at again once its new holder is done.
 */
export const createStrays =
  ({
    store,
    tombstones,
    clock,
    lease_ms,
  }: {
    store: PhoneNumberStore;
    tombstones: Tombstones;
    clock: Clock;
    lease_ms: number;
  }) =>
  async (phone_number_id: PhoneNumberId): Promise<void> => {
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const found = await store.lookAgain(phone_number_id);
      if (found === 'gone') return tombstones.lookAgain(phone_number_id);
      if (found === 'due') return;
      await clock.sleep(lease_ms / 10);
    }
  };
