import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';

export interface EndpointsArgs {
  services: readonly string[];
  region: string;
  vpcId: pulumi.Input<string>;
  subnetIds: pulumi.Input<string>[];
  serviceGroupId: pulumi.Input<string>;
}

/** AWS's own services inside the VPC, for those who want no call to them to leave it. */
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
