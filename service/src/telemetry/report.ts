import type { Clock } from '../clock.ts';
import type { Log } from './log.ts';
import type { Figures } from './measure.ts';

const INTERVAL_MS = 60_000;

export interface ReportDependencies {
  measure(): Promise<Figures | undefined>;
  clock: Clock;
  log: Log;
}

/** Logs the figures once a minute, for alarms where nothing reads the metrics. */
export const createReport = ({ measure, clock, log }: ReportDependencies) => {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const figures = await measure();
      if (figures !== undefined) log.info({ event: 'figures', ...figures }, 'Figures');
      await clock.sleep(INTERVAL_MS, stopping.signal).catch(() => {});
    }
  };

  return {
    start: (): void => {
      running ??= run();
    },
    stop: async (): Promise<void> => {
      stopping.abort();
      await running;
    },
  };
};
