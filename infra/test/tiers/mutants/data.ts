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
    wrong: 'lets its database be deleted if protection is overridden',
    caughtBy: 'resources that must not be lost are protected, and kept even if Pulumi is told to delete them',
    type: CLUSTER,
    change: (one) => {
      one.retainOnDelete = false;
    },
  },
  {
    wrong: 'lets the provider name a database instance',
    caughtBy: 'a database and its instances are named as the runbooks expect',
    type: 'aws:docdb/clusterInstance:ClusterInstance',
    change: inputs({ identifierPrefix: undefined }),
  },
  {
    wrong: 'loses the audit log of the database that a restore leaves behind',
    caughtBy: 'resources that must not be lost are protected, and kept even if Pulumi is told to delete them',
    type: 'aws:cloudwatch/logGroup:LogGroup',
    name: 'trunkline-database-audit',
    change: (one) => {
      one.retainOnDelete = false;
    },
  },
  {
    wrong: 'does not list the audit log for a restore to unprotect',
    caughtBy: 'the runbook for a restore unprotects every resource that the restore replaces',
    type: 'pulumi:pulumi:Stack',
    change: (_one, { outputs }) => {
      outputs.databaseUrns = String(outputs.databaseUrns).replace(/ \S*LogGroup::\S+/, '');
    },
  },
  {
    wrong: 'leaves unprotected resources behind',
    caughtBy: 'unprotected resources are not left behind',
    type: SERVICE,
    change: (one) => {
      one.retainOnDelete = true;
    },
  },
  {
    wrong: 'changes the database’s password only in the next maintenance window',
    caughtBy: 'a changed password reaches the database at the same time as the tasks',
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
    wrong: 'stores its database unencrypted',
    caughtBy: 'database-encrypted',
    type: CLUSTER,
    change: inputs({ storageEncrypted: false }),
  },
  {
    wrong: 'accepts connections over TLS 1.0',
    caughtBy: 'database-speaks-tls',
    type: 'aws:docdb/clusterParameterGroup:ClusterParameterGroup',
    change: inputs({ parameters: [{ name: 'tls', value: 'enabled' }] }),
  },
  {
    wrong: 'encrypts a secret with AWS’s own key',
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
    wrong: 'lets image tags be moved',
    caughtBy: 'images-immutable',
    type: REPOSITORY,
    change: inputs({ imageTagMutability: 'MUTABLE' }),
  },
  {
    wrong: 'keeps logs forever',
    caughtBy: 'logs-retained',
    type: 'aws:cloudwatch/logGroup:LogGroup',
    change: inputs({ retentionInDays: undefined }),
  },
  {
    wrong: 'passes a secret to Pulumi unmarked',
    caughtBy: 'inputs that hold a secret are marked as secret',
    type: VERSION,
    change: (one) => {
      one.inputs = revealed(one.inputs);
    },
  },
  {
    wrong: 'has a secret output, which nobody could read',
    caughtBy: 'no output of the stack is a secret',
    type: 'pulumi:pulumi:Stack',
    change: (_one, { resources, outputs }) => {
      const version = resources.find(({ type }) => type === VERSION);
      outputs.livekitApiSecret = version?.inputs.secretString;
    },
  },
  {
    wrong: 'deploys to whatever account its credentials belong to',
    caughtBy: 'one provider creates everything, in the configured region and account',
    type: 'pulumi:providers:aws',
    change: inputs({ allowedAccountIds: undefined }),
  },
  {
    wrong: 'restores an empty database',
    caughtBy: 'a database is restored only from the configured snapshot or moment',
    stack: 'widest',
    type: CLUSTER,
    change: inputs({ snapshotIdentifier: undefined }),
  },
  {
    wrong: 'lets a serverless database scale without limits',
    caughtBy: 'a serverless database scales within the configured limits',
    stack: 'widest',
    type: CLUSTER,
    change: inputs({ serverlessV2ScalingConfiguration: { minCapacity: 2, maxCapacity: 256 } }),
  },
  {
    wrong: 'does not log who signs in to the database',
    caughtBy: 'database-audited',
    type: CLUSTER,
    change: inputs({ enabledCloudwatchLogsExports: [] }),
  },
  {
    wrong: 'lets DocumentDB create an audit log that never expires',
    caughtBy: 'the database’s audit log group exists before its instances',
    type: 'aws:docdb/clusterInstance:ClusterInstance',
    change: (instance) => {
      instance.dependsOn = instance.dependsOn.filter((urn) => !urn.includes('LogGroup'));
    },
  },
  {
    wrong: 'deletes the key of its final snapshot',
    caughtBy: 'a final snapshot is taken, and its key is kept',
    type: KEY,
    name: 'trunkline-database',
    change: (key) => {
      key.retainOnDelete = false;
    },
  },
];
