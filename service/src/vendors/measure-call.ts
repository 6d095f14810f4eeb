import { Conflict, ProviderProblem } from '../provisioning/index.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Measures each call to a vendor, and logs those that fail. Expects errors that are already translated. */
export type MeasureCall = <T>(call: string, run: () => Promise<T>) => Promise<T>;

export const createMeasureCall =
  (
    provider: 'twilio' | 'livekit',
    { metrics, log }: { metrics: Pick<Metrics, 'providerCalls' | 'providerCallSeconds'>; log: Log },
  ): MeasureCall =>
  async (call, run) => {
    const measured = metrics.providerCallSeconds.startTimer({ provider, call });
    const count = (outcome: string) => {
      measured();
      metrics.providerCalls.inc({ provider, call, outcome });
    };
    try {
      const answer = await run();
      count('ok');
      return answer;
    } catch (error) {
      count(outcomeOf(error));
      log.warn({ event: 'provider_failed', provider, call, err: error }, 'A call to a provider failed');
      throw error;
    }
  };

const outcomeOf = (error: unknown): string => {
  if (error instanceof Conflict) return 'conflict';
  if (!(error instanceof ProviderProblem)) return 'unexpected';
  if (error.code === 'provider_credentials_refused') return 'refused';
  return error.code.replace('provider_', '');
};
