import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { Config } from '../config/config.ts';
import { DATABASE_PORT } from '../data/connection.ts';
import { outboundPorts, SERVICE_PORT } from '../service/settings.ts';

export interface SecurityGroupsArgs {
  config: Pick<Config, 'edge' | 'loadBalancer' | 'database' | 'livekitUrl' | 'service'>;
  vpcId: pulumi.Input<string>;
}

/** Allows only these connections: world to load balancer, load balancer to service, service to database and outside. */
export class SecurityGroups extends pulumi.ComponentResource {
  readonly loadBalancerId: pulumi.Output<string>;
  readonly serviceId: pulumi.Output<string>;
  /** Absent without a database. */
  readonly databaseId: pulumi.Output<string> | undefined;

  constructor(name: string, { config, vpcId }: SecurityGroupsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:SecurityGroups', name, {}, opts);
    const parent = { parent: this };
    const group = (of: string, description: string) =>
      new aws.ec2.SecurityGroup(`${name}-${of}`, { vpcId, description, tags: { Name: `${name}-${of}` } }, parent).id;
    const shared = config.loadBalancer?.securityGroupId;
    const loadBalancer = shared === undefined ? group('load-balancer', 'The load balancer') : pulumi.output(shared);
    const service = group('service', 'The tasks of the service');

    const everyone = { cidrIpv4: '0.0.0.0/0' };
    const ingress = (from: string, to: pulumi.Input<string>, port: number, source: Partial<Peer>) =>
      new aws.vpc.SecurityGroupIngressRule(
        `${name}-${from}`,
        { securityGroupId: to, ipProtocol: 'tcp', fromPort: port, toPort: port, description: from, ...source },
        parent,
      );
    const egress = (to: string, from: pulumi.Input<string>, port: number, destination: Partial<Peer>) =>
      new aws.vpc.SecurityGroupEgressRule(
        `${name}-${to}`,
        { securityGroupId: from, ipProtocol: 'tcp', fromPort: port, toPort: port, description: to, ...destination },
        parent,
      );

    // An existing group is not changed: its owners allow it to reach the tasks.
    if (shared === undefined) {
      const port = config.edge.scheme === 'https' ? 443 : 80;
      ingress(`world-to-load-balancer-${port}`, loadBalancer, port, everyone);
      egress('load-balancer-to-service', loadBalancer, SERVICE_PORT, { referencedSecurityGroupId: service });
    }
    ingress('service-from-load-balancer', service, SERVICE_PORT, { referencedSecurityGroupId: loadBalancer });
    for (const outbound of outboundPorts(config)) egress(`service-to-world-${outbound}`, service, outbound, everyone);
    if (config.database.kind === 'documentdb') {
      const database = group('database', 'The database');
      this.databaseId = database;
      egress('service-to-database', service, DATABASE_PORT, { referencedSecurityGroupId: database });
      ingress('database-from-service', database, DATABASE_PORT, { referencedSecurityGroupId: service });
    }

    this.loadBalancerId = loadBalancer;
    this.serviceId = service;
    this.registerOutputs({});
  }
}

interface Peer {
  cidrIpv4: string;
  referencedSecurityGroupId: pulumi.Input<string>;
}
