import { Problem } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import { guarded, isPassing, type Limiters, type Source, saidRetryAfterMs } from '../provisioning/index.ts';
import type { IntegrationRecord } from './record.ts';
import type { IntegrationStore } from './store.ts';

const HOUR_MS = 3_600_000;
const AGAIN_MS = 300_000;

export interface LookDependencies {
  store: Pick<IntegrationStore, 'queuesToCheck' | 'takeToCheck' | 'checkSooner'>;
  accountOf(record: IntegrationRecord): Promise<{ proveCredentials(): Promise<void> }>;
  limiterOf: Limiters;
  clock: Clock;
}

/** Checks hourly whether Twilio still accepts the credentials of each account. A refusal is reported once. */
export const createLookHourly = ({ store, accountOf, limiterOf, clock }: LookDependencies): Source => {
  const anHourAgo = () => new Date(clock.now() - HOUR_MS);
  return {
    name: 'accounts',
    dueQueues: () => store.queuesToCheck(anHourAgo()),
    claim: async (queue) => {
      const record = await store.takeToCheck(queue, anHourAgo());
      if (record === null) return undefined;
      return async () => {
        try {
          const limiter = limiterOf(record.account_sid);
          await guarded(await accountOf(record), { limiter }).proveCredentials();
          return { outcome: 'settled', wait_ms: 0 };
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          // Twilio did not answer properly, which says nothing about the account.
          if (isPassing(error))
            await store.checkSooner(record.integration_id, new Date(clock.now() - HOUR_MS + AGAIN_MS));
          return { outcome: 'postponed', wait_ms: saidRetryAfterMs(error) };
        }
      };
    },
  };
};
