import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';

export interface ScalingArgs {
  clusterName: pulumi.Input<string>;
  serviceName: pulumi.Input<string>;
  min: number;
  max: number;
  loadBalancerDimension: pulumi.Output<string>;
  targetGroupDimension: pulumi.Output<string>;
}

/** Requests of one task in a minute; a task of 0.5 vCPU answers several times that. */
const REQUESTS_PER_TASK = 3000;

/** As many tasks as CPU, memory and requests ask for: the one that asks for most decides. */
export class Scaling extends pulumi.ComponentResource {
  constructor(name: string, args: ScalingArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Scaling', name, {}, opts);
    const { clusterName, serviceName, min, max, loadBalancerDimension, targetGroupDimension } = args;
    const target = new aws.appautoscaling.Target(
      name,
      {
        serviceNamespace: 'ecs',
        scalableDimension: 'ecs:service:DesiredCount',
        resourceId: pulumi.interpolate`service/${clusterName}/${serviceName}`,
        minCapacity: min,
        maxCapacity: max,
      },
      { parent: this },
    );
    const follow = (
      what: string,
      targetValue: number,
      metric: aws.types.input.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecification,
    ) =>
      new aws.appautoscaling.Policy(
        `${name}-${what}`,
        {
          policyType: 'TargetTrackingScaling',
          serviceNamespace: target.serviceNamespace,
          scalableDimension: target.scalableDimension,
          resourceId: target.resourceId,
          targetTrackingScalingPolicyConfiguration: {
            targetValue,
            predefinedMetricSpecification: metric,
            scaleOutCooldown: 60,
            scaleInCooldown: 300,
          },
        },
        { parent: this },
      );
    follow('cpu', 60, { predefinedMetricType: 'ECSServiceAverageCPUUtilization' });
    follow('memory', 75, { predefinedMetricType: 'ECSServiceAverageMemoryUtilization' });
    follow('requests', REQUESTS_PER_TASK, {
      predefinedMetricType: 'ALBRequestCountPerTarget',
      resourceLabel: pulumi.interpolate`${loadBalancerDimension}/${targetGroupDimension}`,
    });
    this.registerOutputs({});
  }
}
