import type { PROMISES } from './promises.ts';
import type { Resource } from './registration.ts';
import type { Run } from './run-program.ts';
import { revealed, type Values } from './values.ts';

export interface Mutant {
  wrong: string;
  /** The policy or promise that must say so. */
  caughtBy: keyof typeof PROMISES | (string & {});
  type: string;
  /** The resource's; the first of its type where none is given. */
  name?: string;
  change(resource: Resource, run: Run): void;
}

const CLUSTER = 'aws:docdb/cluster:Cluster';
const INGRESS = 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule';
const KEY = 'aws:kms/key:Key';
const LISTENER = 'aws:lb/listener:Listener';
const REPOSITORY = 'aws:ecr/repository:Repository';
const SECRET = 'aws:secretsmanager/secret:Secret';
const SERVICE = 'aws:ecs/service:Service';
const TASK = 'aws:ecs/taskDefinition:TaskDefinition';
const VERSION = 'aws:secretsmanager/secretVersion:SecretVersion';

/** Other values for inputs, and for the outputs that echo them; `undefined` takes one away. */
const inputs =
  (values: Values): Mutant['change'] =>
  (resource) => {
    Object.assign(resource.inputs, values);
    Object.assign(resource.outputs, values);
  };

const unprotected: Mutant['change'] = (resource) => {
  resource.protect = false;
};

interface Container extends Values {
  environment: { name: string; value: string }[];
  secrets: { name: string; valueFrom: string }[];
  portMappings: { containerPort: number }[];
}
const container =
  (change: (container: Container) => void): Mutant['change'] =>
  (resource, run) => {
    const [first, ...others]: Container[] = JSON.parse(String(revealed(resource.inputs).containerDefinitions));
    if (!first) throw new Error('the task has no container');
    change(first);
    inputs({ containerDefinitions: JSON.stringify([first, ...others]) })(resource, run);
  };

const environment = (name: string, value: string) =>
  container(({ environment }) => void environment.push({ name, value }));

const network: Mutant[] = [
  {
    wrong: 'opens the database to the world',
    caughtBy: 'world-reaches-web-ports-only',
    type: INGRESS,
    name: 'trunkline-database-from-service',
    change: inputs({ referencedSecurityGroupId: undefined, cidrIpv4: '0.0.0.0/0' }),
  },
  {
    wrong: 'opens the database to the network’s own addresses',
    caughtBy: 'database-reached-from-service-only',
    type: INGRESS,
    name: 'trunkline-database-from-service',
    change: inputs({ referencedSecurityGroupId: undefined, cidrIpv4: '10.40.0.0/16' }),
  },
  {
    wrong: 'opens the database to the load balancer',
    caughtBy: 'database-reached-from-service-only',
    type: INGRESS,
    name: 'trunkline-database-from-service',
    change: inputs({ referencedSecurityGroupId: 'sg-trunkline-load-balancer' }),
  },
  {
    wrong: 'lets the world reach the tasks past the load balancer',
    caughtBy: 'world-reaches-load-balancer-only',
    type: INGRESS,
    name: 'trunkline-world-to-load-balancer-443',
    change: inputs({ securityGroupId: 'sg-trunkline-service' }),
  },
  {
    wrong: 'opens a port beside 80 and 443 by IPv6',
    caughtBy: 'world-reaches-web-ports-only',
    type: INGRESS,
    name: 'trunkline-world-to-load-balancer-443',
    change: inputs({ cidrIpv6: '::/0', fromPort: 0, toPort: 443 }),
  },
  {
    wrong: 'hides rules in a group',
    caughtBy: 'group-rules-are-resources',
    type: 'aws:ec2/securityGroup:SecurityGroup',
    change: inputs({ ingress: [{ protocol: 'tcp', fromPort: 22, toPort: 22, cidrBlocks: ['0.0.0.0/0'] }] }),
  },
  {
    wrong: 'lets the default group talk',
    caughtBy: 'default-group-empty',
    type: 'aws:ec2/defaultSecurityGroup:DefaultSecurityGroup',
    change: inputs({ egress: [{ protocol: '-1', fromPort: 0, toPort: 0, cidrBlocks: ['0.0.0.0/0'] }] }),
  },
];

