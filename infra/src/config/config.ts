import * as pulumi from '@pulumi/pulumi';
import type { z } from 'zod';
import { ConfigError, type Fault, placeholdersIn, remove, set } from './faults.ts';
import { examplesOf, isSecret, nearest } from './keys.ts';
import { breaches } from './rules.ts';
import {
  type DocumentDb,
  kindOf,
  type NetworkConfig,
  networkOf,
  Schema,
  SECRET_KEYS,
  type SecretKey,
  type Settings,
} from './schema.ts';

/** Where a secret's value is: encrypted in the configuration, or in an existing secret that we never read. */
export type SecretSource = { mode: 'managed'; value: pulumi.Output<string> } | { mode: 'external'; valueFrom: string };

type EdgeConfig =
  | {
      scheme: 'https';
      domain: string;
      /** Absent if DNS is managed elsewhere. */
      hostedZoneId?: string | undefined;
      /** Absent if a certificate is created. */
      certificateArn?: string | undefined;
    }
  | { scheme: 'http' };

type External = Extract<Settings['database'], { kind: 'external' }>;
export type DocumentDbConfig = DocumentDb & { password: pulumi.Output<string> };
type DatabaseConfig = External | DocumentDbConfig;

export interface Config
  extends Omit<
    Settings,
    | SecretKey
    | 'databasePassword'
    | 'secretArns'
    | 'domain'
    | 'hostedZoneId'
    | 'certificateArn'
    | 'network'
    | 'database'
    | 'accessLogs'
  > {
  stack: string;
  edge: EdgeConfig;
  network: NetworkConfig;
  database: DatabaseConfig;
  /** DocumentDB's URI is not among them: it is composed. */
  secrets: Partial<Record<SecretKey, SecretSource>>;
  /** Whether resources that hold data refuse to be deleted or replaced. */
  protect: boolean;
  /** Whether the load balancer logs each request. */
  accessLogs: boolean;
}

/** Reads the stack's configuration. Throws a `ConfigError` that lists all faults. */
export const readConfig = (): Config =>
  parseConfig({ stack: pulumi.getStack(), values: pulumi.runtime.allConfig(), encrypted: encryptedKeys() });

export interface Given {
  stack: string;
  /** By full key, such as `infra:region`. Structured values are JSON. */
  values: Readonly<Record<string, string>>;
  /** The full keys that are encrypted. Absent if unknown. */
  encrypted?: readonly string[] | undefined;
}

/** Parses the values, and wraps secrets so that Pulumi keeps them encrypted. */
export const parseConfig = ({ stack, values, encrypted }: Given): Config => {
  const own = Object.entries(values).filter(([key]) => key.startsWith('infra:'));
  const given = Object.fromEntries(own.map(([key, value]) => [key.slice('infra:'.length), structured(value)]));
  const clear = inClear(Object.keys(given), encrypted);
  const parsed = Schema.safeParse(given);
  const single = parsed.success ? [] : parsed.error.issues.flatMap((issue) => faultsOf(issue, given));
  const together = parsed.success ? breaches(parsed.data) : breachesOfRest(given);
  const placeholders = placeholdersIn(given);
  const wrong = [...single, ...together].filter(({ path }) => placeholders.every((told) => told.path !== path));
  const faults = [...wrong, ...placeholders, ...clear];
  if (!parsed.success || faults.length > 0) throw new ConfigError(stack, faults);
  return configOf(stack, parsed.data);
};

/** Checks the rules between valid keys even if other keys are invalid, so that all faults are reported at once. */
const breachesOfRest = (given: Record<string, unknown>): Fault[] => {
  const parsed = Object.entries(Schema.shape).map(([key, schema]) => ({ key, ...schema.safeParse(given[key]) }));
  const read = Object.fromEntries(parsed.flatMap(({ key, data }) => (data === undefined ? [] : [[key, data]])));
  return breaches(read, new Set(parsed.filter(({ success }) => !success).map(({ key }) => key)));
};

/** Pulumi's language host sets this variable to the encrypted keys. */
const encryptedKeys = (): string[] | undefined => {
  // biome-ignore lint/style/noProcessEnv: Pulumi's SDK offers no other way to learn it
  const keys = process.env.PULUMI_CONFIG_SECRET_KEYS;
  return keys === undefined ? undefined : JSON.parse(keys);
};

const structured = (text: string): unknown => {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const inClear = (keys: string[], encrypted: readonly string[] | undefined): Fault[] =>
  keys
    .filter((key) => encrypted !== undefined && isSecret(key) && !encrypted.includes(`infra:${key}`))
    .map((key) => ({
      path: key,
      message: 'is a secret in clear text in the stack file: consider it leaked, and set another.',
      mend: commands(key),
    }));

const faultsOf = (issue: z.core.$ZodIssue, given: Record<string, unknown>): Fault[] => {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...issue.path, key], given));
  const path = pathOf(issue.path);
  if (issue.code === 'invalid_key') return [{ path, message: `${issue.issues[0]?.message}.`, mend: [remove(path)] }];
  const message = given[String(issue.path[0])] === undefined ? 'is missing' : issue.message;
  return [{ path, message: `${message}.`, mend: commands(path) }];
};

const unknownKey = (at: PropertyKey[], given: Record<string, unknown>): Fault => {
  const path = pathOf(at);
  const kind = kindOf(path);
  if (kind !== undefined)
    return {
      path,
      message: `is for database.kind ${kind}, and this database is ${JSON.stringify(Object(given.database).kind)}.`,
      mend: [remove(path), set('database.kind', kind)],
    };
  const meant = nearest(path);
  return {
    path,
    message: `is not known${meant === undefined ? '.' : `: did you mean infra:${meant}?`}`,
    mend: [remove(path), ...(meant === undefined ? [] : commands(meant))],
  };
};

const pathOf = (path: readonly PropertyKey[]): string =>
  path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? String(part) : `.${String(part)}`))
    .join('');

const commands = (path: string): string[] => {
  const exact = examplesOf(path);
  return (exact.length > 0 ? exact : examplesOf(path.replace(/(\[\d+\])?\.?[^.]*$/, ''))).map(([key, value]) =>
    set(key, value),
  );
};

const configOf = (stack: string, settings: Settings): Config => {
  const { mongodbUri, livekitApiKey, livekitApiSecret, encryptionKeys, bootstrapApiKey, ...open } = settings;
  const { secretArns, domain, hostedZoneId, certificateArn, databasePassword, database, network, ...rest } = open;
  const values = { mongodbUri, livekitApiKey, livekitApiSecret, encryptionKeys, bootstrapApiKey };
  const secrets: Config['secrets'] = {};
  for (const key of SECRET_KEYS) {
    const { [key]: value } = values;
    const { [key]: valueFrom } = secretArns;
    if (valueFrom !== undefined) secrets[key] = { mode: 'external', valueFrom };
    else if (value !== undefined) secrets[key] = { mode: 'managed', value: pulumi.secret(value) };
  }
  return {
    ...rest,
    stack,
    secrets,
    edge: domain === undefined ? { scheme: 'http' } : { scheme: 'https', domain, hostedZoneId, certificateArn },
    network: networkOf(network),
    database:
      database.kind === 'external' ? database : { ...database, password: pulumi.secret(databasePassword ?? '') },
    protect: settings.protect ?? settings.environment !== 'dev',
    accessLogs: settings.accessLogs ?? (settings.environment !== 'dev' && settings.loadBalancer === undefined),
  };
};
