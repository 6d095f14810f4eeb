import { isDeepStrictEqual } from 'node:util';
import type { Values } from '../values.ts';
import { isProtected, of, type Promises, statementsOf, urnsOf } from './promise.ts';

/** Fixed values, the same in every stack. */
const ALWAYS: Record<string, Values> = {
  'acm/certificate': { validationMethod: 'DNS' },
  'appautoscaling/policy': {
    policyType: 'TargetTrackingScaling',
    scalableDimension: 'ecs:service:DesiredCount',
    serviceNamespace: 'ecs',
  },
  'appautoscaling/target': { scalableDimension: 'ecs:service:DesiredCount', serviceNamespace: 'ecs' },
  'docdb/cluster': { allowMajorVersionUpgrade: false, engine: 'docdb', port: 27_017 },
  'docdb/clusterInstance': { copyTagsToSnapshot: true },
  'docdb/clusterParameterGroup': {
    parameters: [
      { name: 'tls', value: 'tls1.2+', applyMethod: 'pending-reboot' },
      { name: 'audit_logs', value: 'ddl' },
    ],
  },
  'ec2/eip': { domain: 'vpc' },
  'ec2/flowLog': { logDestinationType: 'cloud-watch-logs', maxAggregationInterval: 600 },
  // Tasks with public addresses request them. Nothing else gets one from its subnet.
  'ec2/subnet': { mapPublicIpOnLaunch: false },
  'ec2/vpc': { enableDnsHostnames: true, enableDnsSupport: true },
  'ecr/repository': { encryptionConfigurations: [{ encryptionType: 'AES256' }] },
  'ecs/service': {
    availabilityZoneRebalancing: 'ENABLED',
    deploymentMaximumPercent: 200,
    deploymentMinimumHealthyPercent: 100,
    enableEcsManagedTags: true,
    enableExecuteCommand: false,
    healthCheckGracePeriodSeconds: 60,
    launchType: 'FARGATE',
    propagateTags: 'SERVICE',
    waitForSteadyState: true,
  },
  'ecs/taskDefinition': { networkMode: 'awsvpc', requiresCompatibilities: ['FARGATE'] },
  // The idle timeout is above the longest import, and below the 65 s that the service keeps an idle connection.
  'lb/loadBalancer': {
    desyncMitigationMode: 'defensive',
    idleTimeout: 60,
    internal: false,
    loadBalancerType: 'application',
  },
  'lb/targetGroup': {
    healthCheck: {
      path: '/readyz',
      matcher: '200',
      interval: 10,
      timeout: 5,
      healthyThreshold: 2,
      unhealthyThreshold: 3,
    },
    port: 3000,
    protocol: 'HTTP',
    targetType: 'ip',
  },
  'sns/topicSubscription': { protocol: 'email' },
  'wafv2/webAcl': { defaultAction: { allow: {} }, scope: 'REGIONAL' },
  'wafv2/webAclLoggingConfiguration': {
    loggingFilter: {
      defaultBehavior: 'DROP',
      filters: [
        {
          behavior: 'KEEP',
          requirement: 'MEETS_ANY',
          conditions: ['BLOCK', 'COUNT', 'EXCLUDED_AS_COUNT'].map((action) => ({ actionCondition: { action } })),
        },
      ],
    },
  },
};

/** Properties that follow `protect`, besides Pulumi’s own protection. */
const PROTECTED: Record<string, Record<string, boolean>> = {
  'docdb/cluster': { deletionProtection: true },
  'docdb/clusterInstance': { applyImmediately: false },
  'ecr/repository': { forceDelete: false },
  // A manual rollback needs the previous revision.
  'ecs/taskDefinition': { skipDestroy: true },
  'lb/loadBalancer': { enableDeletionProtection: true },
  's3/bucket': { forceDestroy: false },
};

const unlike = (found: Values, wanted: Values): string[] =>
  Object.keys(wanted).filter((key) => !isDeepStrictEqual(found[key], wanted[key]));

export const always = {
  'properties that no configuration changes have their fixed values': (run) =>
    Object.entries(ALWAYS).flatMap(([kind, wanted]) =>
      of(run, kind).flatMap(({ name, inputs }) => unlike(inputs, wanted).map((key) => `${kind} ${name}: ${key}`)),
    ),

  'AWS refuses to delete what is protected, and deletes what is not': (run) =>
    Object.entries(PROTECTED).flatMap(([kind, flags]) =>
      urnsOf(run, kind, ({ inputs }) =>
        Object.entries(flags).some(([key, flag]) => inputs[key] !== (isProtected(run) ? flag : !flag)),
      ),
    ),

  'only tasks and flow logs of the same account can assume a role': (run) => {
    const { account, region } = run.stack;
    const trustOf = (service: string, more = {}) => ({
      Effect: 'Allow',
      Principal: { Service: `${service}.amazonaws.com` },
      Action: ['sts:AssumeRole'],
      Condition: { StringEquals: { 'aws:SourceAccount': account }, ...more },
    });
    const taken = of(run, 'ec2/flowLog').map(({ inputs }) => inputs.iamRoleArn);
    return urnsOf(run, 'iam/role', ({ inputs, outputs }) => {
      const trust = taken.includes(outputs.arn)
        ? trustOf('vpc-flow-logs')
        : trustOf('ecs-tasks', { ArnLike: { 'aws:SourceArn': `arn:aws:ecs:${region}:${account}:*` } });
      return !isDeepStrictEqual(statementsOf(inputs.assumeRolePolicy), [trust]);
    });
  },
} satisfies Promises;
