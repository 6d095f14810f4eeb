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

/** Creates a load balancer, optionally with access logs and a firewall. */
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
    // AWS refuses access logs until the bucket's policy allows them.
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

/** A bucket for access logs: the address, path and query of each request. They expire like other logs. */
const accessLogs = (
  name: string,
  { accountId, logRetentionDays, protect }: Pick<Config, 'accountId' | 'logRetentionDays' | 'protect'>,
  parent: pulumi.CustomResourceOptions,
) => {
  const named = `${name}-access-logs`;
  // AWS refuses to delete a bucket that is not empty. If access logs are switched off, it stays, and its objects expire.
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
  /** Requests from one address in five minutes. */
  rateLimit: number;
  commonRules: boolean;
  /** CloudWatch metric name, unique in the account. */
  metric: string;
  logRetentionDays: number;
  loadBalancerArn: pulumi.Input<string>;
}

/** WAF in front of the load balancer. */
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
    // AWS requires this prefix.
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
 * Rules that only count, since they would block good callers: bulk imports have bodies above 8 KiB, tRPC batches have
 * queries above 2,048 bytes, and some HTTP clients send no User-Agent. The service has its own limits.
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
