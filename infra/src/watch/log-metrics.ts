import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';

/** A metric from the service's log lines that match. */
export interface LogMetric {
  name: string;
  /** The line's event name, which is stable, unlike its message. */
  event: string;
  /** This field must have one of these values. */
  where?: { field: string; is: readonly string[] };
  /** The field that holds the number. If absent, each line counts as one. */
  value?: string;
  unit: 'Count' | 'Seconds';
}

/** Metrics come from the log, so the service needs no agent and no cloud-specific format. */
export const LOG_METRICS = {
  /** Imports that failed because of Twilio, LiveKit or the service. Errors of callers do not count. */
  failedImports: {
    name: 'FailedImports',
    event: 'import_ended',
    where: { field: 'outcome', is: ['provider_error', 'provider_unavailable', 'provider_timeout', 'internal'] },
    unit: 'Count',
  },
  imports: { name: 'Imports', event: 'import_ended', where: { field: 'outcome', is: ['imported'] }, unit: 'Count' },
  /** Work on a number that was postponed after a provider failed. */
  putOff: { name: 'ProvisioningPutOff', event: 'provisioning_put_off', unit: 'Count' },
  /** The reconciler cannot work, so leftovers at the providers stay. */
  reconcilerFailures: { name: 'ReconcilerFailures', event: 'reconciler_failed', unit: 'Count' },
  /** A repair would have removed more than usual, and waits for the operator. */
  stoppedRemovals: { name: 'StoppedRemovals', event: 'removals_stopped', unit: 'Count' },
  reconcilerLag: { name: 'ReconcilerLag', event: 'figures', value: 'reconciler_lag_seconds', unit: 'Seconds' },
  degraded: { name: 'DegradedNumbers', event: 'figures', value: 'phone_numbers.degraded', unit: 'Count' },
  active: { name: 'ActiveNumbers', event: 'figures', value: 'phone_numbers.active', unit: 'Count' },
  databaseLost: { name: 'DatabaseLost', event: 'database_lost', unit: 'Count' },
} as const satisfies Record<string, LogMetric>;

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html, for JSON. */
export const patternOf = ({ event, where }: LogMetric): string => {
  const isOneOf = where?.is.map((value) => `($.${where.field} = "${value}")`).join(' || ');
  return isOneOf === undefined ? `{ $.event = "${event}" }` : `{ ($.event = "${event}") && (${isOneOf}) }`;
};

export interface LogMetricsArgs {
  logGroupName: pulumi.Input<string>;
  namespace: string;
}

export class LogMetrics extends pulumi.ComponentResource {
  constructor(name: string, { logGroupName, namespace }: LogMetricsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:LogMetrics', name, {}, opts);
    for (const metric of Object.values<LogMetric>(LOG_METRICS)) {
      new aws.cloudwatch.LogMetricFilter(
        `${name}-${metric.name}`,
        {
          logGroupName,
          pattern: patternOf(metric),
          metricTransformation: {
            namespace,
            name: metric.name,
            value: metric.value === undefined ? '1' : `$.${metric.value}`,
            unit: metric.unit,
          },
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
