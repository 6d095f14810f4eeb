import { LOG_METRICS, type LogMetric, patternOf } from '../../../src/watch/log-metrics.ts';
import type { Resource } from '../registration.ts';
import { containersOf, differences, given, of, type Promises, statementsOf } from './promise.ts';

const mayPublish = ({ inputs }: Resource): boolean => {
  const publishers = statementsOf(inputs.policy).filter(
    ({ Effect, Action }) => Effect === 'Allow' && Action.includes('sns:Publish'),
  );
  const has = (service: string) =>
    publishers.filter(({ Principal }) => Object(Principal).Service === `${service}.amazonaws.com`);
  return has('cloudwatch').length > 0 && has('events').some(({ Condition }) => Condition === undefined);
};

/** Whoever is responsible learns of it. */
export const watched = {
  'alarms and events may be published to the topic: its policy sets EventBridge no condition': (run) =>
    of(run, 'sns/topic')
      .filter(
        ({ outputs }) =>
          !of(run, 'sns/topicPolicy').some((policy) => policy.inputs.arn === outputs.arn && mayPublish(policy)),
      )
      .map(({ urn }) => urn),

  'flow logs may do all that AWS asks of their role': (run) =>
    of(run, 'ec2/flowLog').flatMap(({ inputs }) => {
      const [role] = of(run, 'iam/role').filter(({ outputs }) => outputs.arn === inputs.iamRoleArn);
      const actions = of(run, 'iam/rolePolicy')
        .filter((policy) => policy.inputs.role === role?.id)
        .flatMap((policy) => statementsOf(policy.inputs.policy))
        .flatMap(({ Action }) => Action);
      return FLOW_LOGS.filter((action) => !actions.includes(action));
    }),

  'what AWS tells as events arrives: findings in images, deployments given up, no room for a task': (run) => {
    const told = of(run, 'cloudwatch/eventTarget').map(({ inputs }) => inputs.rule);
    const rules = of(run, 'cloudwatch/eventRule').filter(({ outputs }) => told.includes(outputs.name));
    const patterns = rules.map(({ inputs }) => String(inputs.eventPattern));
    const wanted: [string, unknown][] = [
      ...of(run, 'ecr/repository').map(({ outputs }): [string, unknown] => ['ECR Image Scan', outputs.name]),
      ...of(run, 'ecs/service').flatMap(({ outputs }): [string, unknown][] => [
        ['SERVICE_DEPLOYMENT_FAILED', outputs.arn],
        ['SERVICE_TASK_PLACEMENT_FAILURE', outputs.arn],
      ]),
    ];
    return wanted
      .filter(([event, source]) => !patterns.some((one) => [event, source].every((part) => one.includes(`"${part}"`))))
      .map(([event]) => event);
  },

  'each of the service’s own metrics is made of its log': (run) => {
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

  'each log is kept for as long as asked, and the containers write to one of them': (run) => {
    const groups = of(run, 'cloudwatch/logGroup');
    const days = Number(given(run, 'logRetentionDays') ?? 30);
    return [
      ...groups.filter(({ inputs }) => inputs.retentionInDays !== days).map(({ urn }) => urn),
      ...containersOf(run)
        .filter(
          ({ logConfiguration }) =>
            !groups.some(
              ({ name, outputs }) =>
                name === 'trunkline' && outputs.name === logConfiguration?.options['awslogs-group'],
            ),
        )
        .map(({ name }) => `${name} logs nowhere`),
    ];
  },

  'a running service has a dashboard, which shows what the service says of itself': (run) => {
    const dashboards = of(run, 'cloudwatch/dashboard');
    return [
      ...(dashboards.length === of(run, 'ecs/service').length ? [] : ['not one dashboard']),
      ...dashboards.flatMap(({ inputs }) => [
        ...(inputs.dashboardName === `trunkline-${run.stack.name}` ? [] : ['the dashboard has another name']),
        ...[LOG_METRICS.imports, LOG_METRICS.active, LOG_METRICS.reconcilerLag]
          .map(({ name }) => name)
          .filter((name) => !String(inputs.dashboardBody).includes(`["Trunkline/${run.stack.name}","${name}",`)),
      ]),
    ];
  },
} satisfies Promises;

const FLOW_LOGS = ['CreateLogGroup', 'CreateLogStream', 'DescribeLogGroups', 'DescribeLogStreams', 'PutLogEvents'].map(
  (action) => `logs:${action}`,
);
