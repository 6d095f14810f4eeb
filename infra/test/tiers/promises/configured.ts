import { isDeepStrictEqual } from 'node:util';
import type { Run } from '../run-program.ts';
import { type Promises, urnsOf } from './promise.ts';

/** A structured value of the configuration. */
export const given = <T>({ stack }: Run, key: string): T | undefined => {
  const text = stack.config[`infra:${key}`];
  return text === undefined ? undefined : JSON.parse(/^[[{]/.test(text) ? text : JSON.stringify(text));
};
const database = (run: Run) =>
  given<{ snapshot?: string; capacity?: { min: number | string; max: number | string } }>(run, 'database') ?? {};

/** What is configured is what is asked for. */
export const configured = {
  'alarms and notices go where the configuration says': (run) => {
    const { email, snsArn } = given<{ email?: string; snsArn?: string }>(run, 'alarms') ?? {};
    const topics = run.resources.filter(({ type }) => type === 'aws:sns/topic:Topic').map(({ outputs }) => outputs.arn);
    const wanted = snsArn ?? topics[0];
    return [
      ...urnsOf(run, 'aws:cloudwatch/metricAlarm:MetricAlarm', ({ inputs }) =>
        [inputs.alarmActions, inputs.okActions].some((actions) => !isDeepStrictEqual(actions, [wanted])),
      ),
      ...urnsOf(run, 'aws:cloudwatch/eventTarget:EventTarget', ({ inputs }) => inputs.arn !== wanted),
      ...urnsOf(run, 'aws:sns/topicSubscription:TopicSubscription', ({ inputs }) => inputs.endpoint !== email),
      ...(email !== undefined && !run.resources.some(({ type }) => type.endsWith(':TopicSubscription'))
        ? ['nobody is subscribed']
        : []),
    ];
  },

  'tasks run on the processor that the image is made for': (run) =>
    urnsOf(
      run,
      'aws:ecs/taskDefinition:TaskDefinition',
      ({ inputs: { runtimePlatform } }) =>
        Object(runtimePlatform).cpuArchitecture !== (given(run, 'architecture') ?? 'arm64').toString().toUpperCase(),
    ),

  'a database is made from the snapshot asked for, and from none else': (run) =>
    urnsOf(run, 'aws:docdb/cluster:Cluster', ({ inputs }) => inputs.snapshotIdentifier !== database(run).snapshot),

  'a serverless database grows within the bounds asked for': (run) => {
    const { capacity } = database(run);
    const wanted = capacity && { minCapacity: Number(capacity.min), maxCapacity: Number(capacity.max) };
    return urnsOf(
      run,
      'aws:docdb/cluster:Cluster',
      ({ inputs }) => !isDeepStrictEqual(inputs.serverlessV2ScalingConfiguration, wanted),
    );
  },

  'everything has the tags asked for': (run) =>
    urnsOf(run, 'pulumi:providers:aws', ({ inputs }) => {
      const { tags } = JSON.parse(String(inputs.defaultTags));
      return Object.entries(given<Record<string, string>>(run, 'tags') ?? {}).some(
        ([tag, value]) => tags[tag] !== value,
      );
    }),

  'requests are logged where the configuration says, and in production': (run) => {
    const asked = given<string>(run, 'accessLogs') ?? String(given(run, 'environment') !== 'dev');
    return urnsOf(
      run,
      'aws:lb/loadBalancer:LoadBalancer',
      ({ inputs }) => `${Object(inputs.accessLogs).enabled ?? false}` !== asked,
    );
  },
} satisfies Promises;
