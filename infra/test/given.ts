import type { Given } from '../src/config/config.ts';

/** Configuration of a development stack. */
const DEV: Record<string, unknown> = {
  environment: 'dev',
  region: 'eu-central-1',
  accountId: '210987654321',
  network: { zones: ['eu-central-1a', 'eu-central-1b'], egress: 'public-ip' },
  database: { kind: 'external' },
  livekitUrl: 'wss://acme.livekit.cloud',
  livekitSipHost: 'acme.sip.livekit.cloud',
  mongodbUri: 'mongodb+srv://trunkline:password@db.acme.dev/trunkline',
  livekitApiKey: 'APIkey',
  livekitApiSecret: 'secret',
  encryptionKeys: `2026a:${Buffer.alloc(32, 1).toString('base64')}`,
};

/** Configuration of a production stack. */
const PROD: Record<string, unknown> = {
  ...DEV,
  environment: 'prod',
  domain: 'trunkline.acme.dev',
  hostedZoneId: 'Z0ACME',
  image: `210987654321.dkr.ecr.eu-central-1.amazonaws.com/trunkline@sha256:${'0'.repeat(64)}`,
  network: { zones: ['eu-central-1a', 'eu-central-1b'], egress: 'nat-per-zone' },
  service: { min: 2, max: 4 },
  database: { kind: 'documentdb', instanceClass: 'db.r6g.large', instances: 2 },
  mongodbUri: undefined,
  databasePassword: 'a-long-password-of-the-database',
  alarms: { email: 'oncall@acme.dev' },
};

/** Resources that exist in the test account before anything is deployed. */
export const EXISTING = {
  vpcId: 'vpc-0000000000000acde',
  publicSubnetIds: ['subnet-0000000000000a001', 'subnet-0000000000000a002'],
  taskSubnetIds: ['subnet-0000000000000b001', 'subnet-0000000000000b002'],
  databaseSubnetIds: ['subnet-0000000000000c001', 'subnet-0000000000000c002'],
  certificateArn: 'arn:aws:acm:eu-central-1:210987654321:certificate/11111111-2222-3333-4444-555555555555',
  loadBalancer: {
    listenerArn:
      'arn:aws:elasticloadbalancing:eu-central-1:210987654321:listener/app/edge/00000000000000aa/00000000000000bb',
    securityGroupId: 'sg-0000000000000aced',
    priority: 100,
  },
};
/** The existing network, for a service behind the existing load balancer or a new one. */
export const existingNetwork = ({ isShared = false, hasDatabase = true } = {}) => ({
  vpcId: EXISTING.vpcId,
  taskSubnetIds: EXISTING.taskSubnetIds,
  ...(!isShared && { publicSubnetIds: EXISTING.publicSubnetIds }),
  ...(hasDatabase && { databaseSubnetIds: EXISTING.databaseSubnetIds }),
});

const asGiven = (values: Record<string, unknown>): Given => ({
  stack: 'test',
  values: Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      value === undefined ? [] : [[`infra:${key}`, typeof value === 'string' ? value : JSON.stringify(value)]],
    ),
  ),
});

/** The configuration with these keys changed. `undefined` removes a key. */
export const dev = (changes: Record<string, unknown> = {}): Given => asGiven({ ...DEV, ...changes });
export const prod = (changes: Record<string, unknown> = {}): Given => asGiven({ ...PROD, ...changes });
