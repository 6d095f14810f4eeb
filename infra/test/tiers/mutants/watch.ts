import { inputs, type Mutant } from './mutant.ts';

const ALARM = 'aws:cloudwatch/metricAlarm:MetricAlarm';

export const watch: Mutant[] = [
  {
    wrong: 'tells a topic of its own, and not the one asked for',
    caughtBy: 'alarms and notices go where the configuration says',
    stack: 'widest',
    type: ALARM,
    change: inputs({ alarmActions: ['arn:aws:sns:eu-central-1:210987654321:another'] }),
  },
  {
    wrong: 'writes to nobody',
    caughtBy: 'alarms and notices go where the configuration says',
    type: 'aws:sns/topicSubscription:TopicSubscription',
    change: inputs({ endpoint: 'nobody@acme.dev' }),
  },
  {
    wrong: 'sets EventBridge a condition that it never meets',
    caughtBy: 'alarms and events may be published to the topic: its policy sets EventBridge no condition',
    type: 'aws:sns/topicPolicy:TopicPolicy',
    change: (policy) => {
      const document = JSON.parse(String(policy.inputs.policy));
      for (const statement of document.Statement) statement.Condition = { StringEquals: { 'aws:SourceAccount': '1' } };
      policy.inputs.policy = JSON.stringify(document);
    },
  },
  {
    wrong: 'ends a deployment by the count of errors',
    caughtBy:
      'the alarms are those of docs/alarms.md: each watches its metric, goes off where the table says, and tells both ways',
    type: ALARM,
    name: 'trunkline-server-errors',
    change: inputs({ metricQueries: undefined, metricName: 'HTTPCode_Target_5XX_Count', threshold: 10 }),
  },
  {
    wrong: 'says nothing where ECS has no room for a task',
    caughtBy: 'what AWS tells as events arrives: findings in images, deployments given up, no room for a task',
    type: 'aws:cloudwatch/eventRule:EventRule',
    name: 'trunkline-deployments',
    change: (rule) => {
      rule.inputs.eventPattern = String(rule.inputs.eventPattern).replace('SERVICE_TASK_PLACEMENT_FAILURE', 'ANOTHER');
    },
  },
  {
    wrong: 'listens to ECS once the service is there',
    caughtBy: 'what ECS says of a service is listened for before the service is there',
    type: 'aws:cloudwatch/eventRule:EventRule',
    name: 'trunkline-deployments',
    change: (rule, { resources }) => {
      rule.dependsOn.push(...resources.filter(({ type }) => type === 'aws:ecs/service:Service').map(({ urn }) => urn));
    },
  },
  {
    wrong: 'lets the image that runs expire',
    caughtBy:
      'images are kept in a repository that drops those without a tag, and none else: one with a tag may be the one that runs',
    type: 'aws:ecr/lifecyclePolicy:LifecyclePolicy',
    change: (policy) => {
      policy.inputs.policy = String(policy.inputs.policy).replace('"untagged"', '"any"');
    },
  },
  {
    wrong: 'forgets the tags asked for',
    caughtBy: 'everything has the tags asked for',
    stack: 'widest',
    type: 'pulumi:providers:aws',
    change: (provider) => {
      provider.inputs.defaultTags = String(provider.inputs.defaultTags).replace('telephony', 'another');
    },
  },
];
