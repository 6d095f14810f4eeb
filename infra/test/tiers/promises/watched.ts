import { LOG_METRICS, type LogMetric, patternOf } from '../../../src/watch/log-metrics.ts';
import { thingsOf } from './alarms.ts';
import {
  allow,
  differences,
  given,
  json,
  listOf,
  of,
  onlyPolicyDifferences,
  type Promises,
  rolePolicyDifferences,
  sorted,
  urnsOf,
} from './promise.ts';

/** The people responsible are notified. */
export const watched = {
  'alarms and events can be published to the topic, whose policy sets no condition for EventBridge': (run) =>
    of(run, 'sns/topic').flatMap(({ outputs }) => {
      const publish = (service: string) => ({
        ...allow(['sns:Publish'], outputs.arn),
        Principal: { Service: `${service}.amazonaws.com` },
      });
      const own = { StringEquals: { 'aws:SourceAccount': run.stack.account } };
      return onlyPolicyDifferences(
        of(run, 'sns/topicPolicy').filter(({ inputs }) => inputs.arn === outputs.arn),
        [{ ...publish('cloudwatch'), Condition: own }, publish('events')],
      );
    }),

  'the role of flow logs allows exactly what AWS requires': (run) =>
    of(run, 'ec2/flowLog').flatMap(({ inputs }) =>
      rolePolicyDifferences(run, inputs.iamRoleArn, [
        allow(FLOW_LOGS, inputs.logDestination, `${inputs.logDestination}:*`),
        allow(['logs:DescribeLogGroups'], '*'),
      ]),
    ),

  'AWS events are forwarded: image findings, failed deployments, no capacity for a task': (run) => {
    const found = of(run, 'cloudwatch/eventTarget').flatMap(({ inputs }) =>
      of(run, 'cloudwatch/eventRule')
        .filter(({ outputs }) => outputs.name === inputs.rule)
        .map((rule) => sorted(json(rule.inputs.eventPattern))),
    );
    const wanted = [
      ...of(run, 'ecr/repository').map(({ outputs }) => FINDINGS(outputs.name)),
      ...of(run, 'ecs/service').map(({ outputs }) => DEPLOYMENTS(String(outputs.arn).replace(/[^/]*$/, ''))),
    ];
    return differences(found, wanted.map(sorted));
  },

  'the rule for ECS events does not wait for the service': (run) =>
    urnsOf(run, 'cloudwatch/eventRule', ({ dependsOn }) => dependsOn.some((urn) => urn.includes('aws:ecs/service:'))),

  'each of the service’s own metrics comes from its log': (run) => {
    const [group] = of(run, 'cloudwatch/logGroup').filter(({ name }) => name === 'trunkline');
    const made = of(run, 'cloudwatch/logMetricFilter').map(({ inputs }) => {
      const { namespace, name, value, unit } = Object(inputs.metricTransformation);
      return JSON.stringify({ log: inputs.logGroupName, pattern: inputs.pattern, namespace, name, value, unit });
    });
    return differences(
      made,
      Object.values<LogMetric>(LOG_METRICS).map((metric) =>
        JSON.stringify({
          log: group?.outputs.name,
          pattern: patternOf(metric),
          namespace: `Trunkline/${run.stack.name}`,
          name: metric.name,
          value: metric.value === undefined ? '1' : `$.${metric.value}`,
          unit: metric.unit,
        }),
      ),
    );
  },

  'each log is kept for the configured time': (run) => {
    const days = Number(given(run, 'logRetentionDays') ?? 30);
    return urnsOf(run, 'cloudwatch/logGroup', ({ inputs }) => inputs.retentionInDays !== days);
  },

  'a running service has a dashboard of its own metrics, and of AWS’s metrics for everything created here': (run) => {
    const dashboards = of(run, 'cloudwatch/dashboard');
    const wanted = SHOWN.flatMap(([thing, ...metrics]) =>
      thingsOf(run, { alarm: '', of: thing }).flatMap(({ namespace, dimensions }) =>
        metrics.map(([name, stat]) => sorted({ namespace, name, dimensions, stat })),
      ),
    );
    return [
      ...(dashboards.length === of(run, 'ecs/service').length ? [] : ['not one dashboard']),
      ...dashboards.flatMap(({ inputs }) => [
        ...(inputs.dashboardName === `trunkline-${run.stack.name}` ? [] : ['the dashboard has another name']),
        ...differences(listOf(json(inputs.dashboardBody).widgets).flatMap(metricsOf), wanted),
        ...(listOf(json(inputs.dashboardBody).widgets).every(
          ({ properties }) => properties.region === run.stack.region && properties.period === 60,
        )
          ? []
          : ['it shows another region, or other minutes']),
      ]),
    ];
  },
} satisfies Promises;

/** https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html */
const FLOW_LOGS = ['CreateLogGroup', 'CreateLogStream', 'DescribeLogStreams', 'PutLogEvents'].map(
  (action) => `logs:${action}`,
);

/** https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html */
const FINDINGS = (repository: unknown) => ({
  source: ['aws.ecr'],
  'detail-type': ['ECR Image Scan'],
  detail: {
    'repository-name': [repository],
    $or: [
      { 'finding-severity-counts': { CRITICAL: [{ numeric: ['>', 0] }] } },
      { 'finding-severity-counts': { HIGH: [{ numeric: ['>', 0] }] } },
    ],
  },
});

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html */
const DEPLOYMENTS = (prefix: string) => ({
  source: ['aws.ecs'],
  'detail-type': ['ECS Deployment State Change', 'ECS Service Action'],
  resources: [{ prefix }],
  detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED', 'SERVICE_TASK_PLACEMENT_FAILURE'] },
});

/** What the dashboard shows of each resource, in the terms of docs/alarms.md, with the statistic. */
const SHOWN: [thing: string, ...metrics: [name: string, stat: string][]][] = [
  [
    'target group',
    ['RequestCount', 'Sum'],
    ['HTTPCode_Target_5XX_Count', 'Sum'],
    ['TargetResponseTime', 'p50'],
    ['TargetResponseTime', 'p90'],
    ['TargetResponseTime', 'p99'],
    ['HealthyHostCount', 'Minimum'],
    ['UnHealthyHostCount', 'Maximum'],
  ],
  ['load balancer', ['HTTPCode_ELB_5XX_Count', 'Sum']],
  ['service', ['CPUUtilization', 'Average'], ['MemoryUtilization', 'Average']],
  [
    'log',
    ['Imports', 'Sum'],
    ['FailedImports', 'Sum'],
    ['ActiveNumbers', 'Maximum'],
    ['DegradedNumbers', 'Maximum'],
    ['ProvisioningPutOff', 'Sum'],
    ['ReconcilerFailures', 'Sum'],
    ['ReconcilerLag', 'Maximum'],
  ],
  ['database', ['CPUUtilization', 'Maximum'], ['DatabaseConnections', 'Maximum'], ['FreeableMemory', 'Minimum']],
  ['WAF', ['BlockedRequests', 'Sum']],
];

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
const metricsOf = ({ properties }: Record<string, any>): string[] =>
  listOf(properties.metrics).map((row) => {
    const [namespace, name, ...rest] = row as unknown as string[];
    const { stat } = Object(rest.pop());
    const dimensions = Object.fromEntries(
      Array.from({ length: rest.length / 2 }, (_, at) => [rest[2 * at], rest[2 * at + 1]]),
    );
    return sorted({ namespace, name, dimensions, stat });
  });
