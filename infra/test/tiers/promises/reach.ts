import { subnetsOf } from '../../../src/network/cidr.ts';
import type { Resource } from '../registration.ts';
import type { Run } from '../run-program.ts';
import { containersOf, differences, given, listOf, of, type Promises, urnsOf } from './promise.ts';

interface Network {
  vpcId?: string;
  cidr?: string;
  zones?: string[];
  egress?: 'public-ip' | 'single-nat' | 'nat-per-zone';
  endpoints?: string[];
}
interface Asked {
  network: Network;
  egress: NonNullable<Network['egress']>;
  /** The subnets that a new network has in each zone. */
  tiers: ('public' | 'private' | 'isolated')[];
  hasDatabase: boolean;
}
const asked = (run: Run): Asked => {
  const network = given<Network>(run, 'network') ?? {};
  const egress = network.egress ?? 'single-nat';
  const hasDatabase = given<{ kind: string }>(run, 'database')?.kind === 'documentdb';
  const tiers: Asked['tiers'] = [
    'public',
    ...(egress === 'public-ip' ? [] : (['private'] as const)),
    ...(hasDatabase ? (['isolated'] as const) : []),
  ];
  return { network, egress, tiers: network.vpcId === undefined ? tiers : [], hasDatabase };
};

/** Which connections are possible: those of the README's diagram. */
export const reach = {
  'only the service’s own port of a task is open': (run) =>
    containersOf(run).flatMap(({ portMappings = [] }) =>
      portMappings.filter(({ containerPort }) => containerPort !== 3000).map(({ containerPort }) => `${containerPort}`),
    ),

  'connections and their ports are those of the README’s diagram': (run) => {
    const { network, hasDatabase } = asked(run);
    const isShared = given(run, 'loadBalancer') !== undefined;
    const entrance = given(run, 'domain') === undefined ? 80 : 443;
    return differences(admitted(run), [
      ...(isShared ? [] : [`load balancer admits world: ${entrance}`, 'load balancer may call service: 3000']),
      'service admits load balancer: 3000',
      ...portsOfUrls(run).map((port) => `service may call world: ${port}`),
      ...(hasDatabase ? ['service may call database: 27017', 'database admits service: 27017'] : []),
      ...((network.endpoints ?? []).length > 0 ? ['endpoints admits service: 443'] : []),
    ]);
  },

  'each zone has its subnets: public ones route to the internet, those of tasks to NAT, those of the database nowhere':
    (run) => {
      const { network, egress, tiers } = asked(run);
      const { zones = [] } = network;
      const found = of(run, 'ec2/subnet').map(
        (subnet) => `${tierOf(subnet)} ${subnet.inputs.availabilityZone} → ${wayOut(run, subnet)}`,
      );
      const nat = (zone: string) => `NAT of ${egress === 'nat-per-zone' ? zone : zones[0]}`;
      const ways = { public: () => 'internet', private: nat, isolated: () => 'nowhere' };
      return differences(
        found,
        tiers.flatMap((tier) => zones.map((zone) => `${tier} ${zone} → ${ways[tier](zone)}`)),
      );
    },

  'the load balancer is in public subnets, tasks and endpoints in subnets with a way out, the database in subnets without':
    (run) => {
      const { network, egress } = asked(run);
      const withAddresses = urnsOf(
        run,
        'ecs/service',
        ({ inputs }) => Object(inputs.networkConfiguration).assignPublicIp !== (egress === 'public-ip'),
      );
      if (network.vpcId !== undefined) return withAddresses;
      const idsOf = (tier: Asked['tiers'][number]) =>
        of(run, 'ec2/subnet')
          .filter((subnet) => tierOf(subnet) === tier)
          .map(({ id }) => id);
      const tasks = idsOf(egress === 'public-ip' ? 'public' : 'private');
      const inSubnets = (kind: string, subnetsOf: (inputs: Resource['inputs']) => unknown, ids: string[]) =>
        of(run, kind)
          .filter(({ inputs }) => `${subnetsOf(inputs)}` !== `${ids}`)
          .map(({ urn }) => urn);
      return [
        ...withAddresses,
        ...inSubnets('lb/loadBalancer', ({ subnets }) => subnets, idsOf('public')),
        ...inSubnets('ecs/service', ({ networkConfiguration }) => Object(networkConfiguration).subnets, tasks),
        ...inSubnets('docdb/subnetGroup', ({ subnetIds }) => subnetIds, idsOf('isolated')),
        ...of(run, 'ec2/vpcEndpoint')
          .filter(({ inputs }) => inputs.vpcEndpointType === 'Interface' && `${inputs.subnetIds}` !== `${tasks}`)
          .map(({ urn }) => urn),
      ];
    },

  'the network has the configured range, and each subnet its own part of it': (run) => {
    const { cidr = '10.40.0.0/16', zones = [] } = asked(run).network;
    const ranges = of(run, 'ec2/subnet').map(({ inputs }) => inputs.cidrBlock);
    const within = Object.values(subnetsOf(cidr, zones.length)).flat();
    return [
      ...urnsOf(run, 'ec2/vpc', ({ inputs }) => inputs.cidrBlock !== cidr),
      ...(new Set(ranges).size === ranges.length ? [] : ['not one range each']),
      ...ranges.filter((range) => !within.some((one) => one === range)).map(String),
    ];
  },

  'a new network logs the traffic that it refuses, and its default security group allows none': (run) => {
    const wanted = asked(run).network.vpcId === undefined ? 1 : 0;
    const flowLogs = of(run, 'ec2/flowLog').filter(({ inputs }) => inputs.trafficType === 'REJECT');
    const groups = of(run, 'ec2/defaultSecurityGroup');
    return [
      ...(flowLogs.length === wanted ? [] : ['not one flow log of what is refused']),
      ...(groups.length === wanted ? [] : ['not one default group that is emptied']),
    ];
  },

  'the configured AWS services, and always S3, are reached inside the network by their usual names': (run) => {
    const { network } = asked(run);
    if (network.vpcId !== undefined) return [];
    const endpoints = of(run, 'ec2/vpcEndpoint');
    const tables = of(run, 'ec2/routeTable')
      .filter(({ name }) => !name.endsWith('-isolated'))
      .map(({ id }) => id);
    return [
      ...differences(
        endpoints.map(
          ({ inputs }) =>
            `${String(inputs.serviceName).replace(/^com\.amazonaws\.[^.]*\./, '')} ${inputs.vpcEndpointType}`,
        ),
        ['s3 Gateway', ...(network.endpoints ?? []).map((service) => `${service} Interface`)],
      ),
      ...endpoints
        .filter(({ inputs }) =>
          inputs.vpcEndpointType === 'Gateway'
            ? `${[inputs.routeTableIds].flat().toSorted()}` !== `${tables.toSorted()}`
            : inputs.privateDnsEnabled !== true || !inputs.securityGroupIds,
        )
        .map(({ urn }) => urn),
    ];
  },
} satisfies Promises;

