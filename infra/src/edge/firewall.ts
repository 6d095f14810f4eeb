import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';

export interface FirewallArgs {
  /** Requests of one address in five minutes. */
  rateLimit: number;
  commonRules: boolean;
  /** What CloudWatch knows it by: a name that no other stack of the account has. */
  metric: string;
  logRetentionDays: number;
  loadBalancerArn: pulumi.Input<string>;
}

/** WAF before the load balancer. */
export class Firewall extends pulumi.ComponentResource {
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