const edge: Mutant[] = [
  {
    wrong: 'serves over HTTP',
    caughtBy: 'https-only',
    type: LISTENER,
    name: 'trunkline-80',
    change: inputs({ defaultActions: [{ type: 'forward', targetGroupArn: 'targets' }] }),
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
];

const service: Mutant[] = [
  {
    wrong: 'puts a secret into environment, by its name',
    caughtBy: 'no-secret-in-environment',
    type: TASK,
    change: environment('LIVEKIT_API_SECRET', 'whatever'),
  },
  {
    wrong: 'puts a URI with its password into environment',
    caughtBy: 'no-secret-in-environment',
    type: TASK,
    change: environment('DATABASE', 'mongodb://trunkline:word@db.example.net'),
  },
  {
    wrong: 'puts a secret of its configuration anywhere in a task',
    caughtBy: 'no secret stands in clear, in inputs, outputs, logs or what is printed',
    type: TASK,
    change: environment('NOTE', 'marked-livekit-secret-0123456789abcdef'),
  },
  {
    wrong: 'names its image by a tag',
    caughtBy: 'image-by-digest',
    type: TASK,
    change: container((one) => {
      one.image = 'registry.example.com/trunkline:latest';
    }),
  },
  {
    wrong: 'lets its tasks write',
    caughtBy: 'container-hardened',
    type: TASK,
    change: container((one) => {
      one.readonlyRootFilesystem = false;
    }),
  },
  {
    wrong: 'runs its tasks as root',
    caughtBy: 'container-hardened',
    type: TASK,
    change: container((one) => {
      one.user = '0:0';
    }),
  },
  {
    wrong: 'opens the port of the metrics',
    caughtBy: 'of a task only the service’s own port is open',
    type: TASK,
    change: container(({ portMappings }) => void portMappings.push({ containerPort: 9464 })),
  },
  {
    wrong: 'takes whatever version a secret has',
    caughtBy: 'each secret of a task names its version',
    type: TASK,
    change: container(({ secrets }) => {
      for (const one of secrets) one.valueFrom = one.valueFrom.replace(/:::.*$/, '');
    }),
  },
  {
    wrong: 'lets a failed deployment stand',
    caughtBy: 'deployment-rolls-back',
    type: SERVICE,
    change: inputs({ deploymentCircuitBreaker: { enable: true, rollback: false } }),
  },
  {
    wrong: 'gives its tasks public addresses',
    caughtBy: 'tasks-in-private',
    type: SERVICE,
    change: inputs({ networkConfiguration: { assignPublicIp: true } }),
  },
  {
    wrong: 'sets the count of tasks at each deployment',
    caughtBy: 'a deployment leaves the count of tasks to autoscaling',
    type: SERVICE,
    change: (one) => {
      one.ignoreChanges = [];
    },
  },
  {
    wrong: 'starts tasks before they can be reached',
    caughtBy: 'a deployment waits until its tasks can be reached and can read their secrets',
    type: SERVICE,
    change: (_one, { resources }) => {
      for (const one of resources) one.dependsOn = one.dependsOn.filter((urn) => !urn.includes(LISTENER));
    },
  },
  {
    wrong: 'lets a role do everything',
    caughtBy: 'roles-do-little',
    type: 'aws:iam/rolePolicy:RolePolicy',
    change: inputs({ policy: '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}' }),
  },
  {
    wrong: 'lets a role read every secret',
    caughtBy: 'roles-do-little',
    type: 'aws:iam/rolePolicy:RolePolicy',
    change: inputs({
      policy: '{"Statement":[{"Effect":"Allow","Action":["secretsmanager:GetSecretValue"],"Resource":["*"]}]}',
    }),
  },
];

const data: Mutant[] = [
  { wrong: 'leaves its database unprotected', caughtBy: 'data-protected', type: CLUSTER, change: unprotected },
  { wrong: 'leaves a key unprotected', caughtBy: 'data-protected', type: KEY, change: unprotected },
  { wrong: 'leaves its images unprotected', caughtBy: 'data-protected', type: REPOSITORY, change: unprotected },
  {
    wrong: 'leaves its encryption keys unprotected',
    caughtBy: 'data-protected',
    type: SECRET,
    name: 'trunkline-encryption-keys',
    change: unprotected,
  },
  {
    wrong: 'lets its database be deleted where protection is overridden',
    caughtBy: 'what cannot be lost is protected, and kept where Pulumi is told to delete it',
    type: CLUSTER,
    change: (one) => {
      one.retainOnDelete = false;
    },
  },
  {
    wrong: 'leaves behind what nobody protects',
    caughtBy: 'what is not protected is not left behind',
    type: SERVICE,
    change: (one) => {
      one.retainOnDelete = true;
    },
  },
  {
    wrong: 'lets AWS delete its database',
    caughtBy: 'database-survives',
    type: CLUSTER,
    change: inputs({ deletionProtection: false }),
  },
  {
    wrong: 'keeps no backups',
    caughtBy: 'database-survives',
    type: CLUSTER,
    change: inputs({ backupRetentionPeriod: 1 }),
  },
  {
    wrong: 'writes its database in clear',
    caughtBy: 'database-encrypted',
    type: CLUSTER,
    change: inputs({ storageEncrypted: false }),
  },
  {
    wrong: 'takes connections in clear',
    caughtBy: 'database-speaks-tls',
    type: 'aws:docdb/clusterParameterGroup:ClusterParameterGroup',
    change: inputs({ parameters: [{ name: 'tls', value: 'disabled' }] }),
  },
  {
    wrong: 'encrypts a secret by AWS’s own key',
    caughtBy: 'secret-encrypted',
    type: SECRET,
    change: inputs({ kmsKeyId: undefined }),
  },
  {
    wrong: 'deletes a secret at once',
    caughtBy: 'secret-recoverable',
    type: SECRET,
    change: inputs({ recoveryWindowInDays: 0 }),
  },
  {
    wrong: 'never rotates a key',
    caughtBy: 'key-rotates',
    type: KEY,
    change: inputs({ enableKeyRotation: false }),
  },
  {
    wrong: 'lets a tag change what it names',
    caughtBy: 'images-immutable',
    type: REPOSITORY,
    change: inputs({ imageTagMutability: 'MUTABLE' }),
  },
  {
    wrong: 'keeps logs for ever',
    caughtBy: 'logs-retained',
    type: 'aws:cloudwatch/logGroup:LogGroup',
    change: inputs({ retentionInDays: undefined }),
  },
  {
    wrong: 'hands a secret to Pulumi unmarked',
    caughtBy: 'what holds a secret is marked as one',
    type: VERSION,
    change: (one) => {
      one.inputs = revealed(one.inputs);
    },
  },
  {
    wrong: 'marks an output as secret, which nobody could read',
    caughtBy: 'no output of the stack is a secret',
    type: 'pulumi:pulumi:Stack',
    change: (_one, { resources, outputs }) => {
      const version = resources.find(({ type }) => type === VERSION);
      outputs.livekitApiSecret = version?.inputs.secretString;
    },
  },
  {
    wrong: 'deploys to whatever account its credentials are of',
    caughtBy: 'the provider refuses every account but one',
    type: 'pulumi:providers:aws',
    change: inputs({ allowedAccountIds: undefined }),
  },
];

/** What the program could do wrong, and the policy or promise that then says so. */
export const MUTANTS: readonly Mutant[] = [...network, ...edge, ...service, ...data];
