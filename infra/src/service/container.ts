import type * as pulumi from '@pulumi/pulumi';
import type { Config } from '../config/config.ts';
import type { TaskSecret } from '../data/secrets.ts';
import { environmentOf, SERVICE_PORT, stopSeconds } from './settings.ts';

export interface ContainerArgs {
  config: Pick<Config, 'region' | 'livekitUrl' | 'livekitSipHost' | 'service'> & { image: string };
  secrets: readonly TaskSecret[];
  logGroupName: pulumi.Input<string>;
}

/** The one container of a task. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html */
export const containerOf = ({ config, secrets, logGroupName }: ContainerArgs) => ({
  name: 'service',
  image: config.image,
  essential: true,
  portMappings: [{ containerPort: SERVICE_PORT, hostPort: SERVICE_PORT, protocol: 'tcp' }],
  environment: Object.entries(environmentOf(config))
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, value]) => ({ name, value })),
  secrets,
  user: UNPRIVILEGED,
  readonlyRootFilesystem: true,
  linuxParameters: { initProcessEnabled: true, capabilities: { drop: ['ALL'] } },
  stopTimeout: stopSeconds(config.service),
  healthCheck: { command: ['CMD', 'node', '-e', LIVES], interval: 15, timeout: 5, retries: 3, startPeriod: 60 },
  logConfiguration: {
    logDriver: 'awslogs',
    options: {
      'awslogs-group': logGroupName,
      'awslogs-region': config.region,
      'awslogs-stream-prefix': 'service',
      // A log that cannot be delivered must not stop calls from being answered.
      mode: 'non-blocking',
      'max-buffer-size': '25m',
    },
  },
});

/** The user and group that the image is made for. */
const UNPRIVILEGED = '10001:10001';

/** The image has Node and no curl. */
const LIVES = `fetch('http://127.0.0.1:${SERVICE_PORT}/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`;
