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

/** Where callers arrive: a load balancer with HTTPS, or in dev HTTP; or a rule on a listener that the account has. */
export class Edge extends pulumi.ComponentResource {
  readonly url: pulumi.Output<string>;
  readonly loadBalancerName: pulumi.Output<string>;
  /** What the domain must point to. */
  readonly dnsName: pulumi.Output<string>;
  /** What CloudWatch knows them by. */
  readonly loadBalancerDimension: pulumi.Output<string>;
  readonly targetGroupDimension: pulumi.Output<string>;
  readonly targetGroupArn: pulumi.Output<string>;
  /** Absent without a domain. */
  readonly certificateArn: pulumi.Output<string> | undefined;
  /** What CloudWatch knows the firewall by; absent without one. */
  readonly firewall: string | undefined;
  /** A service can only be made for a target group that something forwards to. */
  readonly forwarding: pulumi.Resource;
  readonly #name: string;

  constructor(name: string, args: EdgeArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Edge', name, {}, opts);
    const { config, vpcId } = args;
    const { edge, loadBalancer: shared } = config;
    const parent = { parent: this };
    this.#name = name;

    const targets = new aws.lb.TargetGroup(
      // AWS lets no two load balancers have it: who moves to a shared one needs another.
      shared ? `${name}-shared` : name,
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

  /** One of the account, or one that is made and validated. */
  #certificate({ domain, hostedZoneId = '', certificateArn }: Extract<Config['edge'], { scheme: 'https' }>) {
    if (certificateArn !== undefined) return { arn: pulumi.output(certificateArn), isOurs: false };
    const { validatedArn } = new Certificate(this.#name, { domain, hostedZoneId }, { parent: this });
    // The validation's: the certificate itself is there before anyone may use it.
    return { arn: validatedArn, isOurs: true };
  }

  /** Nothing listens on 80 where there is a domain: an API's caller would have sent its key in clear before it reads a redirect. */
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

  /** Takes the requests to our name alone, and shows our certificate to whoever asks for that name. */
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

/** A certificate that ACM renews by itself for as long as its validation record stands. */
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
