import { inputs, type Mutant } from './mutant.ts';

const NETWORK = 'everything is in the configured VPC and subnets';
const UNCHANGED = 'listeners, security groups and web ACL of an existing load balancer are not changed';
const RULE = 'a shared listener gets one rule, at the configured priority, that forwards only requests for the domain';
const CERTIFICATE = 'callers get the configured certificate, or one that is created for the domain';

const mutant = (
  wrong: string,
  caughtBy: Mutant['caughtBy'],
  rest: Pick<Mutant, 'type' | 'name' | 'change'>,
): Mutant => ({
  wrong,
  caughtBy,
  stack: 'existing',
  ...rest,
});

export const existing: Mutant[] = [
  mutant('runs its tasks in other subnets than the configured ones', NETWORK, {
    type: 'aws:ecs/service:Service',
    change: inputs({ networkConfiguration: { subnets: ['subnet-0000000000000a001'] } }),
  }),
  mutant('keeps its database in other subnets than the configured ones', NETWORK, {
    type: 'aws:docdb/subnetGroup:SubnetGroup',
    change: inputs({ subnetIds: ['subnet-0000000000000b001', 'subnet-0000000000000b002'] }),
  }),
  mutant('looks for its tasks in another VPC than the configured one', NETWORK, {
    type: 'aws:lb/targetGroup:TargetGroup',
    change: inputs({ vpcId: 'vpc-00000001' }),
  }),
  mutant(
    'empties the default security group of an existing VPC',
    'nothing in an existing network is created or changed',
    {
      type: 'pulumi:pulumi:Stack',
      change: (stack, { resources }) => {
        const type = 'aws:ec2/defaultSecurityGroup:DefaultSecurityGroup';
        resources.push({
          ...structuredClone(stack),
          type,
          name: 'trunkline-default',
          inputs: { ingress: [], egress: [] },
        });
      },
    },
  ),
  mutant('changes the security group of an existing load balancer', UNCHANGED, {
    type: 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule',
    name: 'trunkline-service-from-load-balancer',
    change: inputs({ securityGroupId: 'sg-0000000000000aced' }),
  }),
  mutant(
    'lets another group than the load balancer’s reach the tasks',
    'connections and their ports are those of the README’s diagram',
    {
      type: 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule',
      name: 'trunkline-service-from-load-balancer',
      change: inputs({ referencedSecurityGroupId: 'sg-00000001' }),
    },
  ),
  mutant('takes requests for other services on a shared listener', RULE, {
    type: 'aws:lb/listenerRule:ListenerRule',
    change: inputs({ conditions: [{ pathPattern: { values: ['/*'] } }] }),
  }),
  mutant('takes another priority than the configured one', RULE, {
    type: 'aws:lb/listenerRule:ListenerRule',
    change: inputs({ priority: 1 }),
  }),
  mutant(
    'ends its deployment because of other services’ errors',
    'other services on a shared load balancer neither set off alarms nor end a deployment',
    {
      type: 'aws:cloudwatch/metricAlarm:MetricAlarm',
      name: 'trunkline-server-errors',
      change: (alarm) => {
        for (const { metric } of [alarm.inputs.metricQueries].flat().map(Object)) delete metric?.dimensions.TargetGroup;
      },
    },
  ),
  mutant(
    'deploys behind a shared listener before its rule exists',
    'a deployment waits until its tasks can be reached, read their secrets, and reach the database and the internet, and until failures are reported',
    {
      type: 'aws:ecs/service:Service',
      change: (service) => {
        service.dependsOn = service.dependsOn.filter((urn) => !urn.includes('ListenerRule'));
      },
    },
  ),
  mutant('serves another certificate on a shared listener', CERTIFICATE, {
    type: 'aws:lb/listenerCertificate:ListenerCertificate',
    change: inputs({ certificateArn: 'arn:aws:acm:eu-central-1:210987654321:certificate/another' }),
  }),
  {
    ...mutant('serves another certificate than the configured one', CERTIFICATE, {
      type: 'aws:lb/listener:Listener',
      change: inputs({ certificateArn: 'arn:aws:acm:eu-central-1:210987654321:certificate/another' }),
    }),
    stack: 'widest',
  },
];
