import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { Dimensions } from './dimensions.ts';

/** What is watched, and from when on somebody is told. */
export interface AlarmSpec {
  name: string;
  /** What it means and where to look, for whoever is woken by it. */
  description: string;
  metric: { namespace: string; name: string; dimensions: Dimensions; statistic: string };
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
    this.names = specs.map(({ metric, above, below, ...spec }) => {
      const alarm = new aws.cloudwatch.MetricAlarm(
        `${name}-${spec.name}`,
        {
          alarmDescription: spec.description,
          namespace: metric.namespace,
          metricName: metric.name,
          dimensions: metric.dimensions,
          ...(/^p\d+$/.test(metric.statistic)
            ? { extendedStatistic: metric.statistic }
            : { statistic: metric.statistic }),
          period: spec.period,
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
