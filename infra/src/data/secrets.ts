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
  /** The master's URI of a database of ours, which the service does not get. */
  adminUri: pulumi.Output<string> | undefined;
  protect: boolean;
}

/** A secret as a task definition names it. */
export interface TaskSecret {
  name: string;
  valueFrom: pulumi.Output<string>;
}

/** Each managed value in a secret of its own, under a key of their own; external ones are only named. */
export class Secrets extends pulumi.ComponentResource {
  /** In the order of their settings' names. */
  readonly taskSecrets: TaskSecret[];
  readonly adminSecrets: TaskSecret[];
  /** The key that the managed ones are encrypted with. */
  readonly keyArn: pulumi.Output<string>;
  /** By the setting that each holds. */
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

  /** Names the version too: a changed value makes a new task definition, and a rollback brings the old value back. */
  #managed(setting: string, value: pulumi.Output<string>, kmsKeyId: pulumi.Output<string>): pulumi.Output<string> {
    const name = `${this.#name}-${setting.toLowerCase().replaceAll('_', '-')}`;
    const held = new aws.secretsmanager.Secret(
      name,
      { description: `${setting} of Trunkline`, kmsKeyId, recoveryWindowInDays: this.#protect ? 30 : 0 },
      // Whoever loses the encryption keys loses every stored credential.
      { parent: this, ...(setting === SECRET_SETTINGS.encryptionKeys && guarded(this.#protect)) },
    );
    const version = new aws.secretsmanager.SecretVersion(
      name,
      { secretId: held.id, secretString: value },
      // A deployment that is rolled back still needs the version before; it goes with the secret.
      { parent: this, retainOnDelete: true },
    );
    return pulumi.interpolate`${held.arn}:::${version.versionId}`;
  }
}

const entriesOf = (sources: SecretsArgs['sources']): [SecretKey, SecretSource][] =>
  // Object.entries does not keep the names of the keys.
  Object.entries(sources) as [SecretKey, SecretSource][];
