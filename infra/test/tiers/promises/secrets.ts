import { secretsInClear } from '../secrets-in-clear.ts';
import { isSecret, revealed } from '../values.ts';
import { containersOf, type Promises, statementsOf, urnsOf } from './promise.ts';

const SECRET_INPUTS = {
  'aws:secretsmanager/secretVersion:SecretVersion': 'secretString',
  'aws:docdb/cluster:Cluster': 'masterPassword',
};

export const secrets = {
  'no secret stands in clear, in inputs, outputs, logs or what is printed': secretsInClear,

  'what holds a secret is marked as one': (run) =>
    Object.entries(SECRET_INPUTS).flatMap(([type, key]) => urnsOf(run, type, ({ inputs }) => !isSecret(inputs[key]))),

  'no output of the stack is a secret': ({ outputs }) => Object.keys(outputs).filter((key) => isSecret(outputs[key])),

  'each secret of a task names its version': (run) =>
    containersOf(run).flatMap(({ secrets = [] }) =>
      secrets
        // Of a secret of the account, the configuration says whether it names one.
        .filter(({ valueFrom }) => !JSON.stringify(run.stack.config).includes(valueFrom))
        .filter(({ valueFrom }) => !/:secret:[^:]+:::[0-9a-f-]{36}$/.test(valueFrom))
        .map(({ name }) => name),
    ),

  'the secrets of tasks are read by their roles, and no other is': (run) => {
    const named = containersOf(run).flatMap(({ secrets = [] }) => secrets.map(({ valueFrom }) => secretOf(valueFrom)));
    const readable = run.resources
      .filter(({ type }) => type === 'aws:iam/rolePolicy:RolePolicy')
      .flatMap(({ inputs }) => statementsOf(String(inputs.policy)))
      .filter(({ Action }) => Action.includes('secretsmanager:GetSecretValue'))
      .flatMap(({ Resource }) => Resource);
    return [
      ...named.filter((secret) => !readable.includes(secret)).map((secret) => `${secret} cannot be read`),
      ...readable.filter((secret) => !named.includes(secret)).map((secret) => `${secret} is in no task`),
    ];
  },

  'the tasks may use each key that a secret of the account is encrypted with': (run) => {
    const keys: string[] = JSON.parse(run.stack.config['infra:secretKmsKeyArns'] ?? '[]');
    return urnsOf(run, 'aws:iam/rolePolicy:RolePolicy', ({ name, inputs }) => {
      const usable = statementsOf(String(inputs.policy))
        .filter(({ Action }) => Action.includes('kms:Decrypt'))
        .flatMap(({ Resource }) => Resource);
      return name.endsWith('-execution') && keys.some((key) => !usable.includes(key));
    });
  },

  'the service does not know the master of its database': (run) => [
    ...containersOf(run).flatMap(({ name, secrets = [] }) =>
      name === 'service' ? secrets.filter((one) => one.name.includes('ADMIN')).map((one) => one.name) : [],
    ),
    ...urnsOf(run, 'aws:docdb/cluster:Cluster', ({ inputs }) =>
      run.resources.some(
        ({ name, type, inputs: version }) =>
          type.endsWith(':SecretVersion') &&
          name.endsWith('-mongodb-uri') &&
          String(revealed(version).secretString).includes(String(revealed(inputs).masterPassword)),
      ),
    ),
  ],
} satisfies Promises;

/** The secret's ARN, without the version. */
const secretOf = (valueFrom: string): string => valueFrom.split(':').slice(0, 7).join(':');
