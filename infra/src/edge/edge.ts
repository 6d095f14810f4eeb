import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { Config } from '../config/config.ts';
import { familyOf } from '../names.ts';
import { deregistrationSeconds, SERVICE_PORT } from '../service/settings.ts';
import { createLoadBalancer, type LoadBalancerArgs } from './load-balancer.ts';
import { type Front, sharedLoadBalancer } from './shared.ts';

export interface EdgeArgs extends LoadBalancerArgs {
  config: LoadBalancerArgs['config'] & Pick<Config, 'edge' | 'loadBalancer'>;
  vpcId: pulumi.Input<string>;
}

/** Receives callers: a load balancer with HTTPS (in dev maybe HTTP), or a rule on an existing listener. */
export class Edge extends pulumi.ComponentResource {
  readonly url: pulumi.Output<string>;
  readonly loadBalancerName: pulumi.Output<string>;
  /** The host name that the domain must point to. */
  readonly dnsName: pulumi.Output<string>;
  /** Their CloudWatch dimensions. */
  readonly loadBalancerDimension: pulumi.Output<string>;
  readonly targetGroupDimension: pulumi.Output<string>;
  readonly targetGroupArn: pulumi.Output<string>;
  /** Absent without a domain. */
  readonly certificateArn: pulumi.Output<string> | undefined;
  /** The firewall's CloudWatch metric name. Absent without a firewall. */
  readonly firewall: string | undefined;
  /** The listener or rule. ECS creates a service only for a target group that something forwards to. */
  readonly forwarding: pulumi.Resource;
  readonly #name: string;

  constructor(name: string, args: EdgeArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Edge', name, {}, opts);
    const { config, vpcId } = args;
    const { edge, loadBalancer: shared } = config;
    const parent = { parent: this };
    this.#name = name;

    const targets = new aws.lb.TargetGroup(
      // Two load balancers cannot use one target group: moving to a shared one needs another.
      shared ? `${name}-shared` : name,
      {
        vpcId,
        port: SERVICE_PORT,
        protocol: 'HTTP',
        targetType: 'ip',
        deregistrationDelay: deregistrationSeconds(config.service),
        // Fails only while the service starts or drains, not while its database is down.
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
    const { importDeadlineSeconds } = config.service;
    const certificate = edge.scheme === 'http' ? undefined : { domain: edge.domain, ...this.#certificate(edge) };
    let front: Front;
    if (shared && certificate) {
      const found = sharedLoadBalancer({ loadBalancer: shared, vpcId, importDeadlineSeconds }, parent);
      this.forwarding = this.#join({ ...shared, listenerArn: found.listenerArn, targets, certificate });
      front = found;
    } else {
      const loadBalancer = createLoadBalancer(name, args, parent);
      this.forwarding = this.#listen({ loadBalancer, targets, certificate });
      front = { ...loadBalancer, dimension: loadBalancer.arnSuffix };
    }
    if (edge.scheme === 'https' && edge.hostedZoneId !== undefined)
      new aws.route53.Record(
        name,
        {
          zoneId: edge.hostedZoneId,
          name: edge.domain,
          type: 'A',
          aliases: [{ name: front.dnsName, zoneId: front.zoneId, evaluateTargetHealth: true }],
        },
        parent,
      );

    this.certificateArn = certificate?.arn;
    this.url = certificate
      ? pulumi.output(`https://${certificate.domain}`)
      : pulumi.interpolate`http://${front.dnsName}`;
    this.firewall = config.waf && familyOf(config.stack);
    this.loadBalancerName = front.name;
    this.dnsName = front.dnsName;
    this.loadBalancerDimension = front.dimension;
    this.targetGroupDimension = targets.arnSuffix;
    this.targetGroupArn = targets.arn;
    this.registerOutputs({ url: this.url });
  }

  /** An existing certificate, or a new one that is validated. */
  #certificate({ domain, hostedZoneId = '', certificateArn }: Extract<Config['edge'], { scheme: 'https' }>) {
    if (certificateArn !== undefined) return { arn: pulumi.output(certificateArn), isOurs: false };
    const { validatedArn } = new Certificate(this.#name, { domain, hostedZoneId }, { parent: this });
    // The ARN from the validation: the certificate cannot be used before that.
    return { arn: validatedArn, isOurs: true };
  }

  /** With a domain, nothing listens on port 80: a caller would send its key in clear text before it sees a redirect. */
  #listen({ loadBalancer, targets, certificate }: ListenArgs): aws.lb.Listener {
    const port = certificate ? 443 : 80;
    return new aws.lb.Listener(
      `${this.#name}-${port}`,
      {
        loadBalancerArn: loadBalancer.arn,
        port,
        defaultActions: [{ type: 'forward', targetGroupArn: targets.arn }],
        ...(certificate
          ? { protocol: 'HTTPS', sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06', certificateArn: certificate.arn }
          : { protocol: 'HTTP' }),
      },
      { parent: this },
    );
  }

  /** Takes only the requests for our domain, and serves our certificate for it by SNI. */
  #join({ listenerArn, priority, targets, certificate }: JoinArgs): aws.lb.ListenerRule {
    const attached = certificate.isOurs
      ? [new aws.lb.ListenerCertificate(this.#name, { listenerArn, certificateArn: certificate.arn }, { parent: this })]
      : [];
    return new aws.lb.ListenerRule(
      this.#name,
      {
        listenerArn,
        priority,
        conditions: [{ hostHeader: { values: [certificate.domain] } }],
        actions: [{ type: 'forward', targetGroupArn: targets.arn }],
      },
      { parent: this, dependsOn: attached },
    );
  }
}

/** A certificate that ACM renews for as long as its validation record exists. */
class Certificate extends pulumi.ComponentResource {
  readonly validatedArn: pulumi.Output<string>;

  constructor(
    name: string,
    { domain, hostedZoneId }: { domain: string; hostedZoneId: string },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super('trunkline:infra:Certificate', name, {}, opts);
    const parent = { parent: this };
    const certificate = new aws.acm.Certificate(name, { domainName: domain, validationMethod: 'DNS' }, parent);
    const asked = certificate.domainValidationOptions.apply(([option]) => {
      if (option === undefined) throw new Error(`ACM asks for no record to validate ${domain}. Run pulumi up again.`);
      return option;
    });
    const record = new aws.route53.Record(
      `${name}-validation`,
      {
        zoneId: hostedZoneId,
        name: asked.resourceRecordName,
        type: asked.resourceRecordType,
        records: [asked.resourceRecordValue],
        ttl: 300,
        allowOverwrite: true,
      },
      parent,
    );
    const validation = new aws.acm.CertificateValidation(
      name,
      { certificateArn: certificate.arn, validationRecordFqdns: [record.fqdn] },
      parent,
    );
    this.validatedArn = validation.certificateArn;
    this.registerOutputs({});
  }
}

interface Named {
  domain: string;
  arn: pulumi.Output<string>;
  isOurs: boolean;
}
interface ListenArgs {
  loadBalancer: aws.lb.LoadBalancer;
  targets: aws.lb.TargetGroup;
  certificate: Named | undefined;
}
interface JoinArgs {
  listenerArn: pulumi.Output<string>;
  priority: number;
  targets: aws.lb.TargetGroup;
  certificate: Named;
}