/** Describes what the security group rules allow. */
const admitted = (run: Run): string[] => {
  const names = groupNames(run);
  const nameOf = (id: unknown) => names.get(id) ?? String(id);
  const peerOf = ({ cidrIpv4, cidrIpv6, prefixListId, referencedSecurityGroupId }: Resource['inputs']) =>
    cidrIpv4 === '0.0.0.0/0' ? 'world' : nameOf(cidrIpv4 ?? cidrIpv6 ?? prefixListId ?? referencedSecurityGroupId);
  const portsOf = ({ ipProtocol, fromPort, toPort }: Resource['inputs']) =>
    ipProtocol === 'tcp' && fromPort === toPort ? `${fromPort}` : `${ipProtocol} ${fromPort} to ${toPort}`;
  const told = (kind: string, verb: string) =>
    of(run, `vpc/securityGroup${kind}Rule`).map(
      ({ inputs }) => `${nameOf(inputs.securityGroupId)} ${verb} ${peerOf(inputs)}: ${portsOf(inputs)}`,
    );
  return [...told('Ingress', 'admits'), ...told('Egress', 'may call')];
};

/** The owner of each security group: by the resources that use it, or by name before there is an image. */
const groupNames = (run: Run): Map<unknown, string> => {
  const worn = (kind: string, groups: (inputs: Resource['inputs']) => unknown, as: string) =>
    of(run, kind).flatMap(({ inputs }) => [groups(inputs) ?? []].flat().map((id): [unknown, string] => [id, as]));
  const shared = given<{ securityGroupId: string }>(run, 'loadBalancer')?.securityGroupId;
  const named = of(run, 'ec2/securityGroup').filter(({ name }) => name === 'trunkline-service');
  return new Map<unknown, string>([
    ...named.map(({ id }): [unknown, string] => [id, 'service']),
    ...(shared === undefined ? [] : [[shared, 'load balancer'] as [unknown, string]]),
    ...worn('lb/loadBalancer', ({ securityGroups }) => securityGroups, 'load balancer'),
    ...worn('ecs/service', ({ networkConfiguration }) => Object(networkConfiguration).securityGroups, 'service'),
    ...worn('docdb/cluster', ({ vpcSecurityGroupIds }) => vpcSecurityGroupIds, 'database'),
    ...worn('ec2/vpcEndpoint', ({ securityGroupIds }) => securityGroupIds, 'endpoints'),
  ]);
};

/** HTTPS, and the other ports in the URLs of the configuration. */
const portsOfUrls = (run: Run): number[] => {
  const urls = [given<string>(run, 'livekitUrl'), given<{ twilioApiUrl?: string }>(run, 'service')?.twilioApiUrl];
  const { kind, port = 27_017 } = given<{ kind: string; port?: number | string }>(run, 'database') ?? { kind: '' };
  const named = urls.flatMap((url) => (url === undefined ? [] : [new URL(url)]));
  const usual = { 'ws:': 80, 'http:': 80 } as Record<string, number>;
  return [
    ...new Set([
      443,
      ...named.map(({ port: at, protocol }) => (at === '' ? (usual[protocol] ?? 443) : Number(at))),
      ...(kind === 'external' ? [Number(port)] : []),
    ]),
  ];
};

const tierOf = ({ name }: Resource): string => /^trunkline-(\w+)-/.exec(name)?.[1] ?? name;

/** The target of the only route in a subnet’s table. */
const wayOut = (run: Run, subnet: Resource): string => {
  const tables = of(run, 'ec2/routeTableAssociation').filter(({ inputs }) => inputs.subnetId === subnet.id);
  const [table, ...others] = of(run, 'ec2/routeTable').filter(({ id }) => id === tables[0]?.inputs.routeTableId);
  if (!table || others.length > 0 || tables.length > 1) return 'no table of its own';
  const routes = listOf(table.inputs.routes);
  const [route] = routes;
  if (!route) return 'nowhere';
  if (routes.length > 1 || route.cidrBlock !== '0.0.0.0/0') return JSON.stringify(routes);
  if (of(run, 'ec2/internetGateway').some(({ id }) => id === route.gatewayId)) return 'internet';
  const nat = of(run, 'ec2/natGateway').find(({ id }) => id === route.natGatewayId);
  const place = of(run, 'ec2/subnet').find(({ id }) => id === nat?.inputs.subnetId);
  return place && wayOut(run, place) === 'internet'
    ? `NAT of ${place.inputs.availabilityZone}`
    : 'a gateway that is not there';
};
