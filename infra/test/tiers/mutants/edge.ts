import { inputs, type Mutant } from './mutant.ts';

const LISTENER = 'aws:lb/listener:Listener';

export const edge: Mutant[] = [
  {
    wrong: 'lets what its access logs hold be read in clear',
    caughtBy:
      'the bucket of access logs is written by load balancers of this account, closed to the public and to clear text, and empties itself',
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
    caughtBy:
      'where a protected stack stops logging requests, the bucket of those that it has logged stays, closed and emptying itself',
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
    wrong: 'passes malformed headers on',
    caughtBy: 'malformed-headers-dropped',
    type: 'aws:lb/loadBalancer:LoadBalancer',
    change: inputs({ dropInvalidHeaderFields: false }),
  },
  {
    wrong: 'names its load balancer',
    caughtBy: 'what a replacement stands beside has no name of its own',
    type: 'aws:lb/loadBalancer:LoadBalancer',
    change: inputs({ name: 'trunkline' }),
  },
  {
    wrong: 'logs no request',
    caughtBy: 'requests are logged where the configuration says, and in production',
    type: 'aws:lb/loadBalancer:LoadBalancer',
    change: inputs({ accessLogs: undefined }),
  },
  {
    wrong: 'refuses callers that send no User-Agent',
    caughtBy: 'WAF only counts what good callers of an API send',
    type: 'aws:wafv2/webAcl:WebAcl',
    change: (acl) => {
      acl.inputs.rules = JSON.parse(JSON.stringify(acl.inputs.rules).replaceAll('NoUserAgent_HEADER', 'Another'));
    },
  },
  {
    wrong: 'logs keys of callers',
    caughtBy: 'what WAF refuses and counts is logged, without keys',
    type: 'aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration',
    change: inputs({ redactedFields: undefined }),
  },
  {
    wrong: 'tells nobody what WAF refuses',
    caughtBy:
      'the alarms are those of docs/alarms.md: each watches its metric, goes off where the table says, and tells both ways',
    type: 'pulumi:pulumi:Stack',
    change: (_stack, run) => {
      run.resources = run.resources.filter(({ name }) => !name.endsWith('-blocked-requests'));
    },
  },
];
