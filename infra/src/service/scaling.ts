import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { Config } from '../config/config.ts';

export interface ScalingArgs {
  clusterName: pulumi.Input<string>;
  serviceName: pulumi.Input<string>;
  min: number;
  max: number;
  loadBalancerDimension: pulumi.Output<string>;
  targetGroupDimension: pulumi.Output<string>;
}

/** Requests per task and minute. A task of 0.5 vCPU can answer several times as many. */
const REQUESTS_PER_TASK = 3000;

/** Scales tasks by CPU, memory and requests. The metric that needs the most tasks decides. */
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

/** The quota to request before a deployment at full size gets stuck. Undefined if the default is enough. */
export const quotaNotice = ({ service, region }: Pick<Config, 'service' | 'region'>): string | undefined => {
  const needed = vcpusOf(service);
  if (needed <= DEFAULT_VCPUS) return undefined;
  return [
    `A deployment at service.max of ${service.max} tasks needs ${needed} vCPU of Fargate, and a new account has ${DEFAULT_VCPUS}.`,
    'Without them, it gets stuck. See what you have, and request more:',
    `  aws service-quotas get-service-quota --region ${region} --service-code fargate --quota-code ${QUOTA_CODE}`,
    `  aws service-quotas request-service-quota-increase --region ${region} --service-code fargate --quota-code ${QUOTA_CODE} --desired-value ${Math.ceil(needed)}`,
  ].join('\n');
};

/** The most vCPUs that a new account may run; some accounts have fewer: "Fargate On-Demand vCPU resource count". https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html */
const DEFAULT_VCPUS = 6;
const QUOTA_CODE = 'L-3032A538';

/** A deployment runs old and new tasks side by side. */
const vcpusOf = ({ cpu, max }: Config['service']): number => (cpu / 1024) * max * 2;
