import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { Config } from '../config/config.ts';
import { publishTo } from '../service/iam.ts';

/** CloudWatch dimensions: they distinguish metrics of the same name. */
export type Dimensions = Record<string, pulumi.Input<string>>;

/** A metric, and when to notify somebody about it. */
export interface AlarmSpec {
  name: string;
  /** For the person on call: what it means, and where to look. */
  description: string;
  metric: { namespace: string; name: string; dimensions: Dimensions; statistic: string };
  /** Makes the alarm a rate in percent of the metric `of`. Counts below `floor` are ignored. */
  rate?: { of: string; floor: number };
  above?: number;
  below?: number;
  /** Seconds per datapoint. */
  period: number;
  /** How many consecutive datapoints must be over the threshold. */
  datapoints: number;
  /** Whether missing data sets the alarm off. */
  missing: 'breaching' | 'notBreaching';
}

export interface AlarmsArgs {
  specs: readonly AlarmSpec[];
  topicArn: pulumi.Input<string>;
}

export class Alarms extends pulumi.ComponentResource {
  /** Physical names, for alarms that end a deployment. */
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

export interface NotificationsArgs {
  alarms: Config['alarms'];
  accountId: string;
}

/** Where alarms go: your topic, or a new one with an e-mail subscription that its recipient must confirm. */
export class Notifications extends pulumi.ComponentResource {
  readonly topicArn: pulumi.Output<string>;

  constructor(name: string, { alarms, accountId }: NotificationsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Notifications', name, {}, opts);
    const parent = { parent: this };
    if (alarms !== undefined && 'snsArn' in alarms) {
      this.topicArn = pulumi.output(alarms.snsArn);
    } else {
      const topic = new aws.sns.Topic(name, { displayName: 'Trunkline' }, parent);
      new aws.sns.TopicPolicy(
        name,
        {
          arn: topic.arn,
          policy: pulumi.jsonStringify(topic.arn.apply((topicArn) => publishTo({ topicArn, accountId }))),
        },
        parent,
      );
      if (alarms !== undefined)
        new aws.sns.TopicSubscription(name, { topic: topic.arn, protocol: 'email', endpoint: alarms.email }, parent);
      this.topicArn = topic.arn;
    }
    this.registerOutputs({});
  }
}

export interface NoticesArgs {
  topicArn: pulumi.Input<string>;
  repositoryName: pulumi.Input<string>;
  /** ARN prefix of the cluster's services. Absent before there is an image. */
  services: pulumi.Input<string> | undefined;
}

/** Notifies of AWS events that no metric shows. */
export class Notices extends pulumi.ComponentResource {
  constructor(
    name: string,
    { topicArn, repositoryName, services }: NoticesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super('trunkline:infra:Notices', name, {}, opts);
    const notice = (what: string, description: string, eventPattern: pulumi.Input<object>) => {
      const rule = new aws.cloudwatch.EventRule(
        `${name}-${what}`,
        { description, eventPattern: pulumi.jsonStringify(eventPattern) },
        { parent: this },
      );
      new aws.cloudwatch.EventTarget(`${name}-${what}`, { rule: rule.name, arn: topicArn }, { parent: this });
    };
    // https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
    notice('image-findings', 'A pushed image has findings of high or critical severity', {
      source: ['aws.ecr'],
      'detail-type': ['ECR Image Scan'],
      detail: {
        'repository-name': [repositoryName],
        $or: ['CRITICAL', 'HIGH'].map((severity) => ({
          'finding-severity-counts': { [severity]: [{ numeric: ['>', 0] }] },
        })),
      },
    });
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
    if (services !== undefined)
      notice('deployments', 'ECS gave up a deployment, or finds no capacity or quota for a task', {
        source: ['aws.ecs'],
        'detail-type': ['ECS Deployment State Change', 'ECS Service Action'],
        resources: [{ prefix: services }],
        detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED', 'SERVICE_TASK_PLACEMENT_FAILURE'] },
      });
    this.registerOutputs({});
  }
}
