import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { NetworkConfig } from '../config/schema.ts';
import { trustOfFlowLogs, writeFlowLogs } from '../service/iam.ts';
import { subnetsOf } from './cidr.ts';

export interface NetworkArgs {
  network: Extract<NetworkConfig, { kind: 'own' }>;
  region: string;
  accountId: string;
  logRetentionDays: number;
  /** Whether a database needs isolated subnets. */
  hasDatabase: boolean;
}

/** The network that everything runs in: new or existing. */
export interface Place {
  readonly vpcId: pulumi.Output<string>;
  readonly publicSubnetIds: pulumi.Output<string>[];
  /** Where tasks run. These are public subnets if tasks have their own public addresses. */
  readonly taskSubnetIds: pulumi.Output<string>[];
  /** Empty without a database. */
  readonly isolatedSubnetIds: pulumi.Output<string>[];
  /** Only gateways that are created here. */
  readonly natGatewayIds: pulumi.Output<string>[];
  /** The addresses that tasks call out from, if they are fixed. */
  readonly egressAddresses: pulumi.Output<string>[];
}

/** The VPC: public subnets for the load balancer and NAT, private ones for tasks, isolated ones for the database. */
export class Network extends pulumi.ComponentResource implements Place {
  readonly vpcId: pulumi.Output<string>;
  readonly publicSubnetIds: pulumi.Output<string>[];
  readonly taskSubnetIds: pulumi.Output<string>[];
  readonly isolatedSubnetIds: pulumi.Output<string>[];
  readonly natGatewayIds: pulumi.Output<string>[];
  readonly egressAddresses: pulumi.Output<string>[];
  readonly #vpc: aws.ec2.Vpc;
  readonly #name: string;
  readonly #zones: readonly string[];

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Network', name, {}, opts);
    const { network, region, accountId, logRetentionDays, hasDatabase } = args;
    const { cidr, zones, egress } = network;
    const ranges = subnetsOf(cidr, zones.length);
    const parent = { parent: this };
    this.#name = name;
    this.#zones = zones;

    this.#vpc = new aws.ec2.Vpc(
      `${name}-vpc`,
      { cidrBlock: cidr, enableDnsHostnames: true, enableDnsSupport: true, tags: { Name: `${name}-vpc` } },
      parent,
    );
    const vpcId = this.#vpc.id;
    // By default, AWS's default group allows traffic between members and out to everyone. Emptied, it allows none.
    new aws.ec2.DefaultSecurityGroup(`${name}-default`, { vpcId, ingress: [], egress: [] }, parent);
    new FlowLogs(`${name}-flow-logs`, { vpcId, accountId, logRetentionDays }, parent);

    const gateway = new aws.ec2.InternetGateway(`${name}-internet`, { vpcId, tags: { Name: name } }, parent);
    const toInternet = this.#routeTable('public', [{ cidrBlock: '0.0.0.0/0', gatewayId: gateway.id }]);
    const publicSubnets = this.#subnets('public', ranges.public, () => toInternet);

    const count = { 'public-ip': 0, 'single-nat': 1, 'nat-per-zone': zones.length }[egress];
    const nats = publicSubnets.slice(0, count).map((subnet, at) => {
      const address = new aws.ec2.Eip(`${name}-nat-${zones[at]}`, { domain: 'vpc' }, parent);
      return new aws.ec2.NatGateway(
        `${name}-nat-${zones[at]}`,
        { allocationId: address.allocationId, subnetId: subnet.id, tags: { Name: `${name}-${zones[at]}` } },
        { ...parent, dependsOn: [gateway] },
      );
    });
    const privateTables = nats.map((nat, at) =>
      this.#routeTable(`private-${zones[at]}`, [{ cidrBlock: '0.0.0.0/0', natGatewayId: nat.id }]),
    );
    const [onlyTable] = privateTables;
    const privateSubnets =
      onlyTable === undefined ? [] : this.#subnets('private', ranges.private, (at) => privateTables[at] ?? onlyTable);

    const isolatedSubnets = hasDatabase ? this.#isolated(ranges.isolated) : [];

    // Image layers come from S3. Through this endpoint they cause no NAT traffic.
    new aws.ec2.VpcEndpoint(
      `${name}-s3`,
      {
        vpcId,
        serviceName: `com.amazonaws.${region}.s3`,
        vpcEndpointType: 'Gateway',
        routeTableIds: [toInternet, ...privateTables].map(({ id }) => id),
        tags: { Name: `${name}-s3` },
      },
      parent,
    );

    this.vpcId = vpcId;
    this.publicSubnetIds = publicSubnets.map(({ id }) => id);
    this.taskSubnetIds = (privateSubnets.length > 0 ? privateSubnets : publicSubnets).map(({ id }) => id);
    this.isolatedSubnetIds = isolatedSubnets.map(({ id }) => id);
    this.natGatewayIds = nats.map(({ id }) => id);
    this.egressAddresses = nats.map(({ publicIp }) => publicIp);
    this.registerOutputs({ vpcId });
  }

  #isolated(ranges: readonly string[]): aws.ec2.Subnet[] {
    const nowhere = this.#routeTable('isolated', []);
    return this.#subnets('isolated', ranges, () => nowhere);
  }

  #routeTable(tier: string, routes: aws.types.input.ec2.RouteTableRoute[]): aws.ec2.RouteTable {
    return new aws.ec2.RouteTable(
      `${this.#name}-${tier}`,
      { vpcId: this.#vpc.id, routes, tags: { Name: `${this.#name}-${tier}` } },
      { parent: this },
    );
  }

  #subnets(tier: string, ranges: readonly string[], tableOf: (zone: number) => aws.ec2.RouteTable): aws.ec2.Subnet[] {
    return ranges.map((cidrBlock, at) => {
      const name = `${this.#name}-${tier}-${this.#zones[at]}`;
      const subnet = new aws.ec2.Subnet(
        name,
        {
          vpcId: this.#vpc.id,
          cidrBlock,
          availabilityZone: this.#zones[at],
          mapPublicIpOnLaunch: false,
          tags: { Name: name },
        },
        { parent: this },
      );
      new aws.ec2.RouteTableAssociation(name, { subnetId: subnet.id, routeTableId: tableOf(at).id }, { parent: this });
      return subnet;
    });
  }
}

