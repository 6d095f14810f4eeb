import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';

/**
 * Throws where the service runs another task definition than was asked for. ECS calls a service steady
 * also after it has rolled a deployment back, and Pulumi would print success while the old code runs.
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
      `ECS rolled the deployment back: the service runs ${revisionOf(actual)}, and not ${revisionOf(wanted)}.`,
      'Nothing of the new task definition serves. Why its tasks did not become healthy:',
      `  aws ecs describe-services --cluster ${cluster} --services ${service} --query 'services[0].events[:10].message'`,
      'Mend it, or set what was set before (pulumi config set infra:image …), and run pulumi up again.',
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
