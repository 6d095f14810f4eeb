import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';

export interface FirewallArgs {
  /** Requests of one address in five minutes. */
  rateLimit: number;
  commonRules: boolean;
  loadBalancerArn: pulumi.Input<string>;
}

/** WAF before the load balancer. */
export class Firewall extends pulumi.ComponentResource {
  constructor(name: string, args: FirewallArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Firewall', name, {}, opts);
    const { rateLimit, commonRules, loadBalancerArn } = args;
    const acl = new aws.wafv2.WebAcl(
      name,
      {
        scope: 'REGIONAL',
        defaultAction: { allow: {} },
        visibilityConfig: visible(name),
        rules: [rateRule(rateLimit), ...(commonRules ? [commonRule] : [])],
      },
      { parent: this },
    );
    new aws.wafv2.WebAclAssociation(name, { webAclArn: acl.arn, resourceArn: loadBalancerArn }, { parent: this });
    this.registerOutputs({});
  }
}

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

const commonRule = {
  name: 'common',
  priority: 1,
  overrideAction: { none: {} },
  statement: {
    managedRuleGroupStatement: {
      vendorName: 'AWS',
      name: 'AWSManagedRulesCommonRuleSet',
      // Bulk imports are longer than the 8 KiB that it takes for a body's limit; the service has limits of its own.
      ruleActionOverrides: [{ name: 'SizeRestrictions_BODY', actionToUse: { count: {} } }],
    },
  },
  visibilityConfig: visible('common'),
};
