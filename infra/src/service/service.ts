import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { Config } from '../config/config.ts';
import type { TaskSecret } from '../data/secrets.ts';
import { familyOf } from '../names.ts';
import { containersOf } from './container.ts';
import { repositoryArnOf, startTask, trustOfTasks } from './iam.ts';
import { Scaling } from './scaling.ts';
import { SERVICE_PORT } from './settings.ts';

export interface ServiceArgs {
  config: Config & { image: string };
  subnetIds: pulumi.Input<string>[];
  securityGroupId: pulumi.Input<string>;
  secrets: readonly TaskSecret[];
  /** The database's master user. Empty if the database is external. */
  adminSecrets: readonly TaskSecret[];
  /** The KMS keys that encrypt the secrets. */
  kmsKeyArns: pulumi.Input<string>[];
  logGroup: aws.cloudwatch.LogGroup;
  targetGroupArn: pulumi.Output<string>;
  /**
   * ECS refuses a target group that nothing forwards to. For a new rule that is not visible yet, the provider retries:
   * serviceCreateWithRetry in https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/service.go
   */
  forwarding: pulumi.Resource;
  /**
   * Resources that must exist before the first task starts, and until the last one has stopped, though no setting refers
   * to them. Those that report a failed deployment, too. Some are made from the cluster's name.
   */
  before: (clusterName: pulumi.Output<string>) => pulumi.Resource[];
  loadBalancerDimension: pulumi.Output<string>;
  targetGroupDimension: pulumi.Output<string>;
  /** The alarms that end a deployment. */
  alarmNames: pulumi.Output<string>[];
}

/** The service on Fargate: roles, task definition, deployment and scaling. */
export class Service extends pulumi.ComponentResource {
  readonly clusterName: pulumi.Output<string>;
  readonly serviceName: pulumi.Output<string>;
  /** The task definition that actually runs. Fails if ECS has rolled back. */
  readonly taskDefinitionArn: pulumi.Output<string>;

  constructor(name: string, args: ServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    // So that policies can check the container in any preview: the task definition is one unknown string then.
    const plain = containersOf({
      config: args.config,
      secrets: [],
      adminSecrets: args.adminSecrets.map(({ name: setting }) => ({ name: setting, valueFrom: pulumi.output('') })),
      logGroupName: '',
    });
    super('trunkline:infra:Service', name, { environment: args.config.environment, containers: plain }, opts);
    const { config, subnetIds, securityGroupId, logGroup, targetGroupArn, alarmNames } = args;
    const parent = { parent: this };

    const cluster = new aws.ecs.Cluster(name, {}, parent);
    const execution = this.#executionRole(name, args);
    // It has no policies: the service calls no AWS API.
    const task = this.#role(`${name}-task`, config, 'What the tasks of Trunkline may do: nothing');

    const definition = new aws.ecs.TaskDefinition(
      name,
      {
        family: familyOf(config.stack),
        requiresCompatibilities: ['FARGATE'],
        networkMode: 'awsvpc',
        cpu: String(config.service.cpu),
        memory: String(config.service.memory),
        runtimePlatform: {
          operatingSystemFamily: 'LINUX',
          cpuArchitecture: config.architecture === 'arm64' ? 'ARM64' : 'X86_64',
        },
        executionRoleArn: execution.arn,
        taskRoleArn: task.arn,
        containerDefinitions: pulumi.jsonStringify(
          containersOf({ config, secrets: args.secrets, adminSecrets: args.adminSecrets, logGroupName: logGroup.name }),
        ),
        // A manual rollback needs the previous revision.
        skipDestroy: config.protect,
      },
      { parent: this, dependsOn: [execution.policy] },
    );

    const service = new aws.ecs.Service(
      name,
      {
        cluster: cluster.arn,
        taskDefinition: definition.arn,
        launchType: 'FARGATE',
        desiredCount: config.service.min,
        deploymentMinimumHealthyPercent: 100,
        deploymentMaximumPercent: 200,
        deploymentCircuitBreaker: { enable: true, rollback: true },
        alarms: { enable: true, rollback: true, alarmNames },
        healthCheckGracePeriodSeconds: 60,
        availabilityZoneRebalancing: 'ENABLED',
        enableEcsManagedTags: true,
        enableExecuteCommand: false,
        propagateTags: 'SERVICE',
        networkConfiguration: {
          subnets: subnetIds,
          securityGroups: [securityGroupId],
          assignPublicIp: config.network.egress === 'public-ip',
        },
        loadBalancers: [{ targetGroupArn, containerName: 'service', containerPort: SERVICE_PORT }],
        waitForSteadyState: true,
      },
      // Autoscaling sets the count.
      { parent: this, ignoreChanges: ['desiredCount'], dependsOn: [args.forwarding, ...args.before(cluster.name)] },
    );
    new Scaling(name, { ...args, clusterName: cluster.name, serviceName: service.name, ...config.service }, parent);

    this.clusterName = cluster.name;
    this.serviceName = service.name;
    this.taskDefinitionArn = deployedTaskDefinition({
      service,
      cluster,
      wanted: definition.arn,
      region: config.region,
    });
    this.registerOutputs({ taskDefinitionArn: this.taskDefinitionArn });
  }

