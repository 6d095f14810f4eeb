import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { DocumentDbConfig } from '../config/config.ts';
import { finalSnapshotOf, guarded } from '../names.ts';
import { DATABASE_PORT, SERVICE_USER, servicePasswordOf, uriOf } from './connection.ts';

export interface DatabaseArgs {
  database: DocumentDbConfig;
  stack: string;
  subnetIds: pulumi.Input<string>[];
  securityGroupId: pulumi.Input<string>;
  protect: boolean;
  /** Whether a snapshot is taken when the cluster is deleted. */
  finalSnapshot: boolean;
  logRetentionDays: number;
}

/** A DocumentDB cluster, encrypted, reachable over TLS from the service alone. */
export class Database extends pulumi.ComponentResource {
  readonly endpoint: pulumi.Output<string>;
  readonly clusterIdentifier: pulumi.Output<string>;
  /** Of cluster, audit log and instances: what a restore replaces. */
  readonly urns: pulumi.Output<string>[];
  /** With user and password: secrets. The service's own, and the master's. */
  readonly uri: pulumi.Output<string>;
  readonly adminUri: pulumi.Output<string>;

  constructor(name: string, args: DatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Database', name, {}, opts);
    const { database, stack, subnetIds, securityGroupId, protect, finalSnapshot } = args;
    const { engineVersion, instanceClass, capacity, username, password, poolSize, pointInTime } = database;
    const parent = { parent: this };
    const data = { ...parent, ...guarded(protect) };

    const key = new aws.kms.Key(
      `${name}-database`,
      {
        description: 'Encrypts the database of Trunkline',
        enableKeyRotation: true,
        deletionWindowInDays: protect ? 30 : 7,
      },
      // Without it nobody could read the final snapshot.
      { ...data, retainOnDelete: protect || finalSnapshot },
    );
    const subnets = new aws.docdb.SubnetGroup(`${name}-database`, { subnetIds }, data);
    const parameters = new aws.docdb.ClusterParameterGroup(
      `${name}-database`,
      {
        family: `docdb${engineVersion.replace(/\.0$/, '')}`,
        // https://docs.aws.amazon.com/documentdb/latest/developerguide/cluster_parameter_groups-list_of_parameters.html
        parameters: [
          // Static: instances that stand take it after a reboot only.
          { name: 'tls', value: 'tls1.2+', applyMethod: 'pending-reboot' },
          // Who signed in, or failed to, and what changed collections, indexes and users.
          { name: 'audit_logs', value: 'ddl' },
        ],
      },
      data,
    );
    const cluster = new aws.docdb.Cluster(
      `${name}-database`,
      {
        // Pulumi names neither cluster nor instances: without this they are tf-….
        clusterIdentifierPrefix: `${name}-database-`,
        engine: 'docdb',
        engineVersion,
        masterUsername: username,
        masterPassword: password,
        port: DATABASE_PORT,
        dbSubnetGroupName: subnets.name,
        vpcSecurityGroupIds: [securityGroupId],
        dbClusterParameterGroupName: parameters.name,
        storageEncrypted: true,
        kmsKeyId: key.arn,
        backupRetentionPeriod: database.backupRetentionDays,
        deletionProtection: protect,
        enabledCloudwatchLogsExports: ['audit'],
        skipFinalSnapshot: !finalSnapshot,
        // Else a changed password is the database's in the next maintenance window, and the tasks' now; all else is at once anyway.
        // https://docs.aws.amazon.com/documentdb/latest/developerguide/API_ModifyDBCluster.html
        applyImmediately: true,
        allowMajorVersionUpgrade: false,
        ...(finalSnapshot && {
          // Each restore makes another cluster, and each life of a stack another key.
          finalSnapshotIdentifier: pulumi
            .all([key.keyId, subnets.name])
            .apply((ids) => finalSnapshotOf({ stack, madeOf: [...ids, username, database.snapshot, pointInTime] })),
        }),
        ...(database.snapshot !== undefined && { snapshotIdentifier: database.snapshot }),
        ...(pointInTime && { restoreToPointInTime: restoreOf(pointInTime) }),
        ...(capacity && { serverlessV2ScalingConfiguration: { minCapacity: capacity.min, maxCapacity: capacity.max } }),
      },
      data,
    );
    // Without it DocumentDB makes one that keeps for ever; it writes the first line once there is an instance. It stays as
    // long as its cluster does: a restore leaves both.
    const audit = new aws.cloudwatch.LogGroup(
      `${name}-database-audit`,
      {
        name: pulumi.interpolate`/aws/docdb/${cluster.clusterIdentifier}/audit`,
        retentionInDays: args.logRetentionDays,
      },
      data,
    );
    const instances = Array.from({ length: database.instances }, (_, at) => {
      return new aws.docdb.ClusterInstance(
        `${name}-database-${at}`,
        {
          clusterIdentifier: cluster.id,
          identifierPrefix: `${name}-database-${at}-`,
          instanceClass,
          // The first is the primary where both are well.
          promotionTier: Math.min(at, 15),
          copyTagsToSnapshot: true,
          applyImmediately: !protect,
        },
        { ...data, dependsOn: [audit] },
      );
    });

    this.endpoint = cluster.endpoint;
    this.clusterIdentifier = cluster.clusterIdentifier;
    this.urns = [cluster, audit, ...instances].map(({ urn }) => urn);
    const uriFor = (user: string, derive: (master: string) => string) =>
      pulumi.secret(
        pulumi
          .all([cluster.endpoint, password])
          .apply(([host, master]) => uriOf({ host, username: user, password: derive(master), poolSize })),
      );
    this.uri = uriFor(SERVICE_USER, servicePasswordOf);
    this.adminUri = uriFor(username, (master) => master);
    this.registerOutputs({});
  }
}

const restoreOf = ({ cluster, time }: NonNullable<DocumentDbConfig['pointInTime']>) => ({
  sourceClusterIdentifier: cluster,
  restoreType: 'full-copy',
  ...(time === 'latest' ? { useLatestRestorableTime: true } : { restoreToTime: time }),
});
