import { revealed } from '../values.ts';
import { inputs, type Mutant } from './mutant.ts';

const CLUSTER = 'aws:docdb/cluster:Cluster';
const KEY = 'aws:kms/key:Key';
const REPOSITORY = 'aws:ecr/repository:Repository';
const SECRET = 'aws:secretsmanager/secret:Secret';
const SERVICE = 'aws:ecs/service:Service';
const VERSION = 'aws:secretsmanager/secretVersion:SecretVersion';

const unprotected: Mutant['change'] = (resource) => {
  resource.protect = false;
};

export const data: Mutant[] = [
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
    wrong: 'lets the provider name an instance of its database',
    caughtBy: 'a database and its instances are named after their place in the program',
    type: 'aws:docdb/clusterInstance:ClusterInstance',
    change: inputs({ identifierPrefix: undefined }),
  },
  {
    wrong: 'loses the audit log of a database that a restore leaves',
    caughtBy: 'what cannot be lost is protected, and kept where Pulumi is told to delete it',
    type: 'aws:cloudwatch/logGroup:LogGroup',
    name: 'trunkline-database-audit',
    change: (one) => {
      one.retainOnDelete = false;
    },
  },
  {
    wrong: 'does not tell a restore of the audit log, which then stands in its way',
    caughtBy: 'a restore replaces all that it leaves beside the new database, which its runbook unprotects',
    type: 'pulumi:pulumi:Stack',
    change: (_one, { outputs }) => {
      outputs.databaseUrns = String(outputs.databaseUrns).replace(/ \S*LogGroup::\S+/, '');
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
    wrong: 'gives its database a changed password in the next maintenance window',
    caughtBy: 'a changed password is the database’s when it is the tasks’',
    type: CLUSTER,
    change: inputs({ applyImmediately: false }),
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
    wrong: 'takes connections over TLS 1.0',
    caughtBy: 'database-speaks-tls',
    type: 'aws:docdb/clusterParameterGroup:ClusterParameterGroup',
    change: inputs({ parameters: [{ name: 'tls', value: 'enabled' }] }),
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
    caughtBy: 'all is made by one provider, in the region and the account asked for',
    type: 'pulumi:providers:aws',
    change: inputs({ allowedAccountIds: undefined }),
  },
  {
    wrong: 'restores an empty database',
    caughtBy: 'a database is made from the snapshot or the moment asked for, and from none else',
    stack: 'widest',
    type: CLUSTER,
    change: inputs({ snapshotIdentifier: undefined }),
  },
  {
    wrong: 'lets a serverless database grow without bounds',
    caughtBy: 'a serverless database grows within the bounds asked for',
    stack: 'widest',
    type: CLUSTER,
    change: inputs({ serverlessV2ScalingConfiguration: { minCapacity: 2, maxCapacity: 256 } }),
  },
  {
    wrong: 'writes down nobody who signs in to the database',
    caughtBy: 'database-audited',
    type: CLUSTER,
    change: inputs({ enabledCloudwatchLogsExports: [] }),
  },
  {
    wrong: 'lets DocumentDB make an audit log that keeps for ever',
    caughtBy: 'the audit log of the database has a group before it has a line',
    type: 'aws:docdb/clusterInstance:ClusterInstance',
    change: (instance) => {
      instance.dependsOn = instance.dependsOn.filter((urn) => !urn.includes('LogGroup'));
    },
  },
  {
    wrong: 'deletes the key of its final snapshot',
    caughtBy: 'a final snapshot is taken, and keeps its key',
    type: KEY,
    name: 'trunkline-database',
    change: (key) => {
      key.retainOnDelete = false;
    },
  },
];
