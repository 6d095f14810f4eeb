import { isDeepStrictEqual } from 'node:util';
import type { Run } from '../run-program.ts';
import { given } from './configured.ts';
import { type Promises, urnsOf } from './promise.ts';

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

const RULES = [
  'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule',
  'aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule',
];

/** What of the account is named is used, and left as it is. */
export const existing = {
  'all stands in the VPC and the subnets that the configuration names': (run) => {
    const { vpcId, publicSubnetIds, taskSubnetIds, databaseSubnetIds } = networkOf(run);
    if (vpcId === undefined) return [];
    return [
      ...['aws:ec2/securityGroup:SecurityGroup', 'aws:lb/targetGroup:TargetGroup'].flatMap((type) =>
        urnsOf(run, type, ({ inputs }) => inputs.vpcId !== vpcId),
      ),
      ...urnsOf(
        run,
        'aws:ecs/service:Service',
        ({ inputs }) => !isDeepStrictEqual(Object(inputs.networkConfiguration).subnets, taskSubnetIds),
      ),
      ...urnsOf(
        run,
        'aws:docdb/subnetGroup:SubnetGroup',
        ({ inputs }) => !isDeepStrictEqual(inputs.subnetIds, databaseSubnetIds),
      ),
      ...urnsOf(
        run,
        'aws:lb/loadBalancer:LoadBalancer',
        ({ inputs }) => !isDeepStrictEqual(inputs.subnets, publicSubnetIds),
      ),
    ];
  },

  'of a network that the account has nothing is made or changed': (run) =>
    networkOf(run).vpcId === undefined
      ? []
      : run.resources
          .filter(({ type }) => type.startsWith('aws:ec2/') && type !== 'aws:ec2/securityGroup:SecurityGroup')
          .map(({ urn }) => urn),

  'of a load balancer that the account has neither listeners, groups nor web ACL are changed': (run) => {
    const shared = sharedOf(run);
    if (!shared) return [];
    return [
      ...['aws:lb/loadBalancer:LoadBalancer', 'aws:lb/listener:Listener'].flatMap((type) =>
        urnsOf(run, type, () => true),
      ),
      ...urnsOf(run, 'aws:wafv2/webAclAssociation:WebAclAssociation', () => true),
      ...RULES.flatMap((type) => urnsOf(run, type, ({ inputs }) => inputs.securityGroupId === shared.securityGroupId)),
    ];
  },

  'the load balancer reaches the tasks: its own group, or the one that the configuration names': (run) => {
    const [own] = run.resources.flatMap(({ type, inputs }) =>
      type === 'aws:lb/loadBalancer:LoadBalancer' ? inputs.securityGroups : [],
    );
    return urnsOf(
      run,
      'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule',
      ({ name, inputs }) =>
        name.endsWith('service-from-load-balancer') &&
        inputs.referencedSecurityGroupId !== (sharedOf(run)?.securityGroupId ?? own),
    );
  },

  'of a shared listener only the requests to the own name are taken, by the rule of the priority asked for': (run) => {
    const shared = sharedOf(run);
    const rules = run.resources.filter(({ type }) => type === 'aws:lb/listenerRule:ListenerRule');
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

  'what others do on a shared load balancer neither alarms nor ends a deployment': (run) =>
    sharedOf(run) === undefined
      ? []
      : urnsOf(run, 'aws:cloudwatch/metricAlarm:MetricAlarm', ({ inputs }) =>
          [inputs, ...[inputs.metricQueries ?? []].flat().map((query) => Object(query).metric)]
            .filter((metric) => Object(metric).namespace === 'AWS/ApplicationELB')
            .some(({ dimensions }) => Object(dimensions).TargetGroup === undefined),
        ),

  'callers are shown the certificate that the configuration names, or one that is made for the name': (run) => {
    const domain = given<string>(run, 'domain');
    if (domain === undefined) return [];
    const named = run.stack.config['infra:certificateArn'];
    const made = run.resources.filter(({ type }) => type === 'aws:acm/certificate:Certificate');
    const wanted = named ?? made[0]?.outputs.arn;
    const attached = run.resources.filter(({ type }) => type === 'aws:lb/listenerCertificate:ListenerCertificate');
    return [
      // One of the account is on a listener of the account already.
      ...(made.length === (named === undefined ? 1 : 0) ? [] : ['not one certificate']),
      ...(attached.length === Number(sharedOf(run) !== undefined && named === undefined)
        ? []
        : ['not one certificate on the listener']),
      ...attached
        .filter(({ inputs }) => inputs.certificateArn !== wanted || inputs.listenerArn !== sharedOf(run)?.listenerArn)
        .map(({ urn }) => urn),
      ...urnsOf(run, 'aws:lb/listener:Listener', ({ inputs }) => inputs.certificateArn !== wanted),
    ];
  },
} satisfies Promises;
