import * as pulumi from '@pulumi/pulumi';
import { array, assert, asyncProperty, boolean, constantFrom, option, record, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dev, prod } from '../test/given.ts';
import { createAws } from '../test/tiers/aws.ts';
import { type Config, parseConfig } from './config/config.ts';
import { deploy } from './deploy.ts';

interface Made {
  type: string;
  name: string;
  inputs: Record<string, any>;
}

/** Everything that the components ask for, each answered as AWS does. */
const made = async (config: Config): Promise<Made[]> => {
  const aws = createAws({ account: config.accountId, region: config.region });
  const resources: Made[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        if (!type.startsWith('aws:')) return { id: name, state: inputs };
        resources.push({ type, name, inputs });
        const { id, computed } = aws.create(type, name, inputs);
        return { id, state: { ...inputs, ...computed } };
      },
      call: ({ token, inputs }) => aws.invoke(token, inputs),
    },
    'trunkline',
    config.stack,
  );
  const outputs = await pulumi.runtime.runInPulumiStack(async () => deploy(config));
  await new Promise((resolve) => pulumi.output(outputs).apply(resolve));
  await pulumi.runtime.disconnect();
  return resources;
};

const ofType = (resources: Made[], type: string) => resources.filter((resource) => resource.type === type);
const zones = ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'];

describe('the components', () => {
  it.each([
    ['public-ip', 0],
    ['single-nat', 1],
    ['nat-per-zone', 3],
  ])('with egress %s make %d NAT gateways, and isolated subnets that lead nowhere', async (egress, nats) => {
    const resources = await made(parseConfig(dev({ network: { zones, egress } })));
    expect(ofType(resources, 'aws:ec2/natGateway:NatGateway')).toHaveLength(nats);
    expect(ofType(resources, 'aws:ec2/subnet:Subnet')).toHaveLength(nats === 0 ? 6 : 9);
    const isolated = ofType(resources, 'aws:ec2/routeTable:RouteTable').find(({ name }) => name.endsWith('-isolated'));
    expect(isolated?.inputs.routes).toEqual([]);
  });

  it('make no secret of one that the account has, and let the task read that one', async () => {
    const arn = 'arn:aws:secretsmanager:eu-central-1:210987654321:secret:uri-AbCdEf';
    const resources = await made(parseConfig(prod({ livekitApiKey: undefined, secretArns: { livekitApiKey: arn } })));
    const names = ofType(resources, 'aws:secretsmanager/secret:Secret').map(({ name }) => name);
    expect(names).not.toContain('trunkline-livekit-api-key');
    const [policy] = ofType(resources, 'aws:iam/rolePolicy:RolePolicy').filter(({ name }) =>
      name.includes('execution'),
    );
    expect(JSON.stringify(policy?.inputs)).toContain(arn);
  });

  it('ask for the same, where the configuration is the same', async () => {
    const [once, again] = [await made(parseConfig(prod())), await made(parseConfig(prod()))];
    const sorted = (resources: Made[]) =>
      resources.toSorted((a, b) => `${a.type}${a.name}`.localeCompare(`${b.type}${b.name}`));
    expect(sorted(again)).toEqual(sorted(once));
  });
});

const given = record({
  environment: constantFrom('dev', 'staging', 'prod'),
  zones: uniqueArray(constantFrom(...zones), { minLength: 2, maxLength: 3 }),
  egress: constantFrom('single-nat', 'nat-per-zone'),
  endpoints: uniqueArray(constantFrom('kms', 'logs', 'secretsmanager'), { maxLength: 3 }),
  isOwnDatabase: boolean(),
  hasImage: boolean(),
  architecture: constantFrom('arm64', 'x86_64'),
  waf: option(record({ commonRules: boolean() }), { nil: undefined }),
  tags: array(constantFrom('team', 'cost'), { maxLength: 2 }),
}).map(({ zones: chosen, egress, endpoints, isOwnDatabase, hasImage, tags, ...rest }) =>
  prod({
    ...rest,
    network: { zones: chosen, egress, endpoints },
    tags: Object.fromEntries(tags.map((tag) => [tag, 'x'])),
    ...(isOwnDatabase && {
      database: { kind: 'external' },
      databasePassword: undefined,
      mongodbUri: 'mongodb+srv://trunkline:password@db.acme.dev/trunkline',
    }),
    ...(!hasImage && { image: undefined }),
  }),
);

it('builds whatever the configuration takes, each thing under a name of its own', async () => {
  await assert(
    asyncProperty(given, async (values) => {
      const config = parseConfig(values);
      const resources = await made(config);
      const urns = resources.map(({ type, name }) => `${type} ${name}`);
      expect(new Set(urns).size).toBe(urns.length);
      expect(ofType(resources, 'aws:ecs/service:Service')).toHaveLength(config.image === undefined ? 0 : 1);
      expect(ofType(resources, 'aws:docdb/cluster:Cluster')).toHaveLength(
        config.database.kind === 'documentdb' ? 1 : 0,
      );
      expect(ofType(resources, 'aws:wafv2/webAcl:WebAcl')).toHaveLength(config.waf ? 1 : 0);
    }),
    { numRuns: 5 },
  );
});