interface FlowLogsArgs {
  vpcId: pulumi.Input<string>;
  accountId: string;
  logRetentionDays: number;
}

/** Logs the traffic that security groups refused, to find out why nothing arrives. */
class FlowLogs extends pulumi.ComponentResource {
  constructor(
    name: string,
    { vpcId, accountId, logRetentionDays }: FlowLogsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super('trunkline:infra:FlowLogs', name, {}, opts);
    const parent = { parent: this };
    const logGroup = new aws.cloudwatch.LogGroup(name, { retentionInDays: logRetentionDays }, parent);
    const role = new aws.iam.Role(
      name,
      { assumeRolePolicy: JSON.stringify(trustOfFlowLogs(accountId)), description: 'Writes the flow logs' },
      parent,
    );
    const policy = new aws.iam.RolePolicy(
      name,
      { role: role.name, policy: pulumi.jsonStringify(logGroup.arn.apply(writeFlowLogs)) },
      parent,
    );
    new aws.ec2.FlowLog(
      name,
      {
        vpcId,
        trafficType: 'REJECT',
        logDestinationType: 'cloud-watch-logs',
        logDestination: logGroup.arn,
        iamRoleArn: role.arn,
        maxAggregationInterval: 600,
      },
      { ...parent, dependsOn: [policy] },
    );
    this.registerOutputs({});
  }
}

export interface EndpointsArgs {
  services: readonly string[];
  region: string;
  vpcId: pulumi.Input<string>;
  subnetIds: pulumi.Input<string>[];
  serviceGroupId: pulumi.Input<string>;
}

/** Interface endpoints, so that calls to AWS services do not leave the VPC. */
export class Endpoints extends pulumi.ComponentResource {
  constructor(name: string, args: EndpointsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Endpoints', name, {}, opts);
    const { services, region, vpcId, subnetIds, serviceGroupId } = args;
    const parent = { parent: this };
    const group = new aws.ec2.SecurityGroup(
      name,
      { vpcId, description: 'The interface endpoints', tags: { Name: name } },
      parent,
    );
    new aws.vpc.SecurityGroupIngressRule(
      `${name}-from-service`,
      {
        securityGroupId: group.id,
        referencedSecurityGroupId: serviceGroupId,
        ipProtocol: 'tcp',
        fromPort: 443,
        toPort: 443,
        description: 'endpoints-from-service',
      },
      parent,
    );
    for (const service of services) {
      new aws.ec2.VpcEndpoint(
        `${name}-${service.replaceAll('.', '-')}`,
        {
          vpcId,
          serviceName: `com.amazonaws.${region}.${service}`,
          vpcEndpointType: 'Interface',
          privateDnsEnabled: true,
          subnetIds,
          securityGroupIds: [group.id],
          tags: { Name: `${name}-${service}` },
        },
        parent,
      );
    }
    this.registerOutputs({});
  }
}
