import type { Resource } from '../registration.ts';
import { type Promises, statementsOf, urnsOf } from './promise.ts';

const mayPublish = ({ inputs }: Resource): boolean =>
  statementsOf(String(inputs.policy)).some(
    ({ Principal, Condition }) => Object(Principal).Service === 'events.amazonaws.com' && Condition === undefined,
  );

/** Whoever is responsible learns of it, and good callers are not refused unseen. */
export const watched = {
  'events reach the topic: its policy sets EventBridge no condition': (run) =>
    urnsOf(run, 'aws:sns/topicPolicy:TopicPolicy', (policy) => !mayPublish(policy)),

  'flow logs may do all that AWS asks of their role': (run) =>
    urnsOf(run, 'aws:iam/rolePolicy:RolePolicy', ({ name, inputs }) => {
      const actions = statementsOf(String(inputs.policy)).flatMap(({ Action }) => Action);
      return name.endsWith('-flow-logs') && FLOW_LOGS.some((action) => !actions.includes(action));
    }),

  'a deployment is ended by the rate of errors, from a floor on': (run) =>
    urnsOf(
      run,
      'aws:cloudwatch/metricAlarm:MetricAlarm',
      ({ name, inputs }) =>
        name.endsWith('-server-errors') &&
        !/part, 0\) >= 3, 100 \*.*\/ whole/.test(JSON.stringify(inputs.metricQueries)),
    ),

  'an image with a tag never expires: it may be the one that runs': (run) =>
    urnsOf(run, 'aws:ecr/lifecyclePolicy:LifecyclePolicy', ({ inputs }) =>
      JSON.parse(String(inputs.policy)).rules.some(
        ({ selection }: { selection: { tagStatus: string } }) => selection.tagStatus !== 'untagged',
      ),
    ),

  'WAF only counts what good callers of an API send': (run) =>
    urnsOf(run, 'aws:wafv2/webAcl:WebAcl', ({ inputs }) => {
      const rules = JSON.stringify(inputs.rules);
      return rules.includes('AWSManagedRulesCommonRuleSet') && COUNTED.some((rule) => !rules.includes(count(rule)));
    }),

  'what WAF refuses is logged without keys, and told': (run) => [
    ...urnsOf(
      run,
      'aws:wafv2/webAcl:WebAcl',
      ({ urn }) =>
        !run.resources.some(
          ({ type, dependsOn }) => type.endsWith(':WebAclLoggingConfiguration') && dependsOn.includes(urn),
        ),
    ),
    ...urnsOf(
      run,
      'aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration',
      ({ inputs }) => !JSON.stringify(inputs.redactedFields ?? []).includes('"x-api-key"'),
    ),
    ...urnsOf(run, 'aws:ecs/service:Service', () => {
      const has = (end: string) =>
        run.resources.some(({ name, type }) => type.startsWith('aws:') && name.endsWith(end));
      return run.resources.some(({ type }) => type.endsWith(':WebAcl')) && !has('-blocked-requests');
    }),
  ],

  'ECS tells when it gives a deployment up, or has no room for a task': (run) =>
    urnsOf(run, 'aws:ecs/service:Service', ({ outputs }) => {
      const patterns = run.resources
        .filter(({ type }) => type === 'aws:cloudwatch/eventRule:EventRule')
        .map(({ inputs }) => String(inputs.eventPattern))
        .filter((pattern) => pattern.includes(String(outputs.arn)));
      return ['SERVICE_DEPLOYMENT_FAILED', 'SERVICE_TASK_PLACEMENT_FAILURE'].some(
        (event) => !patterns.some((pattern) => pattern.includes(event)),
      );
    }),
} satisfies Promises;

const FLOW_LOGS = ['CreateLogGroup', 'CreateLogStream', 'DescribeLogGroups', 'DescribeLogStreams', 'PutLogEvents'].map(
  (action) => `logs:${action}`,
);
const COUNTED = ['SizeRestrictions_BODY', 'SizeRestrictions_QUERYSTRING', 'NoUserAgent_HEADER'];
const count = (name: string) => JSON.stringify({ actionToUse: { count: {} }, name });
