import { array, assert, asyncProperty, boolean, constantFrom, integer, option, record, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dev, EXISTING, existingNetwork, prod } from '../test/given.ts';
import { evaluate, evaluatePreview } from '../test/tiers/evaluate.ts';
import { build } from '../test/tiers/in-process.ts';
import { PROMISES } from '../test/tiers/promises/promises.ts';
import type { Run } from '../test/tiers/run-program.ts';
import { stackOf } from '../test/tiers/stacks.ts';

const ofType = ({ resources }: Run, type: string) => resources.filter((resource) => resource.type === type);
const zones = ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'];

describe('the components', () => {
  it.each([
    ['public-ip', 0],
    ['single-nat', 1],
    ['nat-per-zone', 3],
  ])('with egress %s create %d NAT gateways, and no subnets for an external database', async (egress, nats) => {
    const run = await build(stackOf(dev({ network: { zones, egress } })));
    expect(ofType(run, 'aws:ec2/natGateway:NatGateway')).toHaveLength(nats);
    expect(ofType(run, 'aws:ec2/subnet:Subnet')).toHaveLength(nats === 0 ? 3 : 6);
    expect(run.resources.filter(({ name }) => /isolated|database/.test(name))).toEqual([]);
  });

  it('give the final snapshot of each restored database another name', async () => {
    const named = async (restored: object) => {
      const database = { kind: 'documentdb', instanceClass: 'db.r6g.large', instances: 2, ...restored };
      const [cluster] = ofType(await build(stackOf(prod({ database }))), 'aws:docdb/cluster:Cluster');
      return cluster?.inputs.finalSnapshotIdentifier;
    };
    const pointInTime = { cluster: 'trunkline-database-1', time: 'latest' };
    const names = [
      await named({}),
      await named({ snapshot: 'a' }),
      await named({ snapshot: 'b' }),
      await named({ pointInTime }),
    ];
    expect(new Set(names).size).toBe(names.length);
  });

  it.each([
    ['db.t4g.medium', ['CPUSurplusCreditsCharged']],
    ['db.r6g.large', []],
  ])('watch the CPU credits of %s that AWS bills, if it has any', async (instanceClass, names) => {
    const run = await build(stackOf(prod({ database: { kind: 'documentdb', instances: 2, instanceClass } })));
    const watched = ofType(run, 'aws:cloudwatch/metricAlarm:MetricAlarm').map(({ inputs }) =>
      String(inputs.metricName),
    );
    expect(watched.filter((name) => name.includes('Credit'))).toEqual(names);
  });

  it('create another target group behind a shared load balancer, because a target group can have only one', async () => {
    const { loadBalancer } = EXISTING;
    const own = await build(stackOf(prod({ network: existingNetwork() })));
    const shared = await build(stackOf(prod({ network: existingNetwork({ isShared: true }), loadBalancer })));
    const type = 'aws:lb/targetGroup:TargetGroup';
    expect(ofType(shared, type)[0]?.urn).not.toBe(ofType(own, type)[0]?.urn);
  });

  it('create no DNS record if the zone is managed elsewhere', async () => {
    const { certificateArn } = EXISTING;
    const run = await build(stackOf(prod({ certificateArn, hostedZoneId: undefined })));
    expect(ofType(run, 'aws:route53/record:Record')).toEqual([]);
    expect(ofType(run, 'aws:acm/certificate:Certificate')).toEqual([]);
  });

  it('create no secret for one that already exists', async () => {
    const arn = 'arn:aws:secretsmanager:eu-central-1:210987654321:secret:uri-AbCdEf';
    const run = await build(stackOf(prod({ livekitApiKey: undefined, secretArns: { livekitApiKey: arn } })));
    const names = ofType(run, 'aws:secretsmanager/secret:Secret').map(({ name }) => name);
    expect(names).not.toContain('trunkline-livekit-api-key');
  });

  it('request the same resources for the same configuration', async () => {
    const [once, again] = [await build(stackOf(prod())), await build(stackOf(prod()))];
    const sorted = ({ resources }: Run) => resources.toSorted((a, b) => a.urn.localeCompare(b.urn));
    expect(sorted(again)).toEqual(sorted(once));
  });
});

const SECRET = (name: string) => `arn:aws:secretsmanager:eu-central-1:210987654321:secret:${name}-AbCdEf`;

