import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { SecretSource } from '../config/config.ts';
import type { SecretKey } from '../config/schema.ts';
import { guarded } from '../names.ts';
import { secretArnOf } from '../service/iam.ts';
import { SECRET_SETTINGS } from '../service/settings.ts';
import { ADMIN_SETTING } from './connection.ts';

export interface SecretsArgs {
  sources: Partial<Record<SecretKey, SecretSource>>;
  /** The master user's URI, if the database is created here. The service does not get it. */
  adminUri: pulumi.Output<string> | undefined;
  protect: boolean;
}

/** A secret in the form that a task definition takes. */
export interface TaskSecret {
  name: string;
  valueFrom: pulumi.Output<string>;
}

/** Stores each managed value in its own secret, under a KMS key for all of them. External secrets are referenced. */
export class Secrets extends pulumi.ComponentResource {
  /** Sorted by setting name. */
  readonly taskSecrets: TaskSecret[];
  readonly adminSecrets: TaskSecret[];
  /** The KMS key that encrypts the managed secrets. */
  readonly keyArn: pulumi.Output<string>;
  /** By setting name. */
  readonly arns: Record<string, pulumi.Output<string>>;
  readonly #name: string;
  readonly #protect: boolean;

  constructor(name: string, { sources, adminUri, protect }: SecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Secrets', name, {}, opts);
    this.#name = name;
    this.#protect = protect;
    const key = new aws.kms.Key(
      `${name}-secrets`,
      {
        description: 'Encrypts the secrets of Trunkline',
        enableKeyRotation: true,
        deletionWindowInDays: protect ? 30 : 7,
      },
      { parent: this, ...guarded(protect) },
    );
    this.keyArn = key.arn;
    this.taskSecrets = entriesOf(sources)
      .map(([secret, source]) => ({
        name: SECRET_SETTINGS[secret],
        valueFrom:
          source.mode === 'external'
            ? pulumi.output(source.valueFrom)
            : this.#managed(SECRET_SETTINGS[secret], source.value, key.arn),
      }))
      .toSorted((a, b) => a.name.localeCompare(b.name));
    this.adminSecrets = adminUri
      ? [{ name: ADMIN_SETTING, valueFrom: this.#managed(ADMIN_SETTING, adminUri, key.arn) }]
      : [];
    this.arns = Object.fromEntries(
      this.taskSecrets.map(({ name: setting, valueFrom }) => [setting, valueFrom.apply(secretArnOf)]),
    );
    this.registerOutputs({});
  }

  /** Includes the version: a changed value makes a new task definition, and a rollback restores the old value. */
  #managed(setting: string, value: pulumi.Output<string>, kmsKeyId: pulumi.Output<string>): pulumi.Output<string> {
    const name = `${this.#name}-${setting.toLowerCase().replaceAll('_', '-')}`;
    const held = new aws.secretsmanager.Secret(
      name,
      { description: `${setting} of Trunkline`, kmsKeyId, recoveryWindowInDays: this.#protect ? 30 : 0 },
      // Without the encryption keys, no stored credential can be read.
      { parent: this, ...(setting === SECRET_SETTINGS.encryptionKeys && guarded(this.#protect)) },
    );
    const version = new aws.secretsmanager.SecretVersion(
      name,
      { secretId: held.id, secretString: value },
      // A rollback needs the previous version. It is deleted with the secret.
      { parent: this, retainOnDelete: true },
    );
    return pulumi.interpolate`${held.arn}:::${version.versionId}`;
  }
}

const entriesOf = (sources: SecretsArgs['sources']): [SecretKey, SecretSource][] =>
  // Object.entries loses the type of the keys.
  Object.entries(sources) as [SecretKey, SecretSource][];
