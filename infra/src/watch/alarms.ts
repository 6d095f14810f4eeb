import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';

/** What CloudWatch tells one metric from another of its name by. */
export type Dimensions = Record<string, pulumi.Input<string>>;

/** What is watched, and from when on somebody is told. */
export interface AlarmSpec {
  name: string;
  /** What it means and where to look, for whoever is woken by it. */
  description: string;
  metric: { namespace: string; name: string; dimensions: Dimensions; statistic: string };
  /** Makes it a rate, in percent: of what, and how many there must be before it counts. */
  rate?: { of: string; floor: number };
  above?: number;
  below?: number;
  /** Seconds that make one datapoint. */
  period: number;
  /** This many datapoints, of as many, are over the line. */
  datapoints: number;
  /** Whether silence is bad news. */
  missing: 'breaching' | 'notBreaching';
}

export interface AlarmsArgs {
  specs: readonly AlarmSpec[];
  topicArn: pulumi.Input<string>;
}

export class Alarms extends pulumi.ComponentResource {
  /** For deployments, which end where one of them goes off. */
  readonly names: pulumi.Output<string>[];

  constructor(name: string, { specs, topicArn }: AlarmsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Alarms', name, {}, opts);
    this.names = specs.map(({ metric, above, below, rate, ...spec }) => {
      const alarm = new aws.cloudwatch.MetricAlarm(
        `${name}-${spec.name}`,
        {
          alarmDescription: spec.description,
          ...(rate ? { metricQueries: rateOf(metric, rate, spec.period) } : single(metric, spec.period)),
          evaluationPeriods: spec.datapoints,
          datapointsToAlarm: spec.datapoints,
          threshold: above ?? below ?? 0,
          comparisonOperator: above === undefined ? 'LessThanThreshold' : 'GreaterThanThreshold',
          treatMissingData: spec.missing,
          alarmActions: [topicArn],
          okActions: [topicArn],
        },
        { parent: this },
      );
      return alarm.name;
    });
    this.registerOutputs({});
  }
}

const single = ({ namespace, name, dimensions, statistic }: AlarmSpec['metric'], period: number) => ({
  namespace,
  metricName: name,
  dimensions,
  ...(/^p\d+$/.test(statistic) ? { extendedStatistic: statistic } : { statistic }),
  period,
});

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html */
const rateOf = (
  { namespace, name, dimensions, statistic: stat }: AlarmSpec['metric'],
  { of, floor }: NonNullable<AlarmSpec['rate']>,
  period: number,
) => [
  {
    id: 'rate',
    label: `${name} in percent of ${of}`,
    expression: `IF(FILL(part, 0) >= ${floor}, 100 * FILL(part, 0) / whole, 0)`,
    returnData: true,
  },
  { id: 'part', metric: { namespace, metricName: name, dimensions, stat, period } },
  { id: 'whole', metric: { namespace, metricName: of, dimensions, stat, period } },
];
