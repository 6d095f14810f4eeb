import { inputs, type Mutant } from './mutant.ts';

const ALARM = 'aws:cloudwatch/metricAlarm:MetricAlarm';

export const watch: Mutant[] = [
  {
    wrong: 'notifies its own topic instead of the configured one',
    caughtBy: 'alarms and notices go where the configuration says',
    stack: 'widest',
    type: ALARM,
    change: inputs({ alarmActions: ['arn:aws:sns:eu-central-1:210987654321:another'] }),
  },
  {
    wrong: 'sends e-mail to another address',
    caughtBy: 'alarms and notices go where the configuration says',
    type: 'aws:sns/topicSubscription:TopicSubscription',
    change: inputs({ endpoint: 'nobody@acme.dev' }),
  },
  {
    wrong: 'sets a condition that EventBridge never meets',
    caughtBy: 'alarms and events can be published to the topic, whose policy sets no condition for EventBridge',
    type: 'aws:sns/topicPolicy:TopicPolicy',
    change: (policy) => {
      const document = JSON.parse(String(policy.inputs.policy));
      for (const statement of document.Statement) statement.Condition = { StringEquals: { 'aws:SourceAccount': '1' } };
      policy.inputs.policy = JSON.stringify(document);
    },
  },
  {
    wrong: 'ends a deployment by the number of errors, not their rate',
    caughtBy:
      'the alarms are those of docs/alarms.md: each watches its metric, goes off at the threshold in the table, and notifies both ways',
    type: ALARM,
    name: 'trunkline-server-errors',
    change: inputs({ metricQueries: undefined, metricName: 'HTTPCode_Target_5XX_Count', threshold: 10 }),
  },
  {
    wrong: 'sends nothing if ECS has no capacity for a task',
    caughtBy: 'AWS events are forwarded: image findings, failed deployments, no capacity for a task',
    type: 'aws:cloudwatch/eventRule:EventRule',
    name: 'trunkline-deployments',
    change: (rule) => {
      rule.inputs.eventPattern = String(rule.inputs.eventPattern).replace('SERVICE_TASK_PLACEMENT_FAILURE', 'ANOTHER');
    },
  },
  {
    wrong: 'subscribes to ECS events only after the service exists',
    caughtBy: 'the rule for ECS events does not wait for the service',
    type: 'aws:cloudwatch/eventRule:EventRule',
    name: 'trunkline-deployments',
    change: (rule, { resources }) => {
      rule.dependsOn.push(...resources.filter(({ type }) => type === 'aws:ecs/service:Service').map(({ urn }) => urn));
    },
  },
  {
    wrong: 'lets the running image expire',
    caughtBy: 'the repository deletes only untagged images: a tagged one may be running',
    type: 'aws:ecr/lifecyclePolicy:LifecyclePolicy',
    change: (policy) => {
      policy.inputs.policy = String(policy.inputs.policy).replace('"untagged"', '"any"');
    },
  },
  {
    wrong: 'omits the configured tags',
    caughtBy: 'everything has the configured tags',
    stack: 'widest',
    type: 'pulumi:providers:aws',
    change: (provider) => {
      provider.inputs.defaultTags = String(provider.inputs.defaultTags).replace('telephony', 'another');
    },
  },
];
