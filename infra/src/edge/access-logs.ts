import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { Config } from '../config/config.ts';
import { keepAccessLogs } from '../service/iam.ts';

/** A bucket for each request that the load balancer saw, with address, path and query, for as long as logs are kept. */
export const accessLogs = (
  name: string,
  { accountId, logRetentionDays, protect }: Pick<Config, 'accountId' | 'logRetentionDays' | 'protect'>,
  opts: pulumi.CustomResourceOptions,
) => {
  const named = `${name}-access-logs`;
  const { bucket, arn } = new aws.s3.Bucket(named, { forceDestroy: !protect }, opts);
  new aws.s3.BucketPublicAccessBlock(
    named,
    { bucket, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
    opts,
  );
  new aws.s3.BucketLifecycleConfiguration(
    named,
    {
      bucket,
      rules: [{ id: 'expire', status: 'Enabled', filter: { prefix: '' }, expiration: { days: logRetentionDays } }],
    },
    opts,
  );
  const policy = new aws.s3.BucketPolicy(
    named,
    { bucket, policy: pulumi.jsonStringify(arn.apply((bucketArn) => keepAccessLogs({ bucketArn, accountId }))) },
    opts,
  );
  return { name: bucket, policy };
};
