import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { Config } from '../config/config.ts';
import { leastWafLimit } from '../config/rules.ts';
import { familyOf } from '../names.ts';
import { keepAccessLogs } from '../service/iam.ts';
import { IDLE_TIMEOUT_SECONDS } from '../service/settings.ts';

export interface LoadBalancerArgs {
  config: Pick<Config, 'waf' | 'protect' | 'service' | 'accessLogs' | 'accountId' | 'logRetentionDays' | 'stack'>;
  subnetIds: pulumi.Input<string>[];
  securityGroupId: pulumi.Input<string>;
}

/** A load balancer of its own, by choice with a log of every request and a firewall before it. */
export const createLoadBalancer = (
  name: string,
  { config, subnetIds, securityGroupId }: LoadBalancerArgs,
  parent: pulumi.CustomResourceOptions,
): aws.lb.LoadBalancer => {
  const { waf, protect } = config;
  const bucket = config.accessLogs ? accessLogs(name, config, parent) : undefined;
  const loadBalancer = new aws.lb.LoadBalancer(
    name,
    {
      loadBalancerType: 'application',
      internal: false,
      subnets: subnetIds,
      securityGroups: [securityGroupId],
      dropInvalidHeaderFields: true,
      desyncMitigationMode: 'defensive',
      idleTimeout: IDLE_TIMEOUT_SECONDS,
      enableDeletionProtection: protect,
      ...(bucket && { accessLogs: { bucket: bucket.name, enabled: true } }),
    },
    // It is refused where it may not write to the bucket.
    { ...parent, dependsOn: bucket ? [bucket.policy] : [] },
  );
  if (waf !== undefined)
    new Firewall(
      name,
      {
        rateLimit: waf.rateLimit ?? leastWafLimit(config.service),
        commonRules: waf.commonRules,
        metric: familyOf(config.stack),
        logRetentionDays: config.logRetentionDays,
        loadBalancerArn: loadBalancer.arn,
      },
      parent,
    );
  return loadBalancer;
};

/** A bucket for each request that the load balancer saw, with address, path and query, for as long as logs are kept. */
const accessLogs = (
  name: string,
  { accountId, logRetentionDays, protect }: Pick<Config, 'accountId' | 'logRetentionDays' | 'protect'>,
  parent: pulumi.CustomResourceOptions,
) => {
  const named = `${name}-access-logs`;
  // AWS deletes no bucket in which something is: where requests are not logged any more, it stays, and empties itself.
  const opts = { ...parent, retainOnDelete: protect };
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

interface FirewallArgs {
  /** Requests of one address in five minutes. */
  rateLimit: number;
  commonRules: boolean;
  /** What CloudWatch knows it by: a name that no other stack of the account has. */
  metric: string;
  logRetentionDays: number;
  loadBalancerArn: pulumi.Input<string>;
}

/** WAF before the load balancer. */
class Firewall extends pulumi.ComponentResource {
  constructor(name: string, args: FirewallArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Firewall', name, {}, opts);
    const { rateLimit, commonRules, metric, logRetentionDays, loadBalancerArn } = args;
    const acl = new aws.wafv2.WebAcl(
      name,
      {
        scope: 'REGIONAL',
        defaultAction: { allow: {} },
        visibilityConfig: visible(metric),
        rules: [rateRule(rateLimit), ...(commonRules ? [commonRule] : [])],
      },
      { parent: this },
    );
    new aws.wafv2.WebAclAssociation(name, { webAclArn: acl.arn, resourceArn: loadBalancerArn }, { parent: this });
    // AWS takes no other beginning of the name.
    const logGroup = new aws.cloudwatch.LogGroup(
      `${name}-firewall`,
      { name: `aws-waf-logs-${metric}`, retentionInDays: logRetentionDays },
      { parent: this },
    );
    new aws.wafv2.WebAclLoggingConfiguration(
      name,
      {
        resourceArn: acl.arn,
        logDestinationConfigs: [logGroup.arn],
        redactedFields: [{ singleHeader: { name: 'x-api-key' } }],
        loggingFilter: { defaultBehavior: 'DROP', filters: [refusedOrCounted] },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

const refusedOrCounted = {
  behavior: 'KEEP',
  requirement: 'MEETS_ANY',
  conditions: ['BLOCK', 'COUNT', 'EXCLUDED_AS_COUNT'].map((action) => ({ actionCondition: { action } })),
};

const visible = (metricName: string) => ({
  metricName,
  cloudwatchMetricsEnabled: true,
  sampledRequestsEnabled: false,
});

const rateRule = (limit: number) => ({
  name: 'rate',
  priority: 0,
  action: { block: { customResponse: { responseCode: 429 } } },
  statement: { rateBasedStatement: { limit, aggregateKeyType: 'IP', evaluationWindowSec: 300 } },
  visibilityConfig: visible('rate'),
});

/**
 * Bodies above 8 KiB are bulk imports, queries above 2,048 bytes are batches of tRPC, and the HTTP clients of several
 * languages send no User-Agent. The service has limits of its own.
 * https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
 */
const NOT_FOR_AN_API = ['SizeRestrictions_BODY', 'SizeRestrictions_QUERYSTRING', 'NoUserAgent_HEADER'];

const commonRule = {
  name: 'common',
  priority: 1,
  overrideAction: { none: {} },
  statement: {
    managedRuleGroupStatement: {
      vendorName: 'AWS',
      name: 'AWSManagedRulesCommonRuleSet',
      ruleActionOverrides: NOT_FOR_AN_API.map((rule) => ({ name: rule, actionToUse: { count: {} } })),
    },
  },
  visibilityConfig: visible('common'),
};
