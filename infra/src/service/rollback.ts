import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';

/**
 * Throws where the service runs another task definition than was asked for. The provider fails when ECS takes a
 * deployment back, but keeps what was asked for in the state: the next update finds nothing to do, and would succeed
 * while the old code runs. https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/service.go
 */
export const requireDeployed = ({
  wanted,
  actual,
  cluster,
  service,
}: {
  wanted: string;
  actual: string;
  cluster: string;
  service: string;
}): string => {
  if (actual === wanted) return actual;
  throw new pulumi.RunError(
    [
      `The service runs ${revisionOf(actual)}, and not ${revisionOf(wanted)}.`,
      'ECS took a deployment back, in this update or an earlier one, or the service was changed by hand. Its events tell:',
      `  aws ecs describe-services --cluster ${cluster} --services ${service} --query 'services[0].events[:10].message'`,
      'Fix the cause, or set what was set before (pulumi config set infra:image …). Then deploy again with:',
      '  pulumi up --refresh',
    ].join('\n'),
  );
};

const revisionOf = (arn: string): string => arn.replace(/^.*task-definition\//, '');

export interface DeployedArgs {
  service: aws.ecs.Service;
  cluster: aws.ecs.Cluster;
  wanted: pulumi.Output<string>;
}

/** The task definition that the service really runs, asked for after each `up`. A preview changes nothing, and asks nothing. */
export const deployedTaskDefinition = ({ service, cluster, wanted }: DeployedArgs): pulumi.Output<string> => {
  if (pulumi.runtime.isDryRun()) return wanted;
  const found = aws.ecs.getServiceOutput(
    { clusterArn: cluster.arn, serviceName: service.name },
    { parent: service, dependsOn: [service] },
  );
  return pulumi
    .output({ wanted, actual: found.taskDefinition, cluster: cluster.name, service: service.name })
    .apply(requireDeployed);
};
