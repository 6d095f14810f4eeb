import { createHash } from 'node:crypto';
import * as aws from '@pulumi/aws';
import type { ResourceOptions } from '@pulumi/pulumi';
import type { Config } from './config/config.ts';

/** What every logical name begins with; Pulumi adds a random end to physical ones, so that a replacement never collides. */
export const PREFIX = 'trunkline';

/** The namespace of the stack's own CloudWatch metrics. */
export const metricNamespace = (stack: string): string => `Trunkline/${stack}`;

/** A task definition's family keeps all its revisions, and so has a name of its own. Letters, digits, hyphens; 255 at most. */
export const familyOf = (stack: string): string =>
  `${PREFIX}-${stack.replaceAll(/[^A-Za-z0-9_-]/g, '-')}`.slice(0, 255);

/**
 * The snapshot that is taken when a database is deleted, of a name that none before it has: `madeOf` is what makes AWS
 * replace a database when it changes. Letters, digits and single hyphens.
 */
export const finalSnapshotOf = ({ stack, madeOf }: { stack: string; madeOf: unknown }): string =>
  `${PREFIX}-${stack.toLowerCase()}-final-${digestOf(JSON.stringify(madeOf))}`.replaceAll(/[^a-z0-9]+/g, '-');

/** Eight digits that tell texts apart. */
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** The one provider of every resource: it refuses another account than the configured one, and tags all that it makes. */
export const createProvider = ({ region, accountId, stack, environment, tags }: Config): aws.Provider =>
  new aws.Provider('aws', {
    region,
    allowedAccountIds: [accountId],
    defaultTags: { tags: tagsOf(stack, environment, tags) },
  });

/** What every resource is tagged with. */
const tagsOf = (stack: string, environment: string, own: Record<string, string>): Record<string, string> => ({
  ...own,
  Project: PREFIX,
  Environment: environment,
  Stack: stack,
  ManagedBy: 'pulumi',
});

/** For what must outlive mistakes: Pulumi refuses to delete or replace it, and where told to all the same, AWS keeps it. */
export const guarded = (protect: boolean): ResourceOptions => ({ protect, retainOnDelete: protect });
