import type { Clock } from '../clock.ts';
import type { Background } from './background.ts';
import type { LookedAgain } from './lease.ts';

const MOST_LOOKS = 40;

export interface StrayDependencies<Id> {
  /** Has a record looked at again, unless somebody holds it or it is gone. */
  lookAgain(id: Id): Promise<LookedAgain>;
  /** What is done where the record is gone. */
  gone(id: Id): Promise<void>;
  clock: Clock;
  background: Background;
  lease_ms: number;
}

export type Strays<Id> = ReturnType<typeof createStrays<Id>>;

/**
 * A replica that lost its lease may have had a call under way, which then made something that no record names.
 * This has the record looked at again, once its new holder is done with it; nobody waits for that.
 */
export const createStrays = <Id>({ lookAgain, gone, clock, background, lease_ms }: StrayDependencies<Id>) => {
  const look = async (id: Id): Promise<void> => {
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const found = await lookAgain(id);
      if (found === 'gone') return gone(id);
      if (found === 'due') return;
      await clock.sleep(lease_ms / 10);
    }
  };
  return (id: Id): void => void background.run('Looking for strays', look(id));
};
