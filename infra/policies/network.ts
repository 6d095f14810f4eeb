import type { PolicyResource } from '@pulumi/policy';
import { isProd, onEach, onStack, type Rule, when } from './rule.ts';

const INGRESS = 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule';
const DATABASE_PORT = 27_017;
const WORLD = ['0.0.0.0/0', '::/0'];

const isOpen = ({ props }: PolicyResource): boolean =>
  props.cidrIpv4 !== undefined || props.cidrIpv6 !== undefined || props.prefixListId !== undefined;

const of = (resources: PolicyResource[], type: string) => resources.filter((resource) => resource.type === type);

export const network: Rule[] = [
  onEach(
    INGRESS,
    {
      name: 'world-reaches-web-ports-only',
      description: 'Only port 443 is open to the world, and outside of production port 80 too.',
    },
    ({ cidrIpv4, cidrIpv6, fromPort, toPort }, resource) =>
      when(
        [cidrIpv4, cidrIpv6].some((range) => WORLD.includes(range)) &&
          !(fromPort === toPort && (isProd(resource) ? [443] : [80, 443]).includes(fromPort)),
        `Ports ${fromPort} to ${toPort} are open to the world. Name the group that may reach them.`,
      ),
  ),
  onEach(
    INGRESS,
    {
      name: 'database-port-reached-by-groups-only',
      description: 'Only security groups may reach the port of a database, not address ranges.',
    },
    ({ cidrIpv4, cidrIpv6, prefixListId, fromPort, toPort, ipProtocol }) =>
      when(
        [cidrIpv4, cidrIpv6, prefixListId].some((range) => range !== undefined) &&
          (ipProtocol === '-1' || (fromPort <= DATABASE_PORT && DATABASE_PORT <= toPort)),
        `An address range may reach port ${DATABASE_PORT}. Name the security group that may instead.`,
      ),
  ),
  onStack(
    {
      name: 'world-reaches-load-balancer-only',
      description: 'Only groups of the load balancer are open to the world.',
    },
    (resources) => {
      const edge = of(resources, 'aws:lb/loadBalancer:LoadBalancer').flatMap(({ props }) => props.securityGroups ?? []);
      return of(resources, INGRESS)
        .filter(({ props }) => [props.cidrIpv4, props.cidrIpv6].some((range) => WORLD.includes(range)))
        .filter(({ props }) => !edge.includes(props.securityGroupId))
        .map((rule) => [rule, 'It opens a group to the world that is not the load balancer’s.']);
    },
  ),
  onStack(
    { name: 'database-reached-from-service-only', description: 'Only the service’s group reaches the database’s.' },
    (resources) => {
      const database = of(resources, 'aws:docdb/cluster:Cluster').flatMap(
        ({ props }) => props.vpcSecurityGroupIds ?? [],
      );
      const service = of(resources, 'aws:ecs/service:Service').flatMap(
        ({ props }) => props.networkConfiguration?.securityGroups ?? [],
      );
      const allowed = (rule: PolicyResource) =>
        !isOpen(rule) && (service.length === 0 || service.includes(rule.props.referencedSecurityGroupId));
      return of(resources, INGRESS)
        .filter(({ props }) => database.includes(props.securityGroupId))
        .filter((rule) => !allowed(rule))
        .map((rule) => [rule, 'It lets others besides the service reach the database. Reference the service’s group.']);
    },
  ),
  onEach(
    'aws:ec2/securityGroup:SecurityGroup',
    { name: 'group-rules-are-resources', description: 'Each rule of a security group is a resource of its own.' },
    ({ ingress, egress }) =>
      when(
        [ingress, egress].some((rules) => (rules?.length ?? 0) > 0),
        'Rules within a group hide what changes. Make each a SecurityGroupIngressRule or SecurityGroupEgressRule.',
      ),
  ),
  onEach(
    'aws:ec2/defaultSecurityGroup:DefaultSecurityGroup',
    { name: 'default-group-empty', description: 'The default security group lets nothing in or out.' },
    ({ ingress, egress }) =>
      when(
        [ingress, egress].some((rules) => (rules?.length ?? 0) > 0),
        'Resources that name no group get this one. Leave it without rules.',
      ),
  ),
];
