import { isDeepStrictEqual } from 'node:util';
import { MAKE_USER } from '../../../src/data/connection.ts';
import { secretArnOf as secretOf } from '../../../src/service/iam.ts';
import type { Run } from '../run-program.ts';
import {
  allow,
  containersOf,
  differences,
  dimensionsOf,
  given,
  json,
  listOf,
  of,
  type Promises,
  rolePolicyDifferences,
  urnsOf,
} from './promise.ts';

interface Tasks {
  min?: number | string;
  max?: number | string;
  cpu?: number | string;
  memory?: number | string;
}

/** The metrics that scale tasks, with targets: out within a minute, in within five. */
const GROWS_BY = {
  ECSServiceAverageCPUUtilization: 60,
  ECSServiceAverageMemoryUtilization: 75,
  ALBRequestCountPerTarget: 3000,
};

/** Untagged images expire after two weeks. */
const EXPIRES = {
  rulePriority: 1,
  selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
  action: { type: 'expire' },
};

/** The running service, with its images and database. */
export const running = {
  'once there is an image, there is a service of the configured size': (run) => {
    const image = given<string>(run, 'image');
    const { cpu = 512, memory = 1024, min = 1 } = given<Tasks>(run, 'service') ?? {};
    const services = of(run, 'ecs/service');
    const tasks = of(run, 'ecs/taskDefinition');
    const wanted = image === undefined ? 0 : 1;
    return [
      ...(services.length === wanted && tasks.length === wanted ? [] : ['not one service of one task']),
      ...tasks.filter(({ inputs }) => inputs.cpu !== `${cpu}` || inputs.memory !== `${memory}`).map(({ urn }) => urn),
      ...containersOf(run)
        .filter((container) => container.image !== image)
        .map(({ name }) => name),
      ...services.filter(({ inputs }) => inputs.desiredCount !== Number(min)).map(({ urn }) => urn),
      ...(containersOf(run).some(({ name }) => name === 'service') === (wanted === 1) ? [] : ['not one container']),
      ...tasks.filter(({ inputs }) => inputs.family !== `trunkline-${run.stack.name}`).map(({ urn }) => urn),
    ];
  },

  'tasks scale from min to max by CPU, memory and requests': (run) =>
    of(run, 'ecs/service').flatMap(({ outputs }) => {
      const { min = 1, max = 4 } = given<Tasks>(run, 'service') ?? {};
      const [cluster] = of(run, 'ecs/cluster');
      const resourceId = `service/${cluster?.outputs.name}/${outputs.name}`;
      const targets = of(run, 'appautoscaling/target').map(
        ({ inputs }) => `${inputs.resourceId} ${inputs.minCapacity} to ${inputs.maxCapacity}`,
      );
      const policies = of(run, 'appautoscaling/policy').map(({ inputs }) => {
        const { predefinedMetricSpecification, targetValue, scaleOutCooldown, scaleInCooldown } = Object(
          inputs.targetTrackingScalingPolicyConfiguration,
        );
        const { predefinedMetricType, resourceLabel = '' } = Object(predefinedMetricSpecification);
        return `${predefinedMetricType} ${resourceLabel} ${targetValue} ${scaleOutCooldown} ${scaleInCooldown}`;
      });
      return [
        ...differences(targets, [`${resourceId} ${min} to ${max}`]),
        ...differences(
          policies,
          Object.entries(GROWS_BY).map(([metric, value]) => {
            const label = metric === 'ALBRequestCountPerTarget' ? behind(run) : '';
            return `${metric} ${label} ${value} 60 300`;
          }),
        ),
      ];
    }),

  'the repository deletes only untagged images: a tagged one may be running': (run) => {
    const repositories = of(run, 'ecr/repository');
    return [
      ...(repositories.length === 1 ? [] : ['not one repository']),
      ...repositories
        .filter(({ outputs }) => {
          const rules = of(run, 'ecr/lifecyclePolicy')
            .filter(({ inputs }) => inputs.repository === outputs.name)
            .flatMap(({ inputs }) => listOf(json(inputs.policy).rules).map(({ description, ...rule }) => rule));
          return !isDeepStrictEqual(rules, [EXPIRES]);
        })
        .map(({ urn }) => urn),
    ];
  },

  'the database has the configured instances, class, version, master user and backup retention': (run) => {
    const database = given<Database>(run, 'database');
    const isOurs = database?.kind === 'documentdb';
    const { instances = 1, instanceClass = 'db.t4g.medium' } = database ?? {};
    const { engineVersion = '5.0.0', username = 'trunkline', backupRetentionDays = 7 } = database ?? {};
    const found = of(run, 'docdb/clusterInstance');
    return [
      ...(of(run, 'docdb/cluster').length === Number(isOurs) ? [] : ['not one cluster']),
      ...(found.length === (isOurs ? Number(instances) : 0) ? [] : [`${found.length} instances`]),
      ...urnsOf(run, 'docdb/clusterInstance', ({ inputs }) => inputs.instanceClass !== instanceClass),
      ...urnsOf(
        run,
        'docdb/cluster',
        ({ inputs }) =>
          inputs.engineVersion !== engineVersion ||
          inputs.masterUsername !== username ||
          inputs.backupRetentionPeriod !== Number(backupRetentionDays),
      ),
      ...urnsOf(
        run,
        'docdb/clusterParameterGroup',
        ({ inputs }) => inputs.family !== `docdb${engineVersion.replace(/\.0$/, '')}`,
      ),
      // The first is the primary while it is healthy.
      ...differences(
        found.map(({ inputs }) => `${inputs.promotionTier}`),
        Array.from(found, (_, at) => `${at}`),
      ),
    ];
  },

  'the service gets the configuration under the names of its settings': (run) => {
    const { min, max, cpu, memory, ...settings } = given<Tasks & Record<string, unknown>>(run, 'service') ?? {};
    const wanted = {
      NODE_ENV: 'production',
      PORT: 3000,
      METRICS_PORT: 9464,
      TRUSTED_PROXIES: 1,
      LIVEKIT_URL: given(run, 'livekitUrl'),
      LIVEKIT_SIP_HOST: given(run, 'livekitSipHost'),
      ...DEFAULTS,
      ...Object.fromEntries(
        Object.entries(settings).map(([key, value]) => [key.replaceAll(/[A-Z]/g, '_$&').toUpperCase(), value]),
      ),
    };
    return containersOf(run)
      .filter(({ name }) => name === 'service')
      .flatMap(({ environment = [] }) =>
        differences(
          environment.map(({ name, value }) => `${name}=${value}`),
          Object.entries(wanted).map(([name, value]) => `${name}=${value}`),
        ),
      );
  },

  'a task ends with its service, which has a health check, but not with the container that creates its user': (run) =>
    containersOf(run)
      .filter(({ name, essential, healthCheck, portMappings = [] }) => {
        if (name !== 'service') return essential !== false;
        const { command, ...times } = Object(healthCheck);
        const asks = `fetch('http://127.0.0.1:${portMappings[0]?.containerPort}/healthz')`;
        const isAsked = isDeepStrictEqual(command, ['CMD', 'node', '-e', `${asks}${ANSWERS}`]);
        const isPatient = isDeepStrictEqual(times, { interval: 15, timeout: 5, retries: 3, startPeriod: 60 });
        return essential !== true || !isAsked || !isPatient;
      })
      .map(({ name }) => name),

  'containers are hardened and log without blocking requests; the one before the service creates its user': (run) => {
    const log = of(run, 'cloudwatch/logGroup').find(({ name }) => name === 'trunkline')?.outputs.name;
    return containersOf(run)
      .filter(
        (container) => !isDeepStrictEqual({ ...container, ...asIs(container.name, log, run.stack.region) }, container),
      )
      .map(({ name }) => name);
  },

  'the role that starts a task may write its log, read its secrets and pull its image, and nothing else': (run) => {
    const [, account, region, repository] =
      /^(\d+)\.dkr\.ecr\.([^.]+)\.[^/]+\/([^@:]+)/.exec(given<string>(run, 'image') ?? '') ?? [];
    const image = `arn:aws:ecr:${region}:${account}:repository/${repository}`;
    const log = of(run, 'cloudwatch/logGroup').find(({ name }) => name === 'trunkline')?.outputs.arn;
    const named = containersOf(run).flatMap(({ secrets = [] }) => secrets.map(({ valueFrom }) => secretOf(valueFrom)));
    const keys = [
      ...of(run, 'kms/key').flatMap(({ name, outputs }) => (name === 'trunkline-secrets' ? [outputs.arn] : [])),
      ...(given<string[]>(run, 'secretKmsKeyArns') ?? []),
    ];
    const throughSecrets = { 'kms:ViaService': `secretsmanager.${run.stack.region}.amazonaws.com` };
    const wanted = [
      allow(['logs:CreateLogStream', 'logs:PutLogEvents'], `${log}:*`),
      allow(['secretsmanager:GetSecretValue'], ...[...new Set(named)].toSorted()),
      { ...allow(['kms:Decrypt'], ...keys.toSorted()), Condition: { StringEquals: throughSecrets } },
      ...(repository === undefined
        ? []
        : [
            allow(['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'], image),
            allow(['ecr:GetAuthorizationToken'], '*'),
          ]),
    ];
    return of(run, 'ecs/taskDefinition').flatMap(({ inputs }) =>
      rolePolicyDifferences(run, inputs.executionRoleArn, wanted),
    );
  },

  'the stack’s outputs say what their reader needs next': (run) => {
    const { outputs } = run;
    const isRunning = given(run, 'image') !== undefined;
    const isOurs = given<Database>(run, 'database')?.kind === 'documentdb';
    return [
      ...['url', 'loadBalancer', 'repository', 'secretArns', 'logGroup', 'egressAddresses'],
      ...['estimatedMonthlyCost', 'nextSteps'],
      ...(isOurs ? ['databaseEndpoint', 'databaseCluster', 'databaseUrns'] : []),
      ...(isRunning ? ['cluster', 'service', 'taskDefinition', 'image', 'dashboard'] : []),
    ].filter((name) => outputs[name] === undefined);
  },

  'a task that stops has time to finish the longest import': (run) => {
    const { importDeadlineSeconds = 25 } = given<{ importDeadlineSeconds?: number | string }>(run, 'service') ?? {};
    const longest = Math.ceil(Number(importDeadlineSeconds));
    return [
      ...urnsOf(run, 'lb/targetGroup', ({ inputs }) => inputs.deregistrationDelay !== longest + 5),
      ...containersOf(run)
        .filter(({ name, stopTimeout }) => name === 'service' && stopTimeout !== longest + 15)
        .map(({ name }) => name),
    ];
  },
} satisfies Promises;

