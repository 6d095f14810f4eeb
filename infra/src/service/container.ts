import type * as pulumi from '@pulumi/pulumi';
import type { Config } from '../config/config.ts';
import { MAKE_USER } from '../data/connection.ts';
import type { TaskSecret } from '../data/secrets.ts';
import { environmentOf, SECRET_SETTINGS, SERVICE_PORT, stopSeconds } from './settings.ts';

export interface ContainerArgs {
  config: Pick<Config, 'region' | 'livekitUrl' | 'livekitSipHost' | 'service'> & { image: string };
  secrets: readonly TaskSecret[];
  /** The database's master user. Absent if the database is external. */
  adminSecrets?: readonly TaskSecret[];
  logGroupName: pulumi.Input<string>;
}

/** The containers of a task: the service and, for a database created here, one that creates its user first. */
export const containersOf = (args: ContainerArgs) => {
  const service = containerOf(args);
  const { adminSecrets = [] } = args;
  if (adminSecrets.length === 0) return [service];
  return [
    { ...service, dependsOn: [{ containerName: 'database-user', condition: 'SUCCESS' }] },
    databaseUser({ ...args, adminSecrets }),
  ];
};

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html */
export const containerOf = ({ config, secrets, logGroupName }: ContainerArgs) => ({
  name: 'service',
  essential: true,
  ...hardened(config.image),
  portMappings: [{ containerPort: SERVICE_PORT, hostPort: SERVICE_PORT, protocol: 'tcp' }],
  environment: Object.entries(environmentOf(config))
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, value]) => ({ name, value })),
  secrets,
  stopTimeout: stopSeconds(config.service),
  healthCheck: { command: ['CMD', 'node', '-e', LIVES], interval: 15, timeout: 5, retries: 3, startPeriod: 60 },
  logConfiguration: logTo({ config, logGroupName, prefix: 'service' }),
});

const databaseUser = ({ config, secrets, adminSecrets = [], logGroupName }: ContainerArgs) => ({
  name: 'database-user',
  // The task continues after this container exits.
  essential: false,
  ...hardened(config.image),
  command: ['node', '-e', MAKE_USER],
  secrets: [...adminSecrets, ...secrets.filter(({ name }) => name === SECRET_SETTINGS.mongodbUri)],
  startTimeout: 120,
  logConfiguration: logTo({ config, logGroupName, prefix: 'database-user' }),
});

const hardened = (image: string) => ({
  image,
  user: UNPRIVILEGED,
  readonlyRootFilesystem: true,
  linuxParameters: { initProcessEnabled: true, capabilities: { drop: ['ALL'] } },
});

const logTo = ({
  config,
  logGroupName,
  prefix,
}: Pick<ContainerArgs, 'config' | 'logGroupName'> & { prefix: string }) => ({
  logDriver: 'awslogs',
  options: {
    'awslogs-group': logGroupName,
    'awslogs-region': config.region,
    'awslogs-stream-prefix': prefix,
    // If logs cannot be delivered, requests must still be answered.
    mode: 'non-blocking',
    'max-buffer-size': '25m',
  },
});

/** User and group ids of the image. */
const UNPRIVILEGED = '10001:10001';

/** Uses Node, since the image has no curl. */
const LIVES = `fetch('http://127.0.0.1:${SERVICE_PORT}/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`;
