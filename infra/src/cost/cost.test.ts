import { assert, constantFrom, integer, property, record } from 'fast-check';
import { expect, it } from 'vitest';
import { EXISTING } from '../../test/given.ts';
import { networkOf, Schema } from '../config/schema.ts';
import { costOf, type Priced, totalOf } from './cost.ts';

const priced = (changes: object = {}): Priced => {
  const settings = Schema.parse({
    environment: 'dev',
    region: 'eu-central-1',
    accountId: '123456789012',
    network: { zones: ['eu-central-1a', 'eu-central-1b'], egress: 'public-ip' },
    database: { kind: 'external' },
    livekitUrl: 'wss://example.livekit.cloud',
    livekitSipHost: 'example.sip.livekit.cloud',
    ...changes,
  });
  const { network, domain } = settings;
  return { ...settings, network: networkOf(network), hasCertificate: domain !== undefined, managedSecrets: 5 };
};
const lineOf = (what: RegExp, changes: object) => costOf(priced(changes)).find((line) => what.test(line.what));

it('prices a task by its size: half a vCPU and a gigabyte for 730 hours', () => {
  expect(lineOf(/^Fargate/, { service: { min: 3 } })).toEqual({
    what: 'Fargate task, 0.5 vCPU, 1 GB, arm64',
    quantity: 3,
    usd_each: (0.5 * 0.03238 + 0.00356) * 730,
  });
});

it('counts the NAT gateways and addresses of each kind of egress', () => {
  const zones = ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'];
  const quantities = (egress: string) =>
    [/^NAT/, /^Public/].map((what) => lineOf(what, { network: { zones, egress }, service: { min: 2 } })?.quantity ?? 0);
  expect(quantities('public-ip')).toEqual([0, 5]);
  expect(quantities('single-nat')).toEqual([1, 4]);
  expect(quantities('nat-per-zone')).toEqual([3, 6]);
});

it('counts nothing for an existing network or load balancer', () => {
  const theirs = { vpcId: EXISTING.vpcId, taskSubnetIds: EXISTING.taskSubnetIds };
  const quantities = (changes: object) =>
    [/^NAT/, /^Public/, /^Application/, /^CloudWatch alarm/].map((what) => lineOf(what, changes)?.quantity ?? 0);
  const [, addresses, loadBalancers, alarms = 0] = quantities({
    network: { ...theirs, publicSubnetIds: EXISTING.publicSubnetIds },
  });
  expect([addresses, loadBalancers]).toEqual([2, 1]);
  // The owners of the load balancer watch what it refuses.
  expect(quantities({ network: theirs, loadBalancer: EXISTING.loadBalancer })).toEqual([0, 0, 0, alarms - 1]);
});

it.each([
  [{ instanceClass: 'db.r6g.large', instances: 2 }, 0.2627 * 730],
  [{ instanceClass: 'db.r6g.4xlarge', instances: 2 }, 0.2627 * 8 * 730],
  [{ instanceClass: 'db.serverless', instances: 2, capacity: { min: 1.5, max: 4 } }, 1.5 * 0.0822 * 730],
  [{ instanceClass: 'db.r9z.large', instances: 2 }, undefined],
])('prices DocumentDB %j', (database, usd_each) => {
  const line = lineOf(/^DocumentDB/, { database: { kind: 'documentdb', ...database } });
  expect(line?.quantity).toBe(2);
  if (usd_each === undefined) expect(line?.usd_each).toBeUndefined();
  else expect(line?.usd_each).toBeCloseTo(usd_each, 6);
});

it('never gets cheaper when anything is added', async () => {
  const sizes = record({
    min: integer({ min: 1, max: 20 }),
    instances: integer({ min: 1, max: 8 }),
    egress: constantFrom('single-nat', 'nat-per-zone'),
  });
  const totalFor = ({ min, instances, egress }: { min: number; instances: number; egress: string }) =>
    totalOf(
      costOf(
        priced({
          service: { min, max: 100 },
          database: { kind: 'documentdb', instances },
          network: { zones: ['eu-central-1a', 'eu-central-1b'], egress },
        }),
      ),
    );
  await assert(
    property(sizes, (size) => {
      const total = totalFor(size);
      expect(totalFor({ ...size, min: size.min + 1 })).toBeGreaterThan(total);
      expect(totalFor({ ...size, instances: size.instances + 1 })).toBeGreaterThan(total);
      expect(totalFor({ ...size, egress: 'nat-per-zone' })).toBeGreaterThanOrEqual(total);
    }),
    { numRuns: 50 },
  );
});
