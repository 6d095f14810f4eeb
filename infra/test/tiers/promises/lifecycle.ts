import type { Resource } from '../registration.ts';
import type { Run } from '../run-program.ts';
import { given, isProtected, of, type Promises, urnsOf } from './promise.ts';

export const lifecycle = {
  'a deployment leaves the count of tasks to autoscaling': (run) =>
    urnsOf(run, 'ecs/service', ({ ignoreChanges }) => !ignoreChanges.includes('desiredCount')),

  'a deployment waits until its tasks can be reached, can read their secrets, and reach the world and their database; a failed one is told of':
    (run) =>
      of(run, 'ecs/service').flatMap((service) => {
        const there = new Set(awaited(run, service));
        return BEFORE_TASKS.flatMap((kind) => of(run, kind))
          .map(({ urn }) => urn)
          .filter((urn) => !there.has(urn));
      }),

  // A name that is given would be taken away first.
  'a changed policy of the execution role stands beside the former one, which the former tasks need: it is replaced, and has no name of its own':
    (run) =>
      urnsOf(
        run,
        'iam/rolePolicy',
        ({ name, inputs, replaceOnChanges, deleteBeforeReplace }) =>
          name.endsWith('-execution') &&
          ('name' in inputs || !replaceOnChanges.includes('policy') || deleteBeforeReplace),
      ),

  'what a replacement stands beside has no name of its own': (run) =>
    REPLACED_BESIDE.flatMap((kind) =>
      urnsOf(run, kind, ({ inputs }) =>
        ['name', 'identifier', 'clusterIdentifier'].some((key) => key in inputs && !keptName(kind, key)),
      ),
    ),

  // docs/runbooks.md finds them so.
  'a database and its instances are named after their place in the program': (run) => [
    ...urnsOf(run, 'docdb/cluster', ({ name, inputs }) => inputs.clusterIdentifierPrefix !== `${name}-`),
    ...urnsOf(run, 'docdb/clusterInstance', ({ name, inputs }) => inputs.identifierPrefix !== `${name}-`),
  ],

  'what cannot be lost is protected, and kept where Pulumi is told to delete it': (run) =>
    given(run, 'environment') === 'prod'
      ? [...DATA.flatMap((kind) => of(run, kind)), ...auditLogs(run)]
          .filter((one) => !(one.protect && one.retainOnDelete))
          .map(({ urn }) => urn)
      : [],

  'a restore replaces all that it leaves beside the new database, which its runbook unprotects': (run) => {
    const told = String(run.outputs.databaseUrns ?? '').split(' ');
    return [...of(run, 'docdb/cluster'), ...of(run, 'docdb/clusterInstance'), ...auditLogs(run)].flatMap(({ urn }) =>
      told.includes(urn) ? [] : [urn],
    );
  },

  'a changed password is the database’s when it is the tasks’': (run) =>
    urnsOf(run, 'docdb/cluster', ({ inputs }) => inputs.applyImmediately !== true),

  'the audit log of the database has a group before it has a line': (run) => {
    const groups = auditLogs(run).map(({ urn }) => urn);
    return urnsOf(run, 'docdb/clusterInstance', ({ dependsOn }) => !groups.some((urn) => dependsOn.includes(urn)));
  },

  'a final snapshot is taken, and keeps its key': (run) => {
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

  'where a protected stack stops logging requests, the bucket of those that it has logged stays, closed and emptying itself':
    (run) =>
      isProtected(run)
        ? run.resources
            .filter(({ type, retainOnDelete }) => type.startsWith('aws:s3/') && !retainOnDelete)
            .map(({ urn }) => urn)
        : [],

  'what is not protected is not left behind': (run) =>
    run.resources
      // A bucket that is not empty cannot be deleted.
      .filter(({ type }) => !(type.startsWith('aws:s3/') && isProtected(run)))
      // A version goes with its secret.
      .filter(({ type, protect, retainOnDelete }) => retainOnDelete && !protect && !type.endsWith(':SecretVersion'))
      // The key of a database goes with its final snapshot.
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

/** An instance names the cluster that it is of. */
const keptName = (kind: string, key: string) => kind === 'docdb/clusterInstance' && key === 'clusterIdentifier';

/** What is there before a resource is made, directly or by what it depends on. */
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
