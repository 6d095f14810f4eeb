import { inputs, type Mutant } from './mutant.ts';

const LISTENER = 'aws:lb/listener:Listener';

export const edge: Mutant[] = [
  {
    wrong: 'lets its access logs be read without TLS',
    caughtBy:
      'only load balancers of this account write to the access log bucket, which is private, requires TLS and deletes old logs',
    type: 'aws:s3/bucketPolicy:BucketPolicy',
    change: (policy) => {
      const document = JSON.parse(String(policy.inputs.policy));
      for (const statement of document.Statement)
        if (statement.Effect === 'Deny') statement.Resource = statement.Resource.slice(0, 1);
      policy.inputs.policy = JSON.stringify(document);
    },
  },
  {
    wrong: 'deletes its bucket of access logs, which AWS refuses, when it stops logging',
    caughtBy: 'a protected stack that stops logging requests keeps the bucket of its access logs, private and expiring',
    type: 'aws:s3/bucket:Bucket',
    change: (bucket) => {
      bucket.retainOnDelete = false;
    },
  },
  {
    wrong: 'serves over HTTP',
    caughtBy: 'https-only',
    type: LISTENER,
    change: inputs({ protocol: 'HTTP' }),
  },
  {
    wrong: 'speaks TLS 1.0',
    caughtBy: 'https-only',
    type: LISTENER,
    name: 'trunkline-443',
    change: inputs({ sslPolicy: 'ELBSecurityPolicy-2016-08' }),
  },
  {
    wrong: 'serves before its certificate is valid',
    caughtBy: 'HTTPS waits until its certificate is valid',
    type: LISTENER,
    name: 'trunkline-443',
    change: (listener) => {
      listener.dependsOn = listener.dependsOn.filter((urn) => !urn.includes('CertificateValidation'));
    },
  },
  {
    wrong: 'passes on malformed headers',
    caughtBy: 'malformed-headers-dropped',
    type: 'aws:lb/loadBalancer:LoadBalancer',
    change: inputs({ dropInvalidHeaderFields: false }),
  },
  {
    wrong: 'gives its load balancer a fixed name',
    caughtBy: 'a resource whose replacement is created first has no fixed name',
    type: 'aws:lb/loadBalancer:LoadBalancer',
    change: inputs({ name: 'trunkline' }),
  },
  {
    wrong: 'logs no requests',
    caughtBy: 'requests are logged if configured, and outside of dev by default',
    type: 'aws:lb/loadBalancer:LoadBalancer',
    change: inputs({ accessLogs: undefined }),
  },
  {
    wrong: 'blocks callers that send no User-Agent',
    caughtBy: 'WAF only counts requests that good callers of an API send',
    type: 'aws:wafv2/webAcl:WebAcl',
    change: (acl) => {
      acl.inputs.rules = JSON.parse(JSON.stringify(acl.inputs.rules).replaceAll('NoUserAgent_HEADER', 'Another'));
    },
  },
  {
    wrong: 'logs the API keys of callers',
    caughtBy: 'requests that WAF blocks or counts are logged, without API keys',
    type: 'aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration',
    change: inputs({ redactedFields: undefined }),
  },
  {
    wrong: 'alerts nobody when WAF blocks requests',
    caughtBy:
      'the alarms are those of docs/alarms.md: each watches its metric, goes off at the threshold in the table, and notifies both ways',
    type: 'pulumi:pulumi:Stack',
    change: (_stack, run) => {
      run.resources = run.resources.filter(({ name }) => !name.endsWith('-blocked-requests'));
    },
  },
];
