import type { Resource } from '../registration.ts';
import type { Values } from '../values.ts';
import { of, type Promises, providersOf } from './promise.ts';

/**
 * References: an input of a kind, and the kinds that it names by id, ARN or name. `?` after an input means optional.
 * Existing resources that the configuration names count as there.
 */
const LEANS_ON: Record<string, Record<string, string>> = {
  'acm/certificateValidation': { certificateArn: 'acm/certificate', validationRecordFqdns: 'route53/record' },
  'appautoscaling/policy': { resourceId: 'appautoscaling/target' },
  'cloudwatch/eventTarget': { rule: 'cloudwatch/eventRule' },
  'cloudwatch/logMetricFilter': { logGroupName: 'cloudwatch/logGroup' },
  'docdb/cluster': {
    dbClusterParameterGroupName: 'docdb/clusterParameterGroup',
    dbSubnetGroupName: 'docdb/subnetGroup',
    kmsKeyId: 'kms/key',
    vpcSecurityGroupIds: 'ec2/securityGroup',
  },
  'docdb/clusterInstance': { clusterIdentifier: 'docdb/cluster' },
  'docdb/subnetGroup': { subnetIds: 'ec2/subnet' },
  'ec2/defaultSecurityGroup': { vpcId: 'ec2/vpc' },
  'ec2/flowLog': { vpcId: 'ec2/vpc', logDestination: 'cloudwatch/logGroup', iamRoleArn: 'iam/role' },
  'ec2/internetGateway': { vpcId: 'ec2/vpc' },
  'ec2/natGateway': { allocationId: 'ec2/eip', subnetId: 'ec2/subnet' },
  'ec2/routeTable': {
    vpcId: 'ec2/vpc',
    'routes.gatewayId?': 'ec2/internetGateway',
    'routes.natGatewayId?': 'ec2/natGateway',
  },
  'ec2/routeTableAssociation': { routeTableId: 'ec2/routeTable', subnetId: 'ec2/subnet' },
  'ec2/securityGroup': { vpcId: 'ec2/vpc' },
  'ec2/subnet': { vpcId: 'ec2/vpc' },
  'ec2/vpcEndpoint': {
    vpcId: 'ec2/vpc',
    'routeTableIds?': 'ec2/routeTable',
    'securityGroupIds?': 'ec2/securityGroup',
    'subnetIds?': 'ec2/subnet',
  },
  'ecr/lifecyclePolicy': { repository: 'ecr/repository' },
  'ecs/service': {
    'alarms.alarmNames': 'cloudwatch/metricAlarm',
    cluster: 'ecs/cluster',
    'loadBalancers.targetGroupArn': 'lb/targetGroup',
    'networkConfiguration.securityGroups': 'ec2/securityGroup',
    'networkConfiguration.subnets': 'ec2/subnet',
    taskDefinition: 'ecs/taskDefinition',
  },
  'ecs/taskDefinition': { executionRoleArn: 'iam/role', taskRoleArn: 'iam/role' },
  'iam/rolePolicy': { role: 'iam/role' },
  'lb/listener': {
    'certificateArn?': 'acm/certificate',
    'defaultActions.targetGroupArn': 'lb/targetGroup',
    loadBalancerArn: 'lb/loadBalancer',
  },
  'lb/listenerCertificate': { certificateArn: 'acm/certificate', listenerArn: 'lb/listener' },
  'lb/listenerRule': { 'actions.targetGroupArn': 'lb/targetGroup', listenerArn: 'lb/listener' },
  'lb/loadBalancer': {
    'accessLogs.bucket?': 's3/bucket',
    securityGroups: 'ec2/securityGroup',
    subnets: 'ec2/subnet',
  },
  'lb/targetGroup': { vpcId: 'ec2/vpc' },
  's3/bucketLifecycleConfiguration': { bucket: 's3/bucket' },
  's3/bucketPolicy': { bucket: 's3/bucket' },
  's3/bucketPublicAccessBlock': { bucket: 's3/bucket' },
  'secretsmanager/secret': { kmsKeyId: 'kms/key' },
  'secretsmanager/secretVersion': { secretId: 'secretsmanager/secret' },
  'sns/topicPolicy': { arn: 'sns/topic' },
  'sns/topicSubscription': { topic: 'sns/topic' },
  'vpc/securityGroupEgressRule': {
    'referencedSecurityGroupId?': 'ec2/securityGroup',
    securityGroupId: 'ec2/securityGroup',
  },
  'vpc/securityGroupIngressRule': {
    'referencedSecurityGroupId?': 'ec2/securityGroup',
    securityGroupId: 'ec2/securityGroup',
  },
  'wafv2/webAclAssociation': { resourceArn: 'lb/loadBalancer', webAclArn: 'wafv2/webAcl' },
  'wafv2/webAclLoggingConfiguration': {
    logDestinationConfigs: 'cloudwatch/logGroup',
    resourceArn: 'wafv2/webAcl',
  },
};

const KINDS = [...new Set(Object.values(LEANS_ON).flatMap((inputs) => Object.values(inputs)))];

export const references = {
  'every reference names a resource that is created or already exists': (run) => {
    const configured = JSON.stringify(run.stack.config);
    const known = new Map(KINDS.map((kind) => [kind, new Set(of(run, kind).flatMap(knownAs))]));
    const isThere = (kind: string, value: unknown) => known.get(kind)?.has(value) || configured.includes(String(value));
    return Object.entries(LEANS_ON).flatMap(([kind, inputs]) =>
      of(run, kind).flatMap((resource) =>
        Object.entries(inputs).flatMap(([input, other]) => {
          const named = valuesAt(resource.inputs, input.replace('?', '').split('.'));
          return [
            ...(named.length === 0 && !input.endsWith('?') ? [`${resource.name} has no ${input}`] : []),
            ...named.filter((value) => !isThere(other, value)).map((value) => `${resource.name} ${input}: ${value}`),
          ];
        }),
      ),
    );
  },

  'one provider creates everything, in the configured region and account': (run) => {
    const providers = providersOf(run);
    const { account, region } = run.stack;
    return [
      ...(providers.length === 1 ? [] : ['not one provider']),
      ...providers.filter(({ inputs }) => inputs.allowedAccountIds !== JSON.stringify([account])).map(({ urn }) => urn),
      ...providers.filter(({ inputs }) => inputs.region !== region).map(({ urn }) => urn),
      ...run.resources
        .filter(({ type, custom }) => custom && type.startsWith('aws:'))
        .filter(({ provider }) => !provider.startsWith(`${providers[0]?.urn}::`))
        .map(({ urn }) => urn),
    ];
  },
} satisfies Promises;

/** Every value that others may refer to it by. */
const knownAs = ({ id, outputs: { arn, name, fqdn } }: Resource): unknown[] => [id, arn, name, fqdn];

/** All values at a path, including those in lists. */
const valuesAt = (value: unknown, [key, ...rest]: string[]): unknown[] => {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, key === undefined ? [] : [key, ...rest]));
  return key === undefined ? [value] : valuesAt((value as Values)[key], rest);
};
