import { inputs, type Mutant } from './mutant.ts';

const INGRESS = 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule';

export const network: Mutant[] = [
  {
    wrong: 'opens the database to the world',
    caughtBy: 'world-reaches-web-ports-only',
    type: INGRESS,
    name: 'trunkline-database-from-service',
    change: inputs({ referencedSecurityGroupId: undefined, cidrIpv4: '0.0.0.0/0' }),
  },
  {
    wrong: 'lets callers send their keys in clear text in production',
    caughtBy: 'world-reaches-web-ports-only',
    type: INGRESS,
    name: 'trunkline-world-to-load-balancer-443',
    change: inputs({ fromPort: 80, toPort: 80 }),
  },
  {
    wrong: 'opens the database to the network’s own addresses',
    caughtBy: 'database-port-reached-by-groups-only',
    type: INGRESS,
    name: 'trunkline-database-from-service',
    change: inputs({ referencedSecurityGroupId: undefined, cidrIpv4: '10.40.0.0/16' }),
  },
  {
    wrong: 'opens the database to the load balancer',
    caughtBy: 'database-reached-from-service-only',
    type: INGRESS,
    name: 'trunkline-database-from-service',
    change: inputs({ referencedSecurityGroupId: 'sg-trunkline-load-balancer' }),
  },
  {
    wrong: 'lets the world reach the tasks without the load balancer',
    caughtBy: 'world-reaches-load-balancer-only',
    type: INGRESS,
    name: 'trunkline-world-to-load-balancer-443',
    change: inputs({ securityGroupId: 'sg-trunkline-service' }),
  },
  {
    wrong: 'opens a port beside 80 and 443 by IPv6',
    caughtBy: 'world-reaches-web-ports-only',
    type: INGRESS,
    name: 'trunkline-world-to-load-balancer-443',
    change: inputs({ cidrIpv6: '::/0', fromPort: 0, toPort: 443 }),
  },
  {
    wrong: 'lets the database reach the internet',
    caughtBy:
      'each zone has its subnets: public ones route to the internet, those of tasks to NAT, those of the database nowhere',
    type: 'aws:ec2/routeTable:RouteTable',
    name: 'trunkline-isolated',
    change: inputs({ routes: [{ cidrBlock: '0.0.0.0/0', natGatewayId: 'nat' }] }),
  },
  {
    wrong: 'puts rules inside a security group',
    caughtBy: 'group-rules-are-resources',
    type: 'aws:ec2/securityGroup:SecurityGroup',
    change: inputs({ ingress: [{ protocol: 'tcp', fromPort: 22, toPort: 22, cidrBlocks: ['0.0.0.0/0'] }] }),
  },
  {
    wrong: 'lets the default security group allow traffic',
    caughtBy: 'default-group-empty',
    type: 'aws:ec2/defaultSecurityGroup:DefaultSecurityGroup',
    change: inputs({ egress: [{ protocol: '-1', fromPort: 0, toPort: 0, cidrBlocks: ['0.0.0.0/0'] }] }),
  },
  {
    wrong: 'opens its endpoints to the world',
    caughtBy: 'connections and their ports are those of the README’s diagram',
    stack: 'widest',
    type: INGRESS,
    name: 'trunkline-endpoints-from-service',
    change: inputs({ referencedSecurityGroupId: undefined, cidrIpv4: '0.0.0.0/0' }),
  },
  {
    wrong: 'has endpoints without private DNS names',
    caughtBy: 'the configured AWS services, and always S3, are reached inside the network by their usual names',
    stack: 'widest',
    type: 'aws:ec2/vpcEndpoint:VpcEndpoint',
    name: 'trunkline-endpoints-kms',
    change: inputs({ privateDnsEnabled: false }),
  },
  {
    wrong: 'keeps flow logs from finding their log group',
    caughtBy: 'the role of flow logs allows exactly what AWS requires',
    type: 'aws:iam/rolePolicy:RolePolicy',
    name: 'trunkline-flow-logs',
    change: (policy) => {
      policy.inputs.policy = String(policy.inputs.policy).replace('logs:DescribeLogGroups', 'logs:PutLogEvents');
    },
  },
];
