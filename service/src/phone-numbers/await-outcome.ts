import { type PhoneNumberId, Problem } from '@trunkline/contracts';
import { type Clock, poll } from '../clock.ts';
import { refusalOf } from './change.ts';
import type { PhoneNumberRecord } from './record.ts';
import type { PhoneNumberStore } from './store.ts';

const LOOK_EVERY_MS = 100;

export interface AwaitOutcomeDependencies {
  store: Pick<PhoneNumberStore, 'getById'>;
  clock: Clock;
  deadline_ms: number;
}

export type AwaitOutcome = ReturnType<typeof createAwaitOutcome>;

/** Waits for an import that another request or replica carries out, and answers as that would. */
export const createAwaitOutcome =
  ({ store, clock, deadline_ms }: AwaitOutcomeDependencies) =>
  async (phone_number_id: PhoneNumberId): Promise<PhoneNumberRecord> => {
    const until = clock.now() + deadline_ms;
    const imported = await poll({ clock, until, every_ms: LOOK_EVERY_MS }, async () => {
      const record = await store.getById(phone_number_id);
      if (record === null || record.provisioning_state === 'importing') return undefined;
      const refusal = refusalOf(record, record.created_at);
      if (refusal) throw refusal;
      return record;
    });
    if (imported) return imported;
    throw new Problem(
      'phone_number_busy',
      'The import is still in progress. Look up the number, or retry, in a few seconds.',
      {
        retry_after_seconds: 5,
      },
    );
  };