const configurations = record({
  environment: constantFrom('dev', 'staging', 'prod'),
  zones: uniqueArray(constantFrom(...zones), { minLength: 2, maxLength: 3 }),
  egress: constantFrom('public-ip', 'single-nat', 'nat-per-zone'),
  place: constantFrom('own', 'network', 'load balancer'),
  isHttp: boolean(),
  hasCertificate: boolean(),
  endpoints: uniqueArray(constantFrom('kms', 'logs', 'secretsmanager'), { maxLength: 3 }),
  database: constantFrom('external', 'instances', 'burstable', 'serverless'),
  restored: constantFrom(
    {},
    { snapshot: 'rds:trunkline-2026-11-23-03-10' },
    { pointInTime: { cluster: 'trunkline-database-1', time: 'latest' } },
    { pointInTime: { cluster: 'trunkline-database-1', time: '2026-11-23T03:10:00Z' } },
  ),
  external: uniqueArray(constantFrom('livekitApiKey', 'livekitApiSecret', 'encryptionKeys'), { maxLength: 3 }),
  hasImage: boolean(),
  architecture: constantFrom('arm64', 'x86_64'),
  min: integer({ min: 2, max: 4 }),
  waf: option(record({ commonRules: boolean() }), { nil: undefined }),
  alarms: constantFrom({ email: 'oncall@acme.dev' }, { snsArn: 'arn:aws:sns:eu-central-1:210987654321:oncall' }),
  accessLogs: option(boolean(), { nil: undefined }),
  tags: array(constantFrom('team', 'cost'), { maxLength: 2 }),
}).map(({ zones: chosen, egress: drawn, endpoints, place, hasCertificate, database, hasImage, min, tags, ...rest }) => {
  const { isHttp, restored, external, ...asDrawn } = rest;
  const isShared = place === 'load balancer';
  // Production refuses public-ip, so it gets another egress.
  const egress = drawn === 'public-ip' && rest.environment === 'prod' ? 'single-nat' : drawn;
  const hasName = !isHttp || rest.environment !== 'dev' || isShared;
  return prod({
    ...asDrawn,
    ...(hasName ? hasCertificate && { certificateArn: EXISTING.certificateArn } : NAMELESS),
    service: { min, max: min + 2 },
    network:
      place === 'own'
        ? { zones: chosen, egress, endpoints: egress === 'public-ip' ? [] : endpoints }
        : {
            ...existingNetwork({ isShared, hasDatabase: database !== 'external' }),
            ...(egress === 'public-ip' && { egress }),
          },
    ...(isShared && { loadBalancer: EXISTING.loadBalancer, waf: undefined, accessLogs: undefined }),
    tags: Object.fromEntries(tags.map((tag) => [tag, 'x'])),
    ...Object.fromEntries(external.map((key) => [key, undefined])),
    secretArns: Object.fromEntries(external.map((key) => [key, SECRET(key)])),
    ...(database === 'external'
      ? {
          database: { kind: 'external' },
          databasePassword: undefined,
          mongodbUri: 'mongodb+srv://trunkline:password@db.acme.dev/trunkline',
        }
      : { database: { kind: 'documentdb', instances: 2, ...CLASSES[database], ...restored } }),
    ...(!hasImage && { image: undefined }),
  });
});
const NAMELESS = { domain: undefined, hostedZoneId: undefined };
const CLASSES = {
  instances: { instanceClass: 'db.r6g.large' },
  burstable: { instanceClass: 'db.t4g.medium' },
  serverless: { instanceClass: 'db.serverless', capacity: { min: 4, max: 8 } },
};

/** CI draws more: INFRA_CONFIGURATIONS says how many. A failure prints the seed and the configuration. */
const CONFIGURATIONS = Number(process.env.INFRA_CONFIGURATIONS ?? 10);

it('keeps every promise and every policy for any valid configuration', { timeout: 600_000 }, async () => {
  await assert(
    asyncProperty(configurations, boolean(), async (given, isPreview) => {
      const run = await build(stackOf(given), { dryRun: isPreview });
      const urns = run.resources.map(({ urn }) => urn);
      expect(new Set(urns).size).toBe(urns.length);
      expect(ofType(run, 'aws:ecs/service:Service')).toHaveLength(given.values['infra:image'] === undefined ? 0 : 1);
      if (isPreview) {
        expect(evaluatePreview(run).violations).toEqual([]);
        return;
      }
      expect(evaluate(run)).toEqual([]);
      for (const [promise, breaches] of Object.entries(PROMISES))
        expect([promise, breaches(run)]).toEqual([promise, []]);
    }),
    { numRuns: CONFIGURATIONS },
  );
});
