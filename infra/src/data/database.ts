import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { DocumentDbConfig } from '../config/config.ts';
import { finalSnapshotOf } from '../names.ts';
import { DATABASE_PORT } from '../network/security-groups.ts';
import { guarded } from './protection.ts';

export interface DatabaseArgs {
  database: DocumentDbConfig;
  stack: string;
  subnetIds: pulumi.Input<string>[];
  securityGroupId: pulumi.Input<string>;
  protect: boolean;
}

/** A DocumentDB cluster, encrypted, reachable over TLS from the service alone. */
export class Database extends pulumi.ComponentResource {
  readonly endpoint: pulumi.Output<string>;
  readonly clusterIdentifier: pulumi.Output<string>;
  /** With user and password: a secret. */
  readonly uri: pulumi.Output<string>;

  constructor(name: string, args: DatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Database', name, {}, opts);
    const { database, stack, subnetIds, securityGroupId, protect } = args;
    const { engineVersion, instanceClass, capacity, username, password, poolSize } = database;
    const parent = { parent: this };
    const data = { ...parent, ...guarded(protect) };

    const key = new aws.kms.Key(
      `${name}-database`,
      {
        description: 'Encrypts the database of Trunkline',
        enableKeyRotation: true,
        deletionWindowInDays: protect ? 30 : 7,
      },
      data,
    );
    const subnets = new aws.docdb.SubnetGroup(`${name}-database`, { subnetIds }, data);
    const parameters = new aws.docdb.ClusterParameterGroup(
      `${name}-database`,
      { family: `docdb${engineVersion.replace(/\.0$/, '')}`, parameters: [{ name: 'tls', value: 'enabled' }] },
      data,
    );
    const cluster = new aws.docdb.Cluster(
      `${name}-database`,
      {
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
        skipFinalSnapshot: !protect,
        // Else a changed password is the database's in the next maintenance window, and the tasks' now; all else is at once anyway.
        // https://docs.aws.amazon.com/documentdb/latest/developerguide/API_ModifyDBCluster.html
        applyImmediately: true,
        allowMajorVersionUpgrade: false,
        ...(protect && { finalSnapshotIdentifier: finalSnapshotOf(stack) }),
        ...(database.snapshot !== undefined && { snapshotIdentifier: database.snapshot }),
        ...(capacity && { serverlessV2ScalingConfiguration: { minCapacity: capacity.min, maxCapacity: capacity.max } }),
      },
      data,
    );
    for (let at = 0; at < database.instances; at++) {
      new aws.docdb.ClusterInstance(
        `${name}-database-${at}`,
        {
          clusterIdentifier: cluster.id,
          instanceClass,
          // The first is the primary where both are well.
          promotionTier: Math.min(at, 15),
          copyTagsToSnapshot: true,
          applyImmediately: !protect,
        },
        data,
      );
    }

    this.endpoint = cluster.endpoint;
    this.clusterIdentifier = cluster.clusterIdentifier;
    this.uri = pulumi.secret(
      pulumi
        .all([cluster.endpoint, password])
        .apply(([host, word]) => uriOf({ host, username, password: word, poolSize })),
    );
    this.registerOutputs({});
  }
}

export interface UriParts {
  host: string;
  username: string;
  password: string;
  poolSize: number;
}

/**
 * The whole URI. DocumentDB knows retryable writes from 8.0.2 on only, and which patch of a version it runs is AWS's choice.
 * https://docs.aws.amazon.com/documentdb/latest/devguide/retryable-writes.html. The image trusts its certificate authority.
 */
export const uriOf = ({ host, username, password, poolSize }: UriParts): string => {
  const options = new URLSearchParams({
    tls: 'true',
    replicaSet: 'rs0',
    readPreference: 'primary',
    retryWrites: 'false',
    maxPoolSize: String(poolSize),
  });
  return `mongodb://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${DATABASE_PORT}/trunkline?authSource=admin&${options}`;
};
