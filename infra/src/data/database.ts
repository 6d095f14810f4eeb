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

/** An encrypted DocumentDB cluster that only the service can reach, over TLS. */
export class Database extends pulumi.ComponentResource {
  readonly endpoint: pulumi.Output<string>;
  readonly clusterIdentifier: pulumi.Output<string>;
  /** URNs of the cluster, audit log and instances, which a restore replaces. */
  readonly urns: pulumi.Output<string>[];
  /** The service's URI, with user and password: a secret. So is the master's below. */
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
      // The final snapshot cannot be read without this key.
      { ...data, retainOnDelete: protect || finalSnapshot },
    );
    const subnets = new aws.docdb.SubnetGroup(`${name}-database`, { subnetIds }, data);
    const parameters = new aws.docdb.ClusterParameterGroup(
      `${name}-database`,
      {
        family: `docdb${engineVersion.replace(/\.0$/, '')}`,
        // https://docs.aws.amazon.com/documentdb/latest/developerguide/cluster_parameter_groups-list_of_parameters.html
        parameters: [
          // Static: running instances apply it only after a reboot.
          { name: 'tls', value: 'tls1.2+', applyMethod: 'pending-reboot' },
          // Logs sign-ins, failed ones too, and changes of collections, indexes and users.
          { name: 'audit_logs', value: 'ddl' },
        ],
      },
      data,
    );
    const cluster = new aws.docdb.Cluster(
      `${name}-database`,
      {
        // Pulumi generates no names for cluster and instances: without a prefix, the provider calls them tf-….
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
        // Otherwise the database takes a new password only in the next maintenance window, while tasks use it now.
        // https://docs.aws.amazon.com/documentdb/latest/developerguide/API_ModifyDBCluster.html
        applyImmediately: true,
        allowMajorVersionUpgrade: false,
        ...(finalSnapshot && {
          // A restore (another cluster) or a recreated stack (another key) gets a new name.
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
    // Without it, DocumentDB creates a group that never expires when the first instance logs. A restore leaves the old
    // cluster and its group behind.
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
          // The first is the primary while it is healthy.
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
