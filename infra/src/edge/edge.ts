import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { Config } from '../config/config.ts';
import { leastWafLimit } from '../config/rules.ts';
import { familyOf } from '../names.ts';
import { deregistrationSeconds, IDLE_TIMEOUT_SECONDS, SERVICE_PORT } from '../service/settings.ts';
import { accessLogs } from './access-logs.ts';
import { Certificate } from './certificate.ts';
import { Firewall } from './firewall.ts';

export interface EdgeArgs {
  config: Pick<
    Config,
    'edge' | 'waf' | 'protect' | 'service' | 'accessLogs' | 'accountId' | 'logRetentionDays' | 'stack'
  >;
  vpcId: pulumi.Input<string>;
  subnetIds: pulumi.Input<string>[];
  securityGroupId: pulumi.Input<string>;
}

/** The load balancer: HTTPS with a certificate of its own, or in dev HTTP. */
export class Edge extends pulumi.ComponentResource {
  readonly url: pulumi.Output<string>;
  readonly loadBalancerName: pulumi.Output<string>;
  /** What CloudWatch knows them by. */
  readonly loadBalancerDimension: pulumi.Output<string>;
  readonly targetGroupDimension: pulumi.Output<string>;
  readonly targetGroupArn: pulumi.Output<string>;
  /** Absent without a domain. */
  readonly certificateArn: pulumi.Output<string> | undefined;
  /** What CloudWatch knows the firewall by; absent without one. */
  readonly firewall: string | undefined;
  /** A service can only be made for a target group that something forwards to. */
  readonly listener: aws.lb.Listener;

  constructor(name: string, args: EdgeArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Edge', name, {}, opts);
    const { config, vpcId, subnetIds, securityGroupId } = args;
    const { edge, waf, protect } = config;
    const parent = { parent: this };

    const bucket = config.accessLogs ? accessLogs(name, config, parent) : undefined;
    const loadBalancer = new aws.lb.LoadBalancer(
      name,
      {
        loadBalancerType: 'application',
        internal: false,
        subnets: subnetIds,
        securityGroups: [securityGroupId],
        dropInvalidHeaderFields: true,
        desyncMitigationMode: 'defensive',
        idleTimeout: IDLE_TIMEOUT_SECONDS,
        enableDeletionProtection: protect,
        ...(bucket && { accessLogs: { bucket: bucket.name, enabled: true } }),
      },
      // It is refused where it may not write to the bucket.
      { ...parent, dependsOn: bucket ? [bucket.policy] : [] },
    );
    const targets = new aws.lb.TargetGroup(
      name,
      {
        vpcId,
        port: SERVICE_PORT,
        protocol: 'HTTP',
        targetType: 'ip',
        deregistrationDelay: deregistrationSeconds(config.service),
        // It fails only while the service starts or drains, not while it waits for its database.
        healthCheck: {
          path: '/readyz',
          matcher: '200',
          interval: 10,
          timeout: 5,
          healthyThreshold: 2,
          unhealthyThreshold: 3,
        },
      },
      parent,
    );
    const forward = [{ type: 'forward', targetGroupArn: targets.arn }];
    const listen = (port: number, rest: Omit<aws.lb.ListenerArgs, 'loadBalancerArn' | 'port'>) =>
      new aws.lb.Listener(`${name}-${port}`, { loadBalancerArn: loadBalancer.arn, port, ...rest }, parent);

    if (edge.scheme === 'https') {
      const { domain, hostedZoneId } = edge;
      const certificate = new Certificate(name, { domain, hostedZoneId }, parent);
      this.listener = listen(443, {
        protocol: 'HTTPS',
        sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
        // The validation's: the certificate itself is there before anyone may use it.
        certificateArn: certificate.validatedArn,
        defaultActions: forward,
      });
      // Nothing listens on 80: an API's caller would have sent its key in clear before it reads a redirect.
      const { dnsName, zoneId } = loadBalancer;
      new aws.route53.Record(
        name,
        {
          zoneId: hostedZoneId,
          name: domain,
          type: 'A',
          aliases: [{ name: dnsName, zoneId, evaluateTargetHealth: true }],
        },
        parent,
      );
      this.certificateArn = certificate.validatedArn;
      this.url = pulumi.output(`https://${domain}`);
    } else {
      this.listener = listen(80, { protocol: 'HTTP', defaultActions: forward });
      this.certificateArn = undefined;
      this.url = pulumi.interpolate`http://${loadBalancer.dnsName}`;
    }
    this.firewall = waf && familyOf(config.stack);
    if (waf !== undefined)
      new Firewall(
        name,
        {
          rateLimit: waf.rateLimit ?? leastWafLimit(config.service),
          commonRules: waf.commonRules,
          metric: familyOf(config.stack),
          logRetentionDays: config.logRetentionDays,
          loadBalancerArn: loadBalancer.arn,
        },
        parent,
      );

    this.loadBalancerName = loadBalancer.name;
    this.loadBalancerDimension = loadBalancer.arnSuffix;
    this.targetGroupDimension = targets.arnSuffix;
    this.targetGroupArn = targets.arn;
    this.registerOutputs({ url: this.url });
  }
}
