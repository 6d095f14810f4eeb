import { isDeepStrictEqual } from 'node:util';
import type { Run } from '../run-program.ts';
import { given, json, of, type Promises, providersOf, urnsOf } from './promise.ts';

const database = (run: Run) =>
  given<{
    snapshot?: string;
    pointInTime?: { cluster: string; time: string };
    capacity?: { min: number | string; max: number | string };
  }>(run, 'database') ?? {};

/** The stack follows its configuration. */
export const configured = {
  'alarms and notices go where the configuration says': (run) => {
    const { email, snsArn } = given<{ email?: string; snsArn?: string }>(run, 'alarms') ?? {};
    const wanted = snsArn ?? of(run, 'sns/topic')[0]?.outputs.arn;
    return [
      ...urnsOf(run, 'cloudwatch/metricAlarm', ({ inputs }) =>
        [inputs.alarmActions, inputs.okActions].some((actions) => !isDeepStrictEqual(actions, [wanted])),
      ),
      ...urnsOf(run, 'cloudwatch/eventTarget', ({ inputs }) => inputs.arn !== wanted),
      ...urnsOf(run, 'sns/topicSubscription', ({ inputs }) => inputs.endpoint !== email),
      ...(of(run, 'sns/topicSubscription').length === (email === undefined ? 0 : 1) ? [] : ['nobody is subscribed']),
    ];
  },

  'tasks run on the processor that the image is made for': (run) => {
    const cpuArchitecture = (given<string>(run, 'architecture') ?? 'arm64').toUpperCase();
    const wanted = { cpuArchitecture, operatingSystemFamily: 'LINUX' };
    return urnsOf(run, 'ecs/taskDefinition', ({ inputs }) => !isDeepStrictEqual(inputs.runtimePlatform, wanted));
  },

  'a database is restored only from the configured snapshot or moment': (run) => {
    const { snapshot, pointInTime } = database(run);
    const moment = pointInTime && {
      restoreType: 'full-copy',
      sourceClusterIdentifier: pointInTime.cluster,
      ...(pointInTime.time === 'latest' ? { useLatestRestorableTime: true } : { restoreToTime: pointInTime.time }),
    };
    return urnsOf(
      run,
      'docdb/cluster',
      ({ inputs }) => inputs.snapshotIdentifier !== snapshot || !isDeepStrictEqual(inputs.restoreToPointInTime, moment),
    );
  },

  'a serverless database scales within the configured limits': (run) => {
    const { capacity } = database(run);
    const wanted = capacity && { minCapacity: Number(capacity.min), maxCapacity: Number(capacity.max) };
    return urnsOf(
      run,
      'docdb/cluster',
      ({ inputs }) => !isDeepStrictEqual(inputs.serverlessV2ScalingConfiguration, wanted),
    );
  },

  'everything has the configured tags': (run) =>
    providersOf(run)
      .filter(({ inputs }) => {
        const { tags = {} } = json(inputs.defaultTags);
        const own = { Project: 'trunkline', Environment: given(run, 'environment'), Stack: run.stack.name };
        return Object.entries({ ...given<Record<string, string>>(run, 'tags'), ...own, ManagedBy: 'pulumi' }).some(
          ([tag, value]) => tags[tag] !== value,
        );
      })
      .map(({ urn }) => urn),

  'requests are logged if configured, and outside of dev by default': (run) => {
    const asked = given<string>(run, 'accessLogs') ?? String(given(run, 'environment') !== 'dev');
    return urnsOf(run, 'lb/loadBalancer', ({ inputs }) => `${Object(inputs.accessLogs).enabled ?? false}` !== asked);
  },
} satisfies Promises;
