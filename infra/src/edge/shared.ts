import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { Config } from '../config/config.ts';

/** The facts about a load balancer that the rest of the program needs. */
export interface Front {
  name: pulumi.Output<string>;
  /** CloudWatch dimension. */
  dimension: pulumi.Output<string>;
  dnsName: pulumi.Output<string>;
  zoneId: pulumi.Output<string>;
}

export interface SharedArgs {
  loadBalancer: NonNullable<Config['loadBalancer']>;
  vpcId: pulumi.Input<string>;
  importDeadlineSeconds: number;
}

/** Looks up the load balancer of an existing listener, in previews too. Changes nothing. */
export const sharedLoadBalancer = (
  { loadBalancer: { listenerArn, securityGroupId }, vpcId, importDeadlineSeconds }: SharedArgs,
  opts: pulumi.InvokeOptions,
): Front & { listenerArn: pulumi.Output<string> } => {
  const listener = aws.lb.getListenerOutput({ arn: listenerArn }, opts);
  const found = aws.lb.getLoadBalancerOutput({ arn: listener.loadBalancerArn }, opts);
  const wanted = { vpcId, securityGroupId, importDeadlineSeconds };
  const checked = pulumi.all([listener, found, wanted]).apply(([of, balancer, wants]) => {
    requireFitting({ listener: of, balancer, wanted: wants });
    return balancer;
  });
  return {
    listenerArn: checked.apply(() => listenerArn),
    name: checked.name,
    dimension: checked.arnSuffix,
    dnsName: checked.dnsName,
    zoneId: checked.zoneId,
  };
};

export interface Fitting {
  listener: { protocol: string; sslPolicy: string };
  balancer: {
    vpcId: string;
    securityGroups: string[];
    idleTimeout: number;
    xffHeaderProcessingMode: string;
  };
  wanted: { vpcId: string; securityGroupId: string; importDeadlineSeconds: number };
}

/** How long the service keeps an idle connection. A load balancer with a longer timeout might use a closed one. */
const KEEP_ALIVE_SECONDS = 65;

/** Throws if the service cannot work behind the listener, with each reason. */
export const requireFitting = ({ listener, balancer, wanted }: Fitting): void => {
  const { idleTimeout } = balancer;
  const reasons = [
    listener.protocol === 'HTTPS' ||
      `its protocol is ${listener.protocol}, and callers send their keys: it must be HTTPS`,
    listener.protocol !== 'HTTPS' ||
      /^ELBSecurityPolicy-(TLS13|TLS|FS)-1-[23]-/.test(listener.sslPolicy) ||
      `its policy ${listener.sslPolicy} accepts TLS older than 1.2`,
    balancer.vpcId === wanted.vpcId || `it is in ${balancer.vpcId}, and the tasks are in ${wanted.vpcId}`,
    balancer.securityGroups.includes(wanted.securityGroupId) ||
      `${wanted.securityGroupId} is not among its security groups, ${balancer.securityGroups.join(', ')}`,
    (idleTimeout > wanted.importDeadlineSeconds && idleTimeout < KEEP_ALIVE_SECONDS) ||
      `its idle timeout is ${idleTimeout} s: it must be above service.importDeadlineSeconds of ${wanted.importDeadlineSeconds}, and below the ${KEEP_ALIVE_SECONDS} s for which the service keeps a connection`,
    balancer.xffHeaderProcessingMode === 'append' ||
      `its X-Forwarded-For mode is ${balancer.xffHeaderProcessingMode}: with any but append, callers can claim another’s address`,
  ].filter((reason) => typeof reason === 'string');
  if (reasons.length > 0)
    throw new pulumi.RunError(
      ['The service cannot use infra:loadBalancer.listenerArn:', ...reasons.map((reason) => `- ${reason}.`)].join('\n'),
    );
};
