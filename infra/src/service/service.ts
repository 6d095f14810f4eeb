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
  /** The master of the database; none where it is not ours. */
  adminSecrets: readonly TaskSecret[];
  /** The keys that the secrets are encrypted with. */
  kmsKeyArns: pulumi.Input<string>[];
  logGroup: aws.cloudwatch.LogGroup;
  targetGroupArn: pulumi.Output<string>;
  /**
   * ECS refuses a target group that nothing forwards to. The provider asks again while it has not heard of a new rule:
   * serviceCreateWithRetry in https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/service.go
   */
  forwarding: pulumi.Resource;
  /**
   * What the tasks need and none of their settings names, so that it is there before they start and goes after they
   * stop; what tells of a failed deployment too. Some of it is made of the name of the cluster.
   */
  before: (clusterName: pulumi.Output<string>) => pulumi.Resource[];
  loadBalancerDimension: pulumi.Output<string>;
  targetGroupDimension: pulumi.Output<string>;
  /** Those that end a deployment. */
  alarmNames: pulumi.Output<string>[];
}

/** The service on Fargate: its roles, its task, how it is deployed and how it grows. */
export class Service extends pulumi.ComponentResource {
  readonly clusterName: pulumi.Output<string>;
  readonly serviceName: pulumi.Output<string>;
  /** What really runs: it fails where ECS has rolled back. */
  readonly taskDefinitionArn: pulumi.Output<string>;

  constructor(name: string, args: ServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    // What a policy can read of the container in any preview: in the task definition it is one unknown text.
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
    // Nothing is attached to it: the service calls no API of AWS.
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
        // Who rolls back by hand needs the revision before.
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
      // Scaling decides how many there are.
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
    // A changed policy is another one, which stands beside the former: ECS needs that to start the former tasks again,
    // and Pulumi deletes it once the new ones are steady. Where a name is given, the provider deletes first.
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

/** The task definition that the service really runs, asked for after each `up`. A preview changes nothing, and asks nothing. */
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
 * Throws where the service does not run what was asked for, or not alone. The provider fails when ECS takes a
 * deployment back or does not finish it, but keeps what was asked for in the state: the next update finds nothing to do,
 * and would succeed while old code runs, or none. https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/service.go
 *
 * Where there is nothing to go back to, ECS starts no more tasks, and the service still names what was asked for:
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
 */
export const requireDeployed = ({ wanted, found, region, cluster, service }: Deployed): string => {
  const { taskDefinition, desiredCount, runningCount, deployments } = found;
  const update = `aws ecs update-service --region ${region} --cluster ${cluster} --service ${service}`;
  const why = [
    'Its events tell why:',
    `  aws ecs describe-services --region ${region} --cluster ${cluster} --services ${service} --query 'services[0].events[:10].message'`,
  ];
  if (taskDefinition !== wanted)
    throw new pulumi.RunError(
      [
        `The service runs ${revisionOf(taskDefinition)}, and not ${revisionOf(wanted)}.`,
        'ECS took a deployment back, in this update or an earlier one, or the service was changed by hand.',
        ...why,
        'Fix the cause, or set what was set before (pulumi config set infra:image …). Then deploy again with:',
        '  pulumi up --refresh',
      ].join('\n'),
    );
  if (desiredCount === 0) {
    void pulumi.log.warn(
      `The service has no task: its count was set to 0. Start some with:\n  ${update} --desired-count …`,
    );
    return taskDefinition;
  }
  if (deployments.length === 1 && runningCount > 0) return taskDefinition;
  throw new pulumi.RunError(
    [
      runningCount > 0
        ? `The deployment of ${revisionOf(wanted)} has not ended: other tasks run beside it.`
        : `No task of ${revisionOf(wanted)} runs.`,
      ...why,
      'Fix the cause, and run pulumi up. If that finds nothing to change, deploy again with:',
      `  ${update} --force-new-deployment`,
    ].join('\n'),
  );
};

const revisionOf = (arn: string): string => arn.replace(/^.*task-definition\//, '');
