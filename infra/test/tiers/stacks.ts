import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Given } from '../../src/config/config.ts';
import { EXISTING, existingNetwork } from '../given.ts';
import { INFRA } from './project.ts';

/** A stack's configuration as Pulumi passes it to a program: strings by full key, JSON for structured values. */
export interface Stack {
  name: string;
  account: string;
  region: string;
  config: Record<string, string>;
  /** Also by full key. In the stack's file they are encrypted. */
  secrets: Record<string, string>;
}

const SECRETS = {
  'infra:mongodbUri': 'mongodb+srv://trunkline:marked-mongodb-password@db.acme.dev/trunkline',
  'infra:livekitApiKey': 'APImarkedLiveKit',
  'infra:livekitApiSecret': 'marked-livekit-secret-0123456789abcdef',
  'infra:encryptionKeys': '2026a:bWFya2VkIGVuY3J5cHRpb24ga2V5IDAxMjM0NTY3OAA=',
  'infra:bootstrapApiKey': 'tl_live_markedbootstrapkey0123456789abcdefghijklmnopqrs',
  'infra:databasePassword': 'marked-database-password-0123',
};

/** Substrings of the secrets above that appear nowhere else, and that URL or JSON encoding does not change. */
export const SECRET_MARKS = [
  'marked-mongodb-password',
  'APImarkedLiveKit',
  'marked-livekit-secret',
  'bWFya2VkIGVuY3J5cHRpb24g',
  'markedbootstrapkey',
  'marked-database-password',
];

/** The stack with other values. `undefined` removes a key. */
export const withConfig = (stack: Stack, changes: Record<string, string | undefined>): Stack => {
  const apply = (values: Record<string, string>, keys: (key: string) => boolean) =>
    Object.fromEntries(
      Object.entries({ ...values, ...changes }).flatMap(([key, value]) =>
        value !== undefined && keys(key) ? [[key, value]] : [],
      ),
    );
  const isSecretKey = (key: string) => key in SECRETS;
  return {
    ...stack,
    config: apply(stack.config, (key) => !isSecretKey(key)),
    secrets: apply(stack.secrets, isSecretKey),
  };
};

const ACCOUNT = '210987654321';
const IMAGE = `${ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/trunkline@sha256:${'0123456789abcdef'.repeat(4)}`;

/** The values that readers of the examples fill in. */
const YOURS: Record<string, string> = {
  'infra:accountId': ACCOUNT,
  'infra:domain': 'trunkline.acme.dev',
  'infra:hostedZoneId': 'Z0ACME',
  'infra:livekitUrl': 'wss://acme.livekit.cloud',
  'infra:livekitSipHost': 'acme.sip.livekit.cloud',
  'infra:alarms': '{"email":"oncall@acme.dev"}',
};

/** The stack of an example file, with the reader's own values filled in. */
const readStack = (name: string, file: string, own: Record<string, string>): Stack => {
  const { config: written } = parse(readFileSync(join(INFRA, file), 'utf8'));
  const config: Record<string, string> = { ...own };
  for (const [key, value] of Object.entries<unknown>(written)) {
    config[key] ??= YOURS[key] ?? (typeof value === 'string' ? value : JSON.stringify(value));
  }
  const unused =
    JSON.parse(config['infra:database'] ?? '{}').kind === 'documentdb' ? 'infra:mongodbUri' : 'infra:databasePassword';
  const external = Object.keys(JSON.parse(config['infra:secretArns'] ?? '{}')).map((key) => `infra:${key}`);
  const secrets = Object.entries(SECRETS).filter(([key]) => key !== unused && !external.includes(key));
  return { name, account: ACCOUNT, region: config['infra:region'] ?? '', config, secrets: Object.fromEntries(secrets) };
};

/** The stacks that all tiers deploy. Golden files show most of them. */
export const STACKS = {
  bootstrap: readStack('dev', 'Pulumi.dev.example.yaml', {}),
  dev: readStack('dev', 'Pulumi.dev.example.yaml', { 'infra:image': IMAGE }),
  prod: readStack('prod', 'Pulumi.prod.example.yaml', { 'infra:image': IMAGE }),
  /** Sets everything that the examples leave out. */
  widest: readStack('widest', 'Pulumi.prod.example.yaml', {
    'infra:image': IMAGE,
    'infra:architecture': 'x86_64',
    'infra:service':
      '{"min":2,"max":6,"cpu":512,"memory":1024,"rateLimitRps":20,"maxApiKeys":30,"maxIntegrations":40,"maxPhoneNumbers":5000,"importDeadlineSeconds":40,"providerTimeoutSeconds":8,"leaseSeconds":50,"reconcileIntervalSeconds":5,"logLevel":"debug","twilioSecureTrunking":true}',
    'infra:alarms': '{"snsArn":"arn:aws:sns:eu-central-1:210987654321:oncall"}',
    'infra:database':
      '{"kind":"documentdb","instanceClass":"db.serverless","instances":2,"poolSize":10,"capacity":{"min":2,"max":16},"snapshot":"rds:trunkline-2026-11-23-03-10"}',
    'infra:network':
      '{"zones":["eu-central-1a","eu-central-1b"],"egress":"single-nat","endpoints":["ecr.api","ecr.dkr","logs","secretsmanager","kms"]}',
    'infra:secretArns':
      '{"livekitApiKey":"arn:aws:secretsmanager:eu-central-1:210987654321:secret:livekit-AbCdEf:key::"}',
    'infra:secretKmsKeyArns': '["arn:aws:kms:eu-central-1:210987654321:key/11111111-2222-3333-4444-555555555555"]',
    'infra:tags': '{"team":"telephony"}',
    'infra:certificateArn': EXISTING.certificateArn,
  }),
  /** In an existing network, on an existing listener. */
  existing: withConfig(readStack('existing', 'Pulumi.prod.example.yaml', { 'infra:image': IMAGE }), {
    'infra:network': JSON.stringify(existingNetwork({ isShared: true })),
    'infra:loadBalancer': JSON.stringify(EXISTING.loadBalancer),
    'infra:waf': undefined,
  }),
};
export type StackName = keyof typeof STACKS;

/** Makes a stack of a test's configuration. */
export const stackOf = ({ stack, values }: Given): Stack => {
  const of = (isOne: (key: string) => boolean) =>
    Object.fromEntries(Object.entries(values).filter(([key]) => isOne(key)));
  const region = values['infra:region'] ?? '';
  const account = values['infra:accountId'] ?? '';
  return { name: stack, account, region, config: of((key) => !(key in SECRETS)), secrets: of((key) => key in SECRETS) };
};
