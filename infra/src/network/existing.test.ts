import { expect, it } from 'vitest';
import { requireSubnets } from './existing.ts';

const subnet = (id: string, availabilityZone: string, vpcId = 'vpc-1') => ({ id, availabilityZone, vpcId });
const check = (...found: ReturnType<typeof subnet>[]) =>
  requireSubnets({ key: 'taskSubnetIds', vpcId: 'vpc-1', found });

it('accepts subnets of the VPC in two zones, or no subnets at all', () => {
  expect(() => check(subnet('subnet-1', 'eu-central-1a'), subnet('subnet-2', 'eu-central-1b'))).not.toThrow();
  expect(() => check()).not.toThrow();
});

it('refuses subnets of another VPC, with its id', () => {
  expect(() => check(subnet('subnet-1', 'eu-central-1a'), subnet('subnet-2', 'eu-central-1b', 'vpc-2'))).toThrow(
    'infra:network.taskSubnetIds names subnets that are not of vpc-1: subnet-2 is of vpc-2.',
  );
});

it('refuses subnets that are all in one zone', () => {
  expect(() => check(subnet('subnet-1', 'eu-central-1a'), subnet('subnet-2', 'eu-central-1a'))).toThrow(
    'infra:network.taskSubnetIds names subnets of eu-central-1a alone.',
  );
});
