import { createHash } from 'node:crypto';
import * as aws from '@pulumi/aws';
import type { ResourceOptions } from '@pulumi/pulumi';
import type { Config } from './config/config.ts';

/** Prefix of every logical name. Pulumi adds a random suffix to physical names, so that replacements never collide. */
export const PREFIX = 'trunkline';

/** CloudWatch namespace of the stack's own metrics. */
export const metricNamespace = (stack: string): string => `Trunkline/${stack}`;

/** The family keeps all revisions of a task definition, so its name is fixed: at most 255 letters, digits, hyphens. */
export const familyOf = (stack: string): string =>
  `${PREFIX}-${stack.replaceAll(/[^A-Za-z0-9_-]/g, '-')}`.slice(0, 255);

/**
 * Name of the snapshot that is taken when a database is deleted: letters, digits and single hyphens. It is unique:
 * `madeOf` holds everything that makes AWS replace the database when it changes.
 */
export const finalSnapshotOf = ({ stack, madeOf }: { stack: string; madeOf: unknown }): string =>
  `${PREFIX}-${stack.toLowerCase()}-final-${digestOf(JSON.stringify(madeOf))}`.replaceAll(/[^a-z0-9]+/g, '-');

/** Eight hex digits of the text's SHA-256. */
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** The only provider: it refuses any account but the configured one, and tags every resource. */
export const createProvider = ({ region, accountId, stack, environment, tags }: Config): aws.Provider =>
  new aws.Provider('aws', {
    region,
    allowedAccountIds: [accountId],
    defaultTags: { tags: tagsOf(stack, environment, tags) },
  });

/** The tags of every resource. */
const tagsOf = (stack: string, environment: string, own: Record<string, string>): Record<string, string> => ({
  ...own,
  Project: PREFIX,
  Environment: environment,
  Stack: stack,
  ManagedBy: 'pulumi',
});

/** Protects data from mistakes: Pulumi refuses to delete or replace the resource, and if forced to, AWS keeps it. */
export const guarded = (protect: boolean): ResourceOptions => ({ protect, retainOnDelete: protect });
