import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

export interface MeasureDependencies {
  metrics: Pick<Metrics, 'phoneNumbers' | 'reconcilerLag' | 'databaseUp'>;
  clock: Clock;
  log: Log;
  countByState(): Promise<Record<string, number>>;
  longestDue(): Promise<Date | undefined>;
}

/** Brings the figures that stand in the database up to date; without a database they stay, and `database_up` is 0. */
export const createMeasure =
  ({ metrics, clock, log, countByState, longestDue }: MeasureDependencies) =>
  async (): Promise<void> => {
    try {
      const [counts, due_at] = await Promise.all([countByState(), longestDue()]);
      for (const [state, count] of Object.entries(counts)) metrics.phoneNumbers.set({ state }, count);
      metrics.reconcilerLag.set(due_at === undefined ? 0 : (clock.now() - due_at.getTime()) / 1000);
      metrics.databaseUp.set(1);
    } catch (error) {
      log.warn({ err: error }, 'The database does not answer');
      metrics.databaseUp.set(0);
    }
  };
