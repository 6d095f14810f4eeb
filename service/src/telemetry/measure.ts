import type { Clock } from '../clock.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

export interface MeasureDependencies {
  metrics: Pick<Metrics, 'phoneNumbers' | 'integrations' | 'reconcilerLag' | 'databaseUp'>;
  clock: Clock;
  log: Log;
  countByState(): Promise<Record<string, number>>;
  countByStatus(): Promise<Record<string, number>>;
  longestDue(): Promise<Date | undefined>;
}

/** The figures that are counted in the database. */
export interface Figures {
  phone_numbers: Record<string, number>;
  reconciler_lag_seconds: number;
}

/** Updates the figures that come from the database. If it does not answer, they stay, and `database_up` is 0. */
export const createMeasure =
  ({ metrics, clock, log, countByState, countByStatus, longestDue }: MeasureDependencies) =>
  async (): Promise<Figures | undefined> => {
    try {
      const [phone_numbers, accounts, due_at] = await Promise.all([countByState(), countByStatus(), longestDue()]);
      const reconciler_lag_seconds = due_at === undefined ? 0 : (clock.now() - due_at.getTime()) / 1000;
      for (const [state, count] of Object.entries(phone_numbers)) metrics.phoneNumbers.set({ state }, count);
      for (const [status, count] of Object.entries(accounts)) metrics.integrations.set({ status }, count);
      metrics.reconcilerLag.set(reconciler_lag_seconds);
      metrics.databaseUp.set(1);
      return { phone_numbers, reconciler_lag_seconds };
    } catch (error) {
      log.warn({ event: 'database_lost', err: error }, 'The database is not responding');
      metrics.databaseUp.set(0);
      return undefined;
    }
  };
