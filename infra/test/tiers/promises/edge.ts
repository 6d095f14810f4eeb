import { isDeepStrictEqual } from 'node:util';
import { EDGE } from '../aws.ts';
import type { Resource } from '../registration.ts';
import { allow, differences, given, listOf, of, type Promises, policyDifferences, sorted, urnsOf } from './promise.ts';

/** How callers reach the service, and what is in front of it. */
export const edge = {
  'HTTPS waits until its certificate is valid': (run) => {
    const validations = of(run, 'acm/certificateValidation').map(({ urn }) => urn);
    return ['lb/listener', 'lb/listenerCertificate'].flatMap((kind) =>
      of(run, kind)
        .filter(({ inputs }) => inputs.protocol !== 'HTTP')
        // An existing certificate is already valid.
        .filter(({ inputs }) => inputs.certificateArn !== given(run, 'certificateArn'))
        .filter(({ dependsOn }) => !validations.some((urn) => dependsOn.includes(urn)))
        .map(({ urn }) => urn),
    );
  },

  'requests for the domain reach the tasks, through one listener or a rule on an existing one': (run) => {
    const [targets] = of(run, 'lb/targetGroup');
    const forward = sorted([{ type: 'forward', targetGroupArn: targets?.outputs.arn }]);
    const isShared = given(run, 'loadBalancer') !== undefined;
    const found = [
      ...of(run, 'lb/listener').map(
        ({ inputs }) => `${inputs.protocol} ${inputs.port} ${inputs.sslPolicy} ${sorted(inputs.defaultActions)}`,
      ),
      ...of(run, 'lb/listenerRule').map(({ inputs }) => `rule ${sorted(inputs.actions)}`),
      ...of(run, 'ecs/service').flatMap(({ inputs }) =>
        listOf(inputs.loadBalancers).map(
          (one) => `tasks ${one.containerName} ${one.containerPort} ${one.targetGroupArn}`,
        ),
      ),
    ];
    const entrance = given(run, 'domain') === undefined ? 'HTTP 80 undefined' : `HTTPS 443 ${TLS}`;
    return [
      ...differences(found, [
        `${isShared ? 'rule' : entrance} ${forward}`,
        ...(given(run, 'image') === undefined ? [] : [`tasks service 3000 ${targets?.outputs.arn}`]),
      ]),
    ];
  },

  'if the zone is known, its records point the domain to the load balancer and validate the certificate': (run) => {
    const [domain, zone, certificateArn] = ['domain', 'hostedZoneId', 'certificateArn'].map((key) =>
      given<string>(run, key),
    );
    const { dnsName: name, zoneId } = of(run, 'lb/loadBalancer')[0]?.outputs ?? EDGE;
    const balancer = { name, zoneId, evaluateTargetHealth: true };
    const found = of(run, 'route53/record').map(({ inputs }) => {
      const isOurs = isDeepStrictEqual(inputs.aliases, [balancer]);
      const target = isOurs ? 'the load balancer' : `${inputs.records ?? sorted(inputs.aliases)} for ${inputs.ttl} s`;
      return `${inputs.zoneId} ${inputs.name} ${inputs.type} ${target}`;
    });
    return differences(found, [
      ...(zone === undefined ? [] : [`${zone} ${domain} A the load balancer`]),
      ...(zone === undefined || certificateArn !== undefined
        ? []
        : of(run, 'acm/certificate').map(({ inputs, outputs }) => {
            const [proof] = listOf(outputs.domainValidationOptions);
            const { resourceRecordName, resourceRecordType, resourceRecordValue } = Object(proof);
            const isAsked = inputs.domainName === domain;
            return `${zone} ${resourceRecordName} ${resourceRecordType} ${isAsked ? resourceRecordValue : domain} for 300 s`;
          })),
    ]);
  },

  'if configured, WAF protects the load balancer and blocks addresses above the rate limit': (run) => {
    const waf = given<{ rateLimit?: number | string; commonRules?: boolean | string }>(run, 'waf');
    const { rateLimitRps = 50 } = given<{ rateLimitRps?: number | string }>(run, 'service') ?? {};
    const acls = of(run, 'wafv2/webAcl');
    if (waf === undefined) return acls.map(({ urn }) => urn);
    const limit = Number(waf.rateLimit ?? 300 * Number(rateLimitRps));
    const wanted = [
      `more than ${limit} of an IP in 300 s get 429`,
      ...(String(waf.commonRules ?? true) === 'true' ? ['AWS AWSManagedRulesCommonRuleSet'] : []),
    ];
    const guarded = of(run, 'wafv2/webAclAssociation').map(({ inputs }) => `${inputs.webAclArn} ${inputs.resourceArn}`);
    return [
      ...(acls.length === 1 ? [] : ['not one web ACL']),
      ...acls.flatMap(({ inputs, outputs }) => [
        ...differences(listOf(inputs.rules).map(refusal), wanted),
        ...differences(
          guarded,
          of(run, 'lb/loadBalancer').map((one) => `${outputs.arn} ${one.outputs.arn}`),
        ),
      ]),
    ];
  },

  'WAF only counts requests that good callers of an API send': (run) =>
    urnsOf(run, 'wafv2/webAcl', ({ inputs }) => {
      const rules = JSON.stringify(inputs.rules ?? []);
      return rules.includes('AWSManagedRulesCommonRuleSet') && COUNTED.some((rule) => !rules.includes(count(rule)));
    }),

  'requests that WAF blocks or counts are logged, without API keys': (run) =>
    of(run, 'wafv2/webAcl').flatMap(({ inputs, outputs }) => {
      const logs = of(run, 'wafv2/webAclLoggingConfiguration').filter((log) => log.inputs.resourceArn === outputs.arn);
      const [log] = logs;
      return [
        ...(logs.length === 1 ? [] : ['not one log']),
        // AWS requires this prefix.
        ...urnsOf(run, 'cloudwatch/logGroup', (group) => {
          const isIts = JSON.stringify(log?.inputs.logDestinationConfigs ?? []).includes(`"${group.outputs.arn}"`);
          return isIts && group.inputs.name !== `aws-waf-logs-trunkline-${run.stack.name}`;
        }),
        ...(JSON.stringify(log?.inputs.redactedFields ?? []).includes('"x-api-key"') ? [] : ['keys are logged']),
        // Samples would keep all headers.
        ...(/"sampledRequestsEnabled":true|"cloudwatchMetricsEnabled":false/.test(JSON.stringify(inputs))
          ? ['samples hold keys, or it counts nothing']
          : []),
      ];
    }),

  'only load balancers of this account write to the access log bucket, which is private, requires TLS and deletes old logs':
    (run) => {
      const of_ = (kind: string, bucket: Resource) =>
        of(run, kind).filter(({ inputs }) => inputs.bucket === bucket.outputs.bucket);
      return of(run, 's3/bucket').flatMap((bucket) => {
        const [block] = of_('s3/bucketPublicAccessBlock', bucket);
        const [policy] = of_('s3/bucketPolicy', bucket);
        const rules = of_('s3/bucketLifecycleConfiguration', bucket).flatMap(({ inputs }) => inputs.rules);
        const { arn } = bucket.outputs;
        return [
          ...CLOSED.filter((key) => block?.inputs[key] !== true),
          ...policyDifferences(policy?.inputs.policy, [
            {
              ...allow(['s3:PutObject'], `${arn}/AWSLogs/${run.stack.account}/*`),
              Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
            },
            {
              Effect: 'Deny',
              Principal: '*',
              Action: ['s3:*'],
              Resource: [arn, `${arn}/*`],
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            },
          ]),
          ...(rules.some((rule) => {
            const { status, expiration, filter } = Object(rule);
            const days = Number(given(run, 'logRetentionDays') ?? 30);
            return status === 'Enabled' && expiration?.days === days && filter?.prefix === '';
          })
            ? []
            : ['it keeps for ever']),
        ];
      });
    },
} satisfies Promises;

const TLS = 'ELBSecurityPolicy-TLS13-1-2-2021-06';

const CLOSED = ['blockPublicAcls', 'blockPublicPolicy', 'ignorePublicAcls', 'restrictPublicBuckets'];

/** Describes what a web ACL rule blocks. */
const refusal = (rule: unknown): string => {
  const { action, overrideAction, statement } = Object(rule);
  const { rateBasedStatement: rate, managedRuleGroupStatement: group } = Object(statement);
  if (rate)
    return `more than ${rate.limit} of an ${rate.aggregateKeyType} in ${rate.evaluationWindowSec} s get ${action?.block?.customResponse?.responseCode}`;
  const name = `${group?.vendorName} ${group?.name}`;
  return isDeepStrictEqual(overrideAction, { none: {} }) ? name : `${name}, and refuses nothing`;
};

const COUNTED = ['SizeRestrictions_BODY', 'SizeRestrictions_QUERYSTRING', 'NoUserAgent_HEADER'];
const count = (name: string) => JSON.stringify({ actionToUse: { count: {} }, name });
