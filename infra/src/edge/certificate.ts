import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';

export interface CertificateArgs {
  domain: string;
  hostedZoneId: string;
}

/** A certificate that ACM renews by itself for as long as its validation record stands. */
export class Certificate extends pulumi.ComponentResource {
  readonly validatedArn: pulumi.Output<string>;

  constructor(name: string, { domain, hostedZoneId }: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
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