  #role(name: string, { accountId, region }: Config, description: string): aws.iam.Role {
    return new aws.iam.Role(
      name,
      { assumeRolePolicy: JSON.stringify(trustOfTasks({ accountId, region })), description },
      { parent: this },
    );
  }

  #executionRole(name: string, { config, secrets, adminSecrets, kmsKeyArns, logGroup }: ServiceArgs) {
    const role = this.#role(
      `${name}-execution`,
      config,
      'Starts the tasks of Trunkline: its image, its secrets, its log',
    );
    const needs = pulumi.output({
      region: config.region,
      logGroupArn: logGroup.arn,
      secrets: [...secrets, ...adminSecrets].map(({ valueFrom }) => valueFrom),
      kmsKeyArns,
      repositoryArn: repositoryArnOf(config.image),
    });
    const document = pulumi.jsonStringify(needs.apply(startTask));
    // A changed policy is a new one beside the old: ECS needs the old one to restart old tasks, and Pulumi deletes it
    // once the new tasks are steady. With a fixed name, the provider would delete the old one first.
    const policy = new aws.iam.RolePolicy(
      `${name}-execution`,
      { role: role.name, policy: document },
      { parent: this, replaceOnChanges: ['policy'] },
    );
    return { arn: role.arn, policy };
  }
}

interface DeployedArgs {
  service: aws.ecs.Service;
  cluster: aws.ecs.Cluster;
  wanted: pulumi.Output<string>;
  region: string;
}

/** The task definition that the service actually runs. Read after each `up`, not in a preview. */
const deployedTaskDefinition = ({ service, cluster, wanted, region }: DeployedArgs): pulumi.Output<string> => {
  if (pulumi.runtime.isDryRun()) return wanted;
  const found = aws.ecs.getServiceOutput(
    { clusterArn: cluster.arn, serviceName: service.name },
    { parent: service, dependsOn: [service] },
  );
  return pulumi.output({ wanted, found, region, cluster: cluster.name, service: service.name }).apply(requireDeployed);
};

export interface Deployed {
  wanted: string;
  found: Pick<aws.ecs.GetServiceResult, 'taskDefinition' | 'desiredCount' | 'runningCount'> & { deployments: object[] };
  region: string;
  cluster: string;
  service: string;
}

/**
 * Throws unless the service runs only the task definition that was asked for. When ECS rolls a deployment back or does
 * not finish it, the provider fails but keeps the new definition in the state, so the next update would change nothing
 * and succeed while old code runs, or none. https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/service.go
 *
 * If there is nothing to roll back to, ECS starts no more tasks, and the service still names the new definition:
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
 */
export const requireDeployed = ({ wanted, found, region, cluster, service }: Deployed): string => {
  const { taskDefinition, desiredCount, runningCount, deployments } = found;
  const update = `aws ecs update-service --region ${region} --cluster ${cluster} --service ${service}`;
  const why = [
    'See its events:',
    `  aws ecs describe-services --region ${region} --cluster ${cluster} --services ${service} --query 'services[0].events[:10].message'`,
  ];
  if (taskDefinition !== wanted)
    throw new pulumi.RunError(
      [
        `The service runs ${revisionOf(taskDefinition)}, and not ${revisionOf(wanted)}.`,
        'ECS rolled a deployment back, in this update or an earlier one, or somebody changed the service.',
        ...why,
        'Fix the cause, or set the previous value (pulumi config set infra:image …). Then deploy again with:',
        '  pulumi up --refresh',
      ].join('\n'),
    );
  if (desiredCount === 0) {
    void pulumi.log.warn(
      `The service has no tasks, because its count was set to 0. Start some with:\n  ${update} --desired-count …`,
    );
    return taskDefinition;
  }
  if (deployments.length === 1 && runningCount > 0) return taskDefinition;
  throw new pulumi.RunError(
    [
      runningCount > 0
        ? `The deployment of ${revisionOf(wanted)} has not finished: old tasks still run.`
        : `No task of ${revisionOf(wanted)} runs.`,
      ...why,
      'Wait for new tasks, or fix the cause. Then run pulumi up. If it changes nothing, deploy again with:',
      `  ${update} --force-new-deployment`,
    ].join('\n'),
  );
};

const revisionOf = (arn: string): string => arn.replace(/^.*task-definition\//, '');
