import type { Resource } from '../registration.ts';
import type { Run } from '../run-program.ts';
import { isProd, type Promises, urnsOf } from './promise.ts';

export const lifecycle = {
  'a deployment leaves the count of tasks to autoscaling': (run) =>
    urnsOf(run, 'aws:ecs/service:Service', ({ ignoreChanges }) => !ignoreChanges.includes('desiredCount')),

  'a deployment waits until its tasks can be reached and can read their secrets': (run) =>
    urnsOf(run, 'aws:ecs/service:Service', (service) =>
      [/\$aws:lb\/(listener:Listener|listenerRule:ListenerRule)::/, /\$aws:iam\/rolePolicy:RolePolicy::/].some(
        (type) => !awaited(run, service).some((urn) => type.test(urn)),
      ),
    ),

  'what a replacement stands beside has no name of its own': (run) =>
    REPLACED_BESIDE.flatMap((type) =>
      urnsOf(run, type, ({ inputs }) =>
        ['name', 'identifier', 'clusterIdentifier'].some((key) => key in inputs && !keptName(type, key)),
      ),
    ),

  'what cannot be lost is protected, and kept where Pulumi is told to delete it': (run) =>
    isProd(run) ? DATA.flatMap((type) => urnsOf(run, type, (one) => !(one.protect && one.retainOnDelete))) : [],

  'a changed password is the database’s when it is the tasks’': (run) =>
    urnsOf(run, 'aws:docdb/cluster:Cluster', ({ inputs }) => inputs.applyImmediately !== true),

  'the audit log of the database has a group before it has a line': (run) => {
    const groups = run.resources.filter(({ inputs }) => /^\/aws\/docdb\/.*\/audit$/.test(String(inputs.name)));
    return urnsOf(
      run,
      'aws:docdb/clusterInstance:ClusterInstance',
      ({ dependsOn }) => !groups.some(({ urn }) => dependsOn.includes(urn)),
    );
  },

  'a final snapshot is taken, and keeps its key': (run) => {
    const snapshots = run.resources.filter(
      ({ type, inputs }) => type === 'aws:docdb/cluster:Cluster' && inputs.skipFinalSnapshot !== true,
    );
    const isDev = run.stack.config['infra:environment'] === 'dev';
    return [
      ...urnsOf(run, 'aws:docdb/cluster:Cluster', ({ inputs }) => inputs.skipFinalSnapshot !== isDev),
      ...snapshots.filter(({ inputs }) => !inputs.finalSnapshotIdentifier).map(({ urn }) => urn),
      ...snapshots.flatMap(({ inputs: { kmsKeyId } }) =>
        urnsOf(run, 'aws:kms/key:Key', ({ outputs, retainOnDelete }) => outputs.arn === kmsKeyId && !retainOnDelete),
      ),
    ];
  },

  'what is not protected is not left behind': (run) =>
    run.resources
      // A version goes with its secret.
      .filter(({ type, protect, retainOnDelete }) => retainOnDelete && !protect && !type.endsWith(':SecretVersion'))
      // The key of a database goes with its final snapshot.
      .filter(({ urn }) => !urn.endsWith('Key::trunkline-database'))
      .map(({ urn }) => urn),
} satisfies Promises;

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

/** What is there before a resource is made, directly or by what it depends on. */
const awaited = (run: Run, { dependsOn }: Resource): string[] =>
  dependsOn.flatMap((urn) => [
    urn,
    ...run.resources.filter((one) => one.urn === urn).flatMap((one) => awaited(run, one)),
  ]);
