import * as aws from '@pulumi/aws';
import type { Config } from './config/config.ts';
import { tagsOf } from './names.ts';

/** The one provider of every resource: it refuses another account than the configured one, and tags all that it makes. */
export const createProvider = ({ region, accountId, stack, environment, tags }: Config): aws.Provider =>
  new aws.Provider('aws', {
    region,
    allowedAccountIds: [accountId],
    defaultTags: { tags: tagsOf(stack, environment, tags) },
  });
