import type { ResourceValidationArgs } from '@pulumi/policy';
import { isProd, onEach, type Rule, when } from './rule.ts';

/** Resources that hold data, or that are needed to read it. */
const holdsData = ({ type, name }: ResourceValidationArgs): boolean =>
  [
    'aws:docdb/cluster:Cluster',
    'aws:docdb/clusterInstance:ClusterInstance',
    'aws:ecr/repository:Repository',
    'aws:kms/key:Key',
  ].includes(type) ||
  // Other secrets can be set again. Without the encryption keys, every stored credential is lost.
  (type === 'aws:secretsmanager/secret:Secret' && name.includes('encryption-keys'));

const SAFE_TLS = ['tls1.2+', 'tls1.3+', 'fips-140-3'];

export const data: Rule[] = [
  {
    name: 'data-protected',
    description: 'Data and keys are protected in production.',
    validateResource: (resource, report) => {
      if (!holdsData(resource) || !isProd(resource)) return;
      if (!resource.opts.protect) report('Without it, data is lost. Set protect.');
    },
  },
  onEach(
    'aws:docdb/cluster:Cluster',
    { name: 'database-encrypted', description: 'The database is encrypted at rest by the stack’s own key.' },
    ({ storageEncrypted, kmsKeyId }) =>
      when(storageEncrypted !== true || kmsKeyId === undefined, 'Set storageEncrypted and kmsKeyId.'),
  ),
  onEach(
    'aws:docdb/cluster:Cluster',
    { name: 'database-survives', description: 'In production a database is backed up and refuses to be deleted.' },
    ({ deletionProtection, skipFinalSnapshot, finalSnapshotIdentifier, backupRetentionPeriod }, resource) =>
      !isProd(resource)
        ? []
        : [
            ...when(deletionProtection !== true, 'Set deletionProtection: Pulumi’s protect can be overridden.'),
            ...when(skipFinalSnapshot === true, 'Do not skip the final snapshot.'),
            ...when(
              finalSnapshotIdentifier === undefined,
              'Name the final snapshot: without a name the deletion fails.',
            ),
            ...when(!(backupRetentionPeriod >= 7), 'Keep backups for 7 days or more.'),
          ],
  ),
  onEach(
    'aws:docdb/clusterParameterGroup:ClusterParameterGroup',
    { name: 'database-speaks-tls', description: 'The database accepts only TLS 1.2 or newer.' },
    ({ parameters = [] }) =>
      when(
        !parameters.some(
          ({ name, value }: { name: string; value: string }) => name === 'tls' && SAFE_TLS.includes(value),
        ),
        `Set tls to ${SAFE_TLS.join(', ')}: enabled accepts TLS 1.0.`,
      ),
  ),
  onEach(
    'aws:docdb/cluster:Cluster',
    { name: 'database-audited', description: 'The database logs who signs in.' },
    ({ enabledCloudwatchLogsExports = [] }) =>
      when(!enabledCloudwatchLogsExports.includes('audit'), 'Export the audit log.'),
  ),
  onEach(
    'aws:secretsmanager/secret:Secret',
    { name: 'secret-encrypted', description: 'A secret is encrypted by the stack’s own key.' },
    ({ kmsKeyId }) =>
      when(kmsKeyId === undefined, 'Set kmsKeyId: AWS’s own key can be used by everyone in the account.'),
  ),
  onEach(
    'aws:secretsmanager/secret:Secret',
    { name: 'secret-recoverable', description: 'A deleted secret can be restored for 30 days in production.' },
    ({ recoveryWindowInDays }, resource) =>
      when(isProd(resource) && recoveryWindowInDays !== 30, 'Set recoveryWindowInDays to 30.'),
  ),
  onEach(
    'aws:kms/key:Key',
    { name: 'key-rotates', description: 'Keys rotate, and a deleted one can be restored for 30 days in production.' },
    ({ enableKeyRotation, deletionWindowInDays }, resource) => [
      ...when(enableKeyRotation !== true, 'Set enableKeyRotation.'),
      ...when(isProd(resource) && deletionWindowInDays !== 30, 'Set deletionWindowInDays to 30.'),
    ],
  ),
  onEach(
    'aws:ecr/repository:Repository',
    { name: 'images-immutable', description: 'A pushed tag never changes, and images are scanned.' },
    ({ imageTagMutability, imageScanningConfiguration }) => [
      ...when(imageTagMutability !== 'IMMUTABLE', 'Set imageTagMutability to IMMUTABLE.'),
      ...when(imageScanningConfiguration?.scanOnPush !== true, 'Set scanOnPush.'),
    ],
  ),
  onEach(
    'aws:cloudwatch/logGroup:LogGroup',
    { name: 'logs-retained', description: 'Logs are kept for a set time.' },
    ({ retentionInDays }) =>
      when(!(retentionInDays > 0), 'Set retentionInDays: without it, logs are kept and billed forever.'),
  ),
];
