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
    wrong: 'lets callers send their keys in clear in production',
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
    wrong: 'lets the world reach the tasks past the load balancer',
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
    wrong: 'lets the database out',
    caughtBy:
      'subnets are in each zone, and lead where they should: public ones out, those of tasks to NAT, those of the database nowhere',
    type: 'aws:ec2/routeTable:RouteTable',
    name: 'trunkline-isolated',
    change: inputs({ routes: [{ cidrBlock: '0.0.0.0/0', natGatewayId: 'nat' }] }),
  },
  {
    wrong: 'hides rules in a group',
    caughtBy: 'group-rules-are-resources',
    type: 'aws:ec2/securityGroup:SecurityGroup',
    change: inputs({ ingress: [{ protocol: 'tcp', fromPort: 22, toPort: 22, cidrBlocks: ['0.0.0.0/0'] }] }),
  },
  {
    wrong: 'lets the default group talk',
    caughtBy: 'default-group-empty',
    type: 'aws:ec2/defaultSecurityGroup:DefaultSecurityGroup',
    change: inputs({ egress: [{ protocol: '-1', fromPort: 0, toPort: 0, cidrBlocks: ['0.0.0.0/0'] }] }),
  },
  {
    wrong: 'opens its endpoints to the world',
    caughtBy: 'who reaches whom, and by which port, is what the picture in the README shows',
    stack: 'widest',
    type: INGRESS,
    name: 'trunkline-endpoints-from-service',
    change: inputs({ referencedSecurityGroupId: undefined, cidrIpv4: '0.0.0.0/0' }),
  },
  {
    wrong: 'has endpoints that nobody finds',
    caughtBy: 'AWS’s own services that are asked for are reached inside the network by their usual names, S3 always',
    stack: 'widest',
    type: 'aws:ec2/vpcEndpoint:VpcEndpoint',
    name: 'trunkline-endpoints-kms',
    change: inputs({ privateDnsEnabled: false }),
  },
  {
    wrong: 'lets flow logs find no group',
    caughtBy: 'flow logs may do all that AWS asks of their role, and nothing else',
    type: 'aws:iam/rolePolicy:RolePolicy',
    name: 'trunkline-flow-logs',
    change: (policy) => {
      policy.inputs.policy = String(policy.inputs.policy).replace('logs:DescribeLogGroups', 'logs:PutLogEvents');
    },
  },
];
