import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';

/** A metric made of those of the service's log lines that match. */
export interface LogMetric {
  name: string;
  /** What the line tells of: a name that stays, unlike its message. */
  event: string;
  /** Of this field, one of these values. */
  where?: { field: string; is: readonly string[] };
  /** The field whose number counts; absent: each line counts one. */
  value?: string;
  unit: 'Count' | 'Seconds';
}

/** Made of the log, so that the service needs no agent beside it and knows no cloud's format. */
export const LOG_METRICS = {
  /** Imports that failed because of Twilio, LiveKit or ourselves; a caller's own fault is none. */
  failedImports: {
    name: 'FailedImports',
    event: 'import_ended',
    where: { field: 'outcome', is: ['provider_error', 'provider_unavailable', 'provider_timeout', 'internal'] },
    unit: 'Count',
  },
  imports: { name: 'Imports', event: 'import_ended', where: { field: 'outcome', is: ['imported'] }, unit: 'Count' },
  /** Work on a number that a provider's failure put off. */
  putOff: { name: 'ProvisioningPutOff', event: 'provisioning_put_off', unit: 'Count' },
  /** The reconciler cannot do its work, and so what is left over at the providers stays there. */
  reconcilerFailures: { name: 'ReconcilerFailures', event: 'reconciler_failed', unit: 'Count' },
  /** Repairing was to take more away than is usual, and waits for the operator. */
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
