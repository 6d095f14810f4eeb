import { isDeepStrictEqual } from 'node:util';
import type { Run } from '../run-program.ts';
import { given, of, type Promises, urnsOf } from './promise.ts';

interface Network {
  vpcId?: string;
  publicSubnetIds?: string[];
  taskSubnetIds?: string[];
  databaseSubnetIds?: string[];
}
const networkOf = (run: Run): Network => given<Network>(run, 'network') ?? {};

interface LoadBalancer {
  listenerArn: string;
  securityGroupId: string;
  priority: number | string;
}
const sharedOf = (run: Run): LoadBalancer | undefined => given<LoadBalancer>(run, 'loadBalancer');

const RULES = ['vpc/securityGroupIngressRule', 'vpc/securityGroupEgressRule'];

/** Existing resources are used, and left as they are. */
export const existing = {
  'everything is in the configured VPC and subnets': (run) => {
    const { vpcId, publicSubnetIds, taskSubnetIds, databaseSubnetIds } = networkOf(run);
    if (vpcId === undefined) return [];
    return [
      ...['ec2/securityGroup', 'lb/targetGroup'].flatMap((kind) =>
        urnsOf(run, kind, ({ inputs }) => inputs.vpcId !== vpcId),
      ),
      ...urnsOf(
        run,
        'ecs/service',
        ({ inputs }) => !isDeepStrictEqual(Object(inputs.networkConfiguration).subnets, taskSubnetIds),
      ),
      ...urnsOf(run, 'docdb/subnetGroup', ({ inputs }) => !isDeepStrictEqual(inputs.subnetIds, databaseSubnetIds)),
      ...urnsOf(run, 'lb/loadBalancer', ({ inputs }) => !isDeepStrictEqual(inputs.subnets, publicSubnetIds)),
    ];
  },

  'nothing in an existing network is created or changed': (run) =>
    networkOf(run).vpcId === undefined
      ? []
      : run.resources
          .filter(({ type }) => type.startsWith('aws:ec2/') && type !== 'aws:ec2/securityGroup:SecurityGroup')
          .map(({ urn }) => urn),

  'listeners, security groups and web ACL of an existing load balancer are not changed': (run) => {
    const shared = sharedOf(run);
    if (!shared) return [];
    return [
      ...['lb/loadBalancer', 'lb/listener'].flatMap((kind) => urnsOf(run, kind, () => true)),
      ...urnsOf(run, 'wafv2/webAclAssociation', () => true),
      ...RULES.flatMap((type) => urnsOf(run, type, ({ inputs }) => inputs.securityGroupId === shared.securityGroupId)),
    ];
  },

  'a shared listener gets one rule, at the configured priority, that forwards only requests for the domain': (run) => {
    const shared = sharedOf(run);
    const rules = of(run, 'lb/listenerRule');
    if (!shared) return rules.map(({ urn }) => urn);
    const wanted = {
      listenerArn: shared.listenerArn,
      priority: Number(shared.priority),
      conditions: [{ hostHeader: { values: [given<string>(run, 'domain')] } }],
    };
    return [
      ...rules
        .filter(({ inputs: { listenerArn, priority, conditions } }) => {
          return !isDeepStrictEqual({ listenerArn, priority, conditions }, wanted);
        })
        .map(({ urn }) => urn),
      ...(rules.length === 1 ? [] : ['not one rule']),
    ];
  },

  'other services on a shared load balancer neither set off alarms nor end a deployment': (run) =>
    sharedOf(run) === undefined
      ? []
      : urnsOf(run, 'cloudwatch/metricAlarm', ({ inputs }) =>
          [inputs, ...[inputs.metricQueries ?? []].flat().map((query) => Object(query).metric)]
            .filter((metric) => Object(metric).namespace === 'AWS/ApplicationELB')
            .some(({ dimensions }) => Object(dimensions).TargetGroup === undefined),
        ),

  'callers get the configured certificate, or one that is created for the domain': (run) => {
    const domain = given<string>(run, 'domain');
    if (domain === undefined) return [];
    const named = run.stack.config['infra:certificateArn'];
    const made = of(run, 'acm/certificate');
    const wanted = named ?? made[0]?.outputs.arn;
    const attached = of(run, 'lb/listenerCertificate');
    return [
      // An existing certificate is already on the existing listener.
      ...(made.length === (named === undefined ? 1 : 0) ? [] : ['not one certificate']),
      ...(attached.length === Number(sharedOf(run) !== undefined && named === undefined)
        ? []
        : ['not one certificate on the listener']),
      ...attached
        .filter(({ inputs }) => inputs.certificateArn !== wanted || inputs.listenerArn !== sharedOf(run)?.listenerArn)
        .map(({ urn }) => urn),
      ...urnsOf(run, 'lb/listener', ({ inputs }) => inputs.certificateArn !== wanted),
    ];
  },
} satisfies Promises;
