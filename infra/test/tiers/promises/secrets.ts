import { secretsInClear } from '../secrets-in-clear.ts';
import { isSecret, revealed } from '../values.ts';
import { containersOf, differences, given, of, type Promises, urnsOf } from './promise.ts';

const SECRET_INPUTS = {
  'secretsmanager/secretVersion': 'secretString',
  'docdb/cluster': 'masterPassword',
};

export const secrets = {
  'no secret appears in clear text in inputs, outputs, logs or printed text': secretsInClear,

  'inputs that hold a secret are marked as secret': (run) =>
    Object.entries(SECRET_INPUTS).flatMap(([kind, key]) => urnsOf(run, kind, ({ inputs }) => !isSecret(inputs[key]))),

  'no output of the stack is a secret': ({ outputs }) => Object.keys(outputs).filter((key) => isSecret(outputs[key])),

  'each configured secret is stored separately, and reaches the service under its setting name': (run) => {
    const { secrets: values } = run.stack;
    const arns = given<Record<string, string>>(run, 'secretArns') ?? {};
    const [cluster] = of(run, 'docdb/cluster');
    const kept = of(run, 'secretsmanager/secretVersion').map(({ inputs, outputs }) => ({
      valueFrom: `${inputs.secretId}:::${outputs.versionId}`,
      value: String(revealed(inputs).secretString),
    }));
    const keptAs = (isOne: (value: string) => boolean) =>
      kept.find(({ value }) => isOne(value))?.valueFrom ?? 'nowhere';
    const uriOf = (user: string) =>
      keptAs(
        (value) => value.startsWith(`mongodb://${user}:`) && value.includes(`@${cluster?.outputs.endpoint}:27017/`),
      );
    const master = given<{ username?: string }>(run, 'database')?.username ?? 'trunkline';
    const wanted = Object.entries(SETTINGS).flatMap(([key, setting]) => {
      const value = values[`infra:${key}`];
      const valueFrom =
        arns[key] ?? (cluster && key === 'mongodbUri' ? uriOf('service') : value && keptAs((one) => one === value));
      return valueFrom === undefined ? [] : [`${setting}: ${valueFrom}`];
    });
    const containers = containersOf(run);
    const handed = (name: string) =>
      containers
        .filter((one) => one.name === name)
        .flatMap(({ secrets = [] }) => secrets.map((one) => `${one.name}: ${one.valueFrom}`));
    const withMaster = [
      `DATABASE_ADMIN_URI: ${uriOf(master)}`,
      ...wanted.filter((one) => one.startsWith('MONGODB_URI')),
    ];
    return [
      ...[...wanted, ...(cluster ? withMaster : [])].filter((one) => one.endsWith(': nowhere')),
      ...(containers.length === 0 ? [] : differences(handed('service'), wanted)),
      ...(containers.length === 0 || !cluster ? [] : differences(handed('database-user'), withMaster)),
    ];
  },

  'the service waits for its user in a database that is created here': (run) =>
    containersOf(run)
      .filter(({ name }) => name === 'service' && of(run, 'docdb/cluster').length > 0)
      .filter(
        ({ dependsOn = [] }) =>
          !dependsOn.some(
            ({ containerName, condition }) => containerName === 'database-user' && condition === 'SUCCESS',
          ),
      )
      .map(({ name }) => name),

  'each secret of a task names its version': (run) =>
    containersOf(run).flatMap(({ secrets = [] }) =>
      secrets
        // For an existing secret, the configuration decides whether to name a version.
        .filter(({ valueFrom }) => !JSON.stringify(run.stack.config).includes(valueFrom))
        .filter(({ valueFrom }) => !/:secret:[^:]+:::[0-9a-f-]{36}$/.test(valueFrom))
        .map(({ name }) => name),
    ),

  'the service does not get the master user of its database': (run) => [
    ...containersOf(run).flatMap(({ name, secrets = [] }) =>
      name === 'service' ? secrets.filter((one) => one.name.includes('ADMIN')).map((one) => one.name) : [],
    ),
    ...urnsOf(run, 'docdb/cluster', ({ inputs }) =>
      run.resources.some(
        ({ name, type, inputs: version }) =>
          type.endsWith(':SecretVersion') &&
          name.endsWith('-mongodb-uri') &&
          String(revealed(version).secretString).includes(String(revealed(inputs).masterPassword)),
      ),
    ),
  ],
} satisfies Promises;

/** The service's setting for each secret of the configuration. */
const SETTINGS = {
  mongodbUri: 'MONGODB_URI',
  livekitApiKey: 'LIVEKIT_API_KEY',
  livekitApiSecret: 'LIVEKIT_API_SECRET',
  encryptionKeys: 'ENCRYPTION_KEYS',
  bootstrapApiKey: 'BOOTSTRAP_API_KEY',
};
