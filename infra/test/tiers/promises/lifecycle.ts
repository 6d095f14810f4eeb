import type { Resource } from '../registration.ts';
import type { Run } from '../run-program.ts';
import { given, isProtected, of, type Promises, urnsOf } from './promise.ts';

export const lifecycle = {
  'a deployment leaves the count of tasks to autoscaling': (run) =>
    urnsOf(run, 'ecs/service', ({ ignoreChanges }) => !ignoreChanges.includes('desiredCount')),

  'a deployment waits until its tasks can be reached, read their secrets, and reach the database and the internet, and until failures are reported':
    (run) =>
      of(run, 'ecs/service').flatMap((service) => {
        const there = new Set(awaited(run, service));
        return BEFORE_TASKS.flatMap((kind) => of(run, kind))
          .map(({ urn }) => urn)
          .filter((urn) => !there.has(urn));
      }),

  // With a fixed name, the old policy would be deleted first.
  'a changed policy of the execution role is created beside the old one, which old tasks still need': (run) =>
    urnsOf(
      run,
      'iam/rolePolicy',
      ({ name, inputs, replaceOnChanges, deleteBeforeReplace }) =>
        name.endsWith('-execution') &&
        ('name' in inputs || !replaceOnChanges.includes('policy') || deleteBeforeReplace),
    ),

  'a resource whose replacement is created first has no fixed name': (run) =>
    REPLACED_BESIDE.flatMap((kind) =>
      urnsOf(run, kind, ({ inputs }) =>
        ['name', 'identifier', 'clusterIdentifier'].some((key) => key in inputs && !keptName(kind, key)),
      ),
    ),

  // The runbooks find them by these names.
  'a database and its instances are named as the runbooks expect': (run) => [
    ...urnsOf(run, 'docdb/cluster', ({ name, inputs }) => inputs.clusterIdentifierPrefix !== `${name}-`),
    ...urnsOf(run, 'docdb/clusterInstance', ({ name, inputs }) => inputs.identifierPrefix !== `${name}-`),
  ],

  'resources that must not be lost are protected, and kept even if Pulumi is told to delete them': (run) =>
    given(run, 'environment') === 'prod'
      ? [...DATA.flatMap((kind) => of(run, kind)), ...auditLogs(run)]
          .filter((one) => !(one.protect && one.retainOnDelete))
          .map(({ urn }) => urn)
      : [],

  'the runbook for a restore unprotects every resource that the restore replaces': (run) => {
    const told = String(run.outputs.databaseUrns ?? '').split(' ');
    return [...of(run, 'docdb/cluster'), ...of(run, 'docdb/clusterInstance'), ...auditLogs(run)].flatMap(({ urn }) =>
      told.includes(urn) ? [] : [urn],
    );
  },

  'a changed password reaches the database at the same time as the tasks': (run) =>
    urnsOf(run, 'docdb/cluster', ({ inputs }) => inputs.applyImmediately !== true),

  'the database’s audit log group exists before its instances': (run) => {
    const groups = auditLogs(run).map(({ urn }) => urn);
    return urnsOf(run, 'docdb/clusterInstance', ({ dependsOn }) => !groups.some((urn) => dependsOn.includes(urn)));
  },

  'a final snapshot is taken, and its key is kept': (run) => {
    const snapshots = of(run, 'docdb/cluster').filter(({ inputs }) => inputs.skipFinalSnapshot !== true);
    const isDev = given(run, 'environment') === 'dev';
    return [
      ...urnsOf(run, 'docdb/cluster', ({ inputs }) => inputs.skipFinalSnapshot !== isDev),
      ...snapshots
        .filter(
          ({ inputs }) => !/^trunkline-[a-z0-9-]+-final-[0-9a-f]{8}$/.test(String(inputs.finalSnapshotIdentifier)),
        )
        .map(({ urn }) => urn),
      ...snapshots.flatMap(({ inputs: { kmsKeyId } }) =>
        urnsOf(run, 'kms/key', ({ outputs, retainOnDelete }) => outputs.arn === kmsKeyId && !retainOnDelete),
      ),
    ];
  },

  'a protected stack that stops logging requests keeps the bucket of its access logs, private and expiring': (run) =>
    isProtected(run)
      ? run.resources
          .filter(({ type, retainOnDelete }) => type.startsWith('aws:s3/') && !retainOnDelete)
          .map(({ urn }) => urn)
      : [],

  'unprotected resources are not left behind': (run) =>
    run.resources
      // A bucket that is not empty cannot be deleted.
      .filter(({ type }) => !(type.startsWith('aws:s3/') && isProtected(run)))
      // A secret's versions are deleted with it.
      .filter(({ type, protect, retainOnDelete }) => retainOnDelete && !protect && !type.endsWith(':SecretVersion'))
      // The database's key is needed for its final snapshot.
      .filter(({ urn }) => !urn.endsWith('Key::trunkline-database'))
      .map(({ urn }) => urn),
} satisfies Promises;

const BEFORE_TASKS = [
  'cloudwatch/eventRule',
  'cloudwatch/eventTarget',
  'docdb/clusterInstance',
  'ec2/natGateway',
  'ec2/routeTable',
  'ec2/routeTableAssociation',
  'ec2/vpcEndpoint',
  'iam/rolePolicy',
  'lb/listener',
  'lb/listenerRule',
  'sns/topicPolicy',
  'sns/topicSubscription',
  'vpc/securityGroupEgressRule',
  'vpc/securityGroupIngressRule',
];

const DATA = ['docdb/cluster', 'docdb/clusterInstance', 'ecr/repository', 'kms/key'];

const auditLogs = (run: Run): Resource[] =>
  of(run, 'cloudwatch/logGroup').filter(({ inputs }) => /^\/aws\/docdb\/.*\/audit$/.test(String(inputs.name)));

const REPLACED_BESIDE = [
  'docdb/cluster',
  'docdb/clusterInstance',
  'docdb/clusterParameterGroup',
  'docdb/subnetGroup',
  'ec2/securityGroup',
  'iam/role',
  'lb/loadBalancer',
  'lb/targetGroup',
  'secretsmanager/secret',
];

/** An instance must name its cluster. */
const keptName = (kind: string, key: string) => kind === 'docdb/clusterInstance' && key === 'clusterIdentifier';

/** Everything that a resource depends on, directly or indirectly. */
const awaited = ({ resources }: Run, { dependsOn }: Resource): string[] => {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const found = new Set<string>();
  const follow = (urns: string[]) => {
    for (const urn of urns) {
      const resource = byUrn.get(urn);
      if (!resource || found.has(urn)) continue;
      found.add(urn);
      follow(resource.dependsOn);
    }
  };
  follow(dependsOn);
  return [...found];
};
