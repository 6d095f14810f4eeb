import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { NetworkConfig } from '../config/schema.ts';
import type { Place } from './network.ts';

/** An existing VPC. It is read, in previews too, and nothing in it is created or changed. */
export const existingNetwork = (
  { vpcId, publicSubnetIds, taskSubnetIds, databaseSubnetIds }: Extract<NetworkConfig, { kind: 'existing' }>,
  opts: pulumi.InvokeOptions,
): Place => {
  const read = (key: string, ids: string[]): pulumi.Output<string>[] => {
    const subnets = pulumi.all(ids.map((id) => aws.ec2.getSubnetOutput({ id }, opts)));
    const checked = subnets.apply((found) => requireSubnets({ key, vpcId, found }));
    return ids.map((id) => checked.apply(() => id));
  };
  return {
    vpcId: pulumi.output(vpcId),
    publicSubnetIds: read('publicSubnetIds', publicSubnetIds),
    taskSubnetIds: read('taskSubnetIds', taskSubnetIds),
    isolatedSubnetIds: read('databaseSubnetIds', databaseSubnetIds),
    natGatewayIds: [],
    egressAddresses: [],
  };
};

export interface FoundSubnet {
  id: string;
  vpcId: string;
  availabilityZone: string;
}

/** Throws if a subnet is in another VPC, or all are in one zone, which load balancers and DocumentDB refuse. */
export const requireSubnets = ({ key, vpcId, found }: { key: string; vpcId: string; found: FoundSubnet[] }): void => {
  const strangers = found.filter((subnet) => subnet.vpcId !== vpcId).map(({ id, vpcId: of }) => `${id} is of ${of}`);
  if (strangers.length > 0)
    throw new pulumi.RunError(`infra:network.${key} names subnets that are not of ${vpcId}: ${strangers.join(', ')}.`);
  const zones = [...new Set(found.map(({ availabilityZone }) => availabilityZone))];
  if (zones.length === 1)
    throw new pulumi.RunError(`infra:network.${key} names subnets of ${zones[0]} alone. Name some of two zones.`);
};
