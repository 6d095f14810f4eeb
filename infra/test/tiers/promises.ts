import type { Resource } from './registration.ts';
import type { Run } from './run-program.ts';
import { secretsInClear } from './secrets-in-clear.ts';
import { isSecret, revealed } from './values.ts';

/** Says what breaks the promise in a stack that was applied; nothing where it is kept. */
type Promised = (run: Run) => string[];

/** What each example stack keeps. */
export const PROMISES = {
  'no secret stands in clear, in inputs, outputs, logs or what is printed': secretsInClear,

  'what holds a secret is marked as one': (run) =>
    Object.entries(SECRET_INPUTS).flatMap(([type, key]) => urnsOf(run, type, ({ inputs }) => !isSecret(inputs[key]))),

  'no output of the stack is a secret': ({ outputs }) => Object.keys(outputs).filter((key) => isSecret(outputs[key])),

  'the provider refuses every account but one': (run) =>
    urnsOf(run, 'pulumi:providers:aws', ({ inputs }) => !/^\["\d{12}"\]$/.test(String(inputs.allowedAccountIds))),

  'each secret of a task names its version': (run) =>
    containersOf(run).flatMap(({ secrets = [] }) =>
      secrets.filter(({ valueFrom }) => !/:secret:[^:]+:::[0-9a-f-]{36}$/.test(valueFrom)).map(({ name }) => name),
    ),

  'of a task only the service’s own port is open': (run) =>
    containersOf(run).flatMap(({ portMappings = [] }) =>
      portMappings.filter(({ containerPort }) => containerPort !== 3000).map(({ containerPort }) => `${containerPort}`),
    ),

  'a deployment leaves the count of tasks to autoscaling': (run) =>
    urnsOf(run, 'aws:ecs/service:Service', ({ ignoreChanges }) => !ignoreChanges.includes('desiredCount')),

  'a deployment waits until its tasks can be reached and can read their secrets': (run) =>
    urnsOf(run, 'aws:ecs/service:Service', (service) =>
      ['aws:lb/listener:Listener', 'aws:iam/rolePolicy:RolePolicy'].some(
        (type) => !awaited(run, service).some((urn) => urn.includes(`$${type}::`)),
      ),
    ),

  'HTTPS waits until its certificate is valid': (run) =>
    urnsOf(
      run,
      'aws:lb/listener:Listener',
      ({ inputs, dependsOn }) =>
        inputs.protocol === 'HTTPS' && !dependsOn.some((urn) => urn.includes('CertificateValidation')),
    ),

  'what a replacement stands beside has no name of its own': (run) =>
    REPLACED_BESIDE.flatMap((type) =>
      urnsOf(run, type, ({ inputs }) =>
        ['name', 'identifier', 'clusterIdentifier'].some((key) => key in inputs && !keptName(type, key)),
      ),
    ),

  'what cannot be lost is protected, and kept where Pulumi is told to delete it': (run) =>
    isProd(run) ? DATA.flatMap((type) => urnsOf(run, type, (one) => !(one.protect && one.retainOnDelete))) : [],

  'what is not protected is not left behind': (run) =>
    run.resources
      // A version goes with its secret.
      .filter(({ type, protect, retainOnDelete }) => retainOnDelete && !protect && !type.endsWith(':SecretVersion'))
      .map(({ urn }) => urn),
} satisfies Record<string, Promised>;

const SECRET_INPUTS = {
  'aws:secretsmanager/secretVersion:SecretVersion': 'secretString',
  'aws:docdb/cluster:Cluster': 'masterPassword',
};

const DATA = [
  'aws:docdb/cluster:Cluster',
  'aws:docdb/clusterInstance:ClusterInstance',
  'aws:ecr/repository:Repository',
  'aws:kms/key:Key',
];

const REPLACED_BESIDE = [
  'aws:docdb/cluster:Cluster',
  'aws:docdb/clusterInstance:ClusterInstance',
  'aws:docdb/clusterParameterGroup:ClusterParameterGroup',
  'aws:docdb/subnetGroup:SubnetGroup',
  'aws:ec2/securityGroup:SecurityGroup',
  'aws:iam/role:Role',
  'aws:lb/loadBalancer:LoadBalancer',
  'aws:lb/targetGroup:TargetGroup',
  'aws:secretsmanager/secret:Secret',
];

/** An instance names the cluster that it is of. */
const keptName = (type: string, key: string) => type.endsWith(':ClusterInstance') && key === 'clusterIdentifier';

const urnsOf = ({ resources }: Run, type: string, broken: (resource: Resource) => boolean): string[] =>
  resources.filter((resource) => resource.type === type && broken(resource)).map(({ urn }) => urn);

/** What is there before a resource is made, directly or by what it depends on. */
const awaited = (run: Run, { dependsOn }: Resource): string[] =>
  dependsOn.flatMap((urn) => [
    urn,
    ...run.resources.filter((one) => one.urn === urn).flatMap((one) => awaited(run, one)),
  ]);

const isProd = ({ resources }: Run): boolean =>
  resources.some(
    ({ type, inputs }) => type === 'pulumi:providers:aws' && /"Environment":"prod"/.test(String(inputs.defaultTags)),
  );

interface Container {
  portMappings?: { containerPort: number }[];
  secrets?: { name: string; valueFrom: string }[];
}
const containersOf = ({ resources }: Run): Container[] =>
  resources
    .filter(({ type }) => type === 'aws:ecs/taskDefinition:TaskDefinition')
    .flatMap(({ inputs }) => JSON.parse(String(revealed(inputs).containerDefinitions)));