interface Database {
  kind: string;
  instances?: number | string;
  instanceClass?: string;
  engineVersion?: string;
  username?: string;
  backupRetentionDays?: number | string;
}

/** The target group's label for autoscaling. */
const behind = (run: Run): string => {
  const { loadBalancer, targetGroup } = dimensionsOf(run);
  return `${loadBalancer}/${targetGroup}`;
};

/** The defaults in README.md. */
const DEFAULTS = {
  RATE_LIMIT_RPS: 50,
  IMPORT_DEADLINE_SECONDS: 25,
  PROVIDER_TIMEOUT_SECONDS: 10,
  LEASE_SECONDS: 30,
  RECONCILE_INTERVAL_SECONDS: 5,
  LOG_LEVEL: 'info',
};

/** The part of the health check that handles the answer. */
const ANSWERS = '.then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))';

/** The fixed properties of a container. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html */
const asIs = (name: string, log: unknown, region: string) => ({
  user: '10001:10001',
  readonlyRootFilesystem: true,
  linuxParameters: { initProcessEnabled: true, capabilities: { drop: ['ALL'] } },
  logConfiguration: {
    logDriver: 'awslogs',
    options: {
      'awslogs-group': log,
      'awslogs-region': region,
      'awslogs-stream-prefix': name,
      mode: 'non-blocking',
      'max-buffer-size': '25m',
    },
  },
  ...(name === 'service'
    ? { portMappings: [{ containerPort: 3000, hostPort: 3000, protocol: 'tcp' }] }
    : { command: ['node', '-e', MAKE_USER], startTimeout: 120 }),
});
