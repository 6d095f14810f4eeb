import type { ResourceValidationPolicy } from '@pulumi/policy';
import { isProd, onEach, type Rule, when } from './rule.ts';

interface Container {
  name: string;
  image?: string;
  environment?: { name: string; value: string }[];
  readonlyRootFilesystem?: boolean;
  privileged?: boolean;
  user?: string;
  logConfiguration?: object;
}
/** The component gets its containers as inputs, so every preview knows them. */
const COMPONENT = 'trunkline:infra:Service';
const TASK = 'aws:ecs/taskDefinition:TaskDefinition';
const SERVICE = 'aws:ecs/service:Service';

const containersOf = (definitions: string): Container[] => JSON.parse(definitions);

/** Limits such as MAX_API_KEYS, which are not secrets. */
const COUNT_NAME = /^MAX_[A-Z_]+S$/;
const SECRET_NAME = /SECRET|PASSWORD|PASSPHRASE|TOKEN|PRIVATE|CREDENTIAL|API_KEY|ENCRYPTION_KEY|_URI$/;
/** Credentials in a URL, our API and encryption keys, AWS's keys, and PEM blocks. */
const SECRET_VALUE =
  /:\/\/[^/@\s]*:[^/@\s]+@|tl_(live|test)_|\bA(KIA|SIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|\b[a-z0-9]+:[A-Za-z0-9+/]{43}=/;

/**
 * A rule for each container: as the task definition has it, which a preview may not know yet, and as the program passes
 * it to its component, which every preview knows.
 */
const onContainer = (
  { name, description }: Pick<ResourceValidationPolicy, 'name' | 'description'>,
  breaches: (container: Container, inProd: boolean) => string[],
): ResourceValidationPolicy => ({
  name,
  description,
  validateResource: (resource, report) => {
    const { type, props } = resource;
    const found: { container: Container; inProd: boolean }[] = [];
    if (type === COMPONENT)
      for (const container of props.containers ?? []) found.push({ container, inProd: props.environment === 'prod' });
    if (type === TASK)
      for (const container of containersOf(props.containerDefinitions))
        found.push({ container, inProd: isProd(resource) });
    for (const { container, inProd } of found) for (const message of breaches(container, inProd)) report(message);
  },
});

export const service: Rule[] = [
  onContainer(
    { name: 'no-secret-in-environment', description: 'Secrets reach a container by valueFrom, never by environment.' },
    ({ name, environment = [] }) =>
      environment
        .filter(({ name, value }) => (SECRET_NAME.test(name) && !COUNT_NAME.test(name)) || SECRET_VALUE.test(value))
        .map((variable) => `${variable.name} of the container ${name} looks like a secret. Pass it under secrets.`),
  ),
  onContainer(
    { name: 'image-by-digest', description: 'An image is named by its digest in production.' },
    ({ image = '' }, inProd) =>
      when(
        inProd && !/@sha256:[0-9a-f]{64}$/.test(image),
        `What ${image} runs can change without a deployment. Name its digest.`,
      ),
  ),
  onContainer(
    {
      name: 'container-hardened',
      description: 'A container is not root, has a read-only root file system, and sends its logs.',
    },
    (container) => [
      ...when(container.readonlyRootFilesystem !== true, `Set readonlyRootFilesystem of ${container.name}.`),
      ...when(container.privileged === true, `Remove privileged from ${container.name}.`),
      ...when(/^(root|0)?(:|$)/.test(container.user ?? ''), `Set a user of ${container.name} that is not root.`),
      ...when(container.logConfiguration === undefined, `Set logConfiguration of ${container.name}.`),
    ],
  ),
  onEach(
    SERVICE,
    { name: 'deployment-rolls-back', description: 'A failed deployment is rolled back.' },
    ({ deploymentCircuitBreaker }) =>
      when(
        !(deploymentCircuitBreaker?.enable && deploymentCircuitBreaker.rollback),
        'Set deploymentCircuitBreaker, with rollback.',
      ),
  ),
  onEach(
    SERVICE,
    { name: 'tasks-in-private', description: 'Tasks have no public address in production.' },
    ({ networkConfiguration }, resource) =>
      when(isProd(resource) && networkConfiguration?.assignPublicIp === true, 'Do not assign public addresses.'),
  ),
  onEach(
    'aws:iam/rolePolicy:RolePolicy',
    {
      name: 'roles-do-little',
      description: 'A role’s policy names its actions, and the secrets and keys that they apply to.',
    },
    ({ policy }) =>
      statementsOf(policy).flatMap(({ Effect, Action, Resource }) => {
        const actions = [Action ?? []].flat();
        const resources = [Resource ?? []].flat();
        if (Effect !== 'Allow') return [];
        return [
          ...when(
            actions.some((action) => action.endsWith('*')),
            `Name the actions instead of ${actions.join(', ')}.`,
          ),
          ...when(
            resources.includes('*') && actions.some((action) => /^(secretsmanager|kms|s3|iam|sts):/.test(action)),
            `Name the resources of ${actions.join(', ')}.`,
          ),
        ];
      }),
  ),
];

interface Statement {
  Effect: string;
  Action?: string | string[];
  Resource?: string | string[];
}
const statementsOf = (policy: string | { Statement: Statement[] }): Statement[] =>
  (typeof policy === 'string' ? JSON.parse(policy) : policy).Statement;
