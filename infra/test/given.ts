import type { Given } from '../src/config/config.ts';

/** What a development stack is given. */
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

/** What a production stack is given. */
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

const asGiven = (values: Record<string, unknown>): Given => ({
  stack: 'test',
  values: Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      value === undefined ? [] : [[`infra:${key}`, typeof value === 'string' ? value : JSON.stringify(value)]],
    ),
  ),
});

/** The configuration of an environment with these keys changed; undefined takes one away. */
export const dev = (changes: Record<string, unknown> = {}): Given => asGiven({ ...DEV, ...changes });
export const prod = (changes: Record<string, unknown> = {}): Given => asGiven({ ...PROD, ...changes });
