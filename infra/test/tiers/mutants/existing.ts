import { inputs, type Mutant } from './mutant.ts';

const NETWORK = 'all stands in the VPC and the subnets that the configuration names';
const UNCHANGED = 'of a load balancer that the account has neither listeners, groups nor web ACL are changed';
const RULE = 'of a shared listener only the requests to the own name are taken, by the rule of the priority asked for';
const CERTIFICATE = 'callers are shown the certificate that the configuration names, or one that is made for the name';

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
  mutant('runs its tasks in other subnets than those named', NETWORK, {
    type: 'aws:ecs/service:Service',
    change: inputs({ networkConfiguration: { subnets: ['subnet-0000000000000a001'] } }),
  }),
  mutant('keeps its database in other subnets than those named', NETWORK, {
    type: 'aws:docdb/subnetGroup:SubnetGroup',
    change: inputs({ subnetIds: ['subnet-0000000000000b001', 'subnet-0000000000000b002'] }),
  }),
  mutant('looks for its tasks in another VPC than the one named', NETWORK, {
    type: 'aws:lb/targetGroup:TargetGroup',
    change: inputs({ vpcId: 'vpc-00000001' }),
  }),
  mutant(
    'empties the default group of a VPC that the account has',
    'of a network that the account has nothing is made or changed',
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
  mutant('changes the group of a load balancer that the account has', UNCHANGED, {
    type: 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule',
    name: 'trunkline-service-from-load-balancer',
    change: inputs({ securityGroupId: 'sg-0000000000000aced' }),
  }),
  mutant(
    'lets another group than that of the load balancer reach the tasks',
    'who reaches whom, and by which port, is what the picture in the README shows',
    {
      type: 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule',
      name: 'trunkline-service-from-load-balancer',
      change: inputs({ referencedSecurityGroupId: 'sg-00000001' }),
    },
  ),
  mutant('takes the requests of others on a shared listener', RULE, {
    type: 'aws:lb/listenerRule:ListenerRule',
    change: inputs({ conditions: [{ pathPattern: { values: ['/*'] } }] }),
  }),
  mutant('takes another priority than the one given to it', RULE, {
    type: 'aws:lb/listenerRule:ListenerRule',
    change: inputs({ priority: 1 }),
  }),
  mutant(
    'ends its deployment for the errors of others',
    'what others do on a shared load balancer neither alarms nor ends a deployment',
    {
      type: 'aws:cloudwatch/metricAlarm:MetricAlarm',
      name: 'trunkline-server-errors',
      change: (alarm) => {
        for (const { metric } of [alarm.inputs.metricQueries].flat().map(Object)) delete metric?.dimensions.TargetGroup;
      },
    },
  ),
  mutant(
    'deploys behind a shared listener before its rule is there',
    'a deployment waits until its tasks can be reached, can read their secrets, and reach the world and their database; a failed one is told of',
    {
      type: 'aws:ecs/service:Service',
      change: (service) => {
        service.dependsOn = service.dependsOn.filter((urn) => !urn.includes('ListenerRule'));
      },
    },
  ),
  mutant('shows callers of a shared listener another certificate', CERTIFICATE, {
    type: 'aws:lb/listenerCertificate:ListenerCertificate',
    change: inputs({ certificateArn: 'arn:aws:acm:eu-central-1:210987654321:certificate/another' }),
  }),
  {
    ...mutant('shows another certificate than the one named', CERTIFICATE, {
      type: 'aws:lb/listener:Listener',
      change: inputs({ certificateArn: 'arn:aws:acm:eu-central-1:210987654321:certificate/another' }),
    }),
    stack: 'widest',
  },
];
