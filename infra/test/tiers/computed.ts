import type { Values } from './values.ts';

export interface Created {
  name: string;
  inputs: Values;
  account: string;
  region: string;
  /** Whether an existing resource is changed in place. */
  isUpdate: boolean;
  arn(service: string, resource: string): string;
  /** How often a resource of this name has been created, including this time. */
  revision: number;
  hash(content: unknown): string;
}

/** For types whose id is their name, which Pulumi generates if it is not set. */
const named =
  (service: string, kind: string) =>
  ({ name, inputs, arn }: Created): Values => {
    const physical = String(inputs.name ?? `${name}-1234567`);
    return { id: physical, name: physical, arn: arn(service, `${kind}${physical}`) };
  };

const clusterOf = ({ cluster }: Values) => String(cluster).split('/').at(-1);

/** The properties that AWS adds to the inputs, by type. Without an `id`, it is derived from the resource's name. */
export const COMPUTED: Record<string, (created: Created) => Values> = {
  'aws:acm/certificate:Certificate': ({ arn, name, inputs }) => ({
    id: arn('acm', `certificate/${name}`),
    arn: arn('acm', `certificate/${name}`),
    domainValidationOptions: [
      {
        domainName: inputs.domainName,
        resourceRecordName: `_validate.${inputs.domainName}.`,
        resourceRecordType: 'CNAME',
        resourceRecordValue: '_answer.acm-validations.aws.',
      },
    ],
  }),
  'aws:acm/certificateValidation:CertificateValidation': ({ inputs }) => ({ id: inputs.certificateArn }),
  'aws:appautoscaling/policy:Policy': ({ arn, name }) => ({ arn: arn('autoscaling', `scalingPolicy:${name}`) }),
  'aws:appautoscaling/target:Target': ({ inputs }) => ({ id: inputs.resourceId }),
  'aws:cloudwatch/dashboard:Dashboard': ({ inputs }) => ({
    id: inputs.dashboardName,
    dashboardArn: `dashboard/${inputs.dashboardName}`,
  }),
  'aws:cloudwatch/eventRule:EventRule': named('events', 'rule/'),
  'aws:cloudwatch/eventTarget:EventTarget': () => ({}),
  'aws:cloudwatch/logGroup:LogGroup': named('logs', 'log-group:'),
  'aws:cloudwatch/logMetricFilter:LogMetricFilter': () => ({}),
  'aws:cloudwatch/metricAlarm:MetricAlarm': named('cloudwatch', 'alarm:'),
  // Pulumi generates no names for these two: the provider does, with its own prefix if none is set.
  // https://github.com/pulumi/pulumi-aws/blob/master/provider/resources.go
  'aws:docdb/cluster:Cluster': ({ arn, inputs, revision, isUpdate }) => {
    const clusterIdentifier = `${inputs.clusterIdentifierPrefix ?? 'tf-'}123456${revision}`;
    return {
      id: clusterIdentifier,
      clusterIdentifier,
      arn: arn('rds', `cluster:${clusterIdentifier}`),
      endpoint: `${clusterIdentifier}.cluster-abc.docdb.amazonaws.com`,
      readerEndpoint: `${clusterIdentifier}.cluster-ro-abc.docdb.amazonaws.com`,
      port: inputs.port ?? 27017,
      // A restore ignores the parameter group in the inputs. https://docs.aws.amazon.com/documentdb/latest/developerguide/backup_restore-point_in_time_recovery.html
      ...(inputs.restoreToPointInTime && !isUpdate ? { dbClusterParameterGroupName: 'default.docdb5.0' } : {}),
    };
  },
  'aws:docdb/clusterInstance:ClusterInstance': ({ arn, inputs, revision }) => {
    const identifier = `${inputs.identifierPrefix ?? 'tf-'}123456${revision}`;
    return { id: identifier, identifier, arn: arn('rds', `db:${identifier}`) };
  },
  'aws:docdb/clusterParameterGroup:ClusterParameterGroup': named('rds', 'cluster-pg:'),
  'aws:docdb/subnetGroup:SubnetGroup': named('rds', 'subgrp:'),
  'aws:ec2/defaultSecurityGroup:DefaultSecurityGroup': ({ name }) => ({ id: `sg-${name}` }),
  'aws:ec2/eip:Eip': ({ name }) => ({
    id: `eipalloc-${name}`,
    allocationId: `eipalloc-${name}`,
    publicIp: '192.0.2.1',
  }),
  'aws:ec2/flowLog:FlowLog': ({ name }) => ({ id: `fl-${name}` }),
  'aws:ec2/internetGateway:InternetGateway': ({ name }) => ({ id: `igw-${name}` }),
  'aws:ec2/natGateway:NatGateway': ({ name }) => ({ id: `nat-${name}`, publicIp: '192.0.2.1' }),
  'aws:ec2/routeTable:RouteTable': ({ name }) => ({ id: `rtb-${name}` }),
  'aws:ec2/routeTableAssociation:RouteTableAssociation': ({ name }) => ({ id: `rtbassoc-${name}` }),
  'aws:ec2/securityGroup:SecurityGroup': ({ name, arn }) => ({
    id: `sg-${name}`,
    name: `${name}-1234567`,
    arn: arn('ec2', `security-group/sg-${name}`),
  }),
  'aws:ec2/subnet:Subnet': ({ name, arn }) => ({ id: `subnet-${name}`, arn: arn('ec2', `subnet/subnet-${name}`) }),
  'aws:ec2/vpc:Vpc': ({ name, arn }) => ({
    id: `vpc-${name}`,
    arn: arn('ec2', `vpc/vpc-${name}`),
    mainRouteTableId: `rtb-main-${name}`,
    defaultSecurityGroupId: `sg-default-${name}`,
  }),
  'aws:ec2/vpcEndpoint:VpcEndpoint': ({ name }) => ({ id: `vpce-${name}`, prefixListId: `pl-${name}` }),
  'aws:ecr/lifecyclePolicy:LifecyclePolicy': ({ inputs }) => ({ id: inputs.repository }),
  'aws:ecr/repository:Repository': ({ name, inputs, arn, account, region }) => {
    const repository = inputs.name ?? `${name}-1234567`;
    return {
      id: repository,
      name: repository,
      arn: arn('ecr', `repository/${repository}`),
      registryId: account,
      repositoryUrl: `${account}.dkr.ecr.${region}.amazonaws.com/${repository}`,
    };
  },
  'aws:ecs/cluster:Cluster': named('ecs', 'cluster/'),
  'aws:ecs/service:Service': ({ name, inputs, arn }) => ({
    id: arn('ecs', `service/${clusterOf(inputs)}/${name}-1234567`),
    arn: arn('ecs', `service/${clusterOf(inputs)}/${name}-1234567`),
    name: inputs.name ?? `${name}-1234567`,
    taskDefinition: inputs.taskDefinition,
  }),
  'aws:ecs/taskDefinition:TaskDefinition': ({ inputs, arn, revision }) => ({
    id: inputs.family,
    arn: arn('ecs', `task-definition/${inputs.family}:${revision}`),
    arnWithoutRevision: arn('ecs', `task-definition/${inputs.family}`),
    revision,
  }),
  'aws:iam/openIdConnectProvider:OpenIdConnectProvider': ({ account, inputs }) => {
    const arn = `arn:aws:iam::${account}:oidc-provider/${String(inputs.url).replace('https://', '')}`;
    return { id: arn, arn };
  },
  'aws:iam/rolePolicyAttachment:RolePolicyAttachment': ({ name }) => ({ id: name }),
  'aws:iam/role:Role': ({ name, account, inputs }) => {
    const role = inputs.name ?? `${name}-1234567`;
    return { id: role, name: role, arn: `arn:aws:iam::${account}:role/${role}` };
  },
  'aws:iam/rolePolicy:RolePolicy': ({ name, inputs, revision }) => ({
    id: `${inputs.role}:${inputs.name ?? `${name}-123456${revision}`}`,
  }),
  'aws:kms/alias:Alias': ({ inputs, arn }) => ({ id: inputs.name, arn: arn('kms', String(inputs.name)) }),
  'aws:kms/key:Key': ({ name, arn, hash, revision }) => {
    const keyId = hash([name, revision]);
    return { id: keyId, keyId, arn: arn('kms', `key/${keyId}`) };
  },
  'aws:lb/listener:Listener': ({ name, arn }) => ({
    id: arn('elasticloadbalancing', `listener/${name}`),
    arn: arn('elasticloadbalancing', `listener/${name}`),
  }),
  'aws:lb/listenerCertificate:ListenerCertificate': ({ inputs }) => ({
    id: `${inputs.listenerArn}_${inputs.certificateArn}`,
  }),
  'aws:lb/listenerRule:ListenerRule': ({ name, arn }) => ({
    id: arn('elasticloadbalancing', `listener-rule/${name}`),
    arn: arn('elasticloadbalancing', `listener-rule/${name}`),
  }),
  'aws:lb/loadBalancer:LoadBalancer': ({ name, arn }) => ({
    id: arn('elasticloadbalancing', `loadbalancer/app/${name}/1234567`),
    arn: arn('elasticloadbalancing', `loadbalancer/app/${name}/1234567`),
    arnSuffix: `app/${name}/1234567`,
    name: `${name}-1234567`,
    dnsName: `${name}-1234567.elb.amazonaws.com`,
    zoneId: 'Z215JYRZR1TBD5',
  }),
  'aws:lb/targetGroup:TargetGroup': ({ name, arn }) => ({
    id: arn('elasticloadbalancing', `targetgroup/${name}/1234567`),
    arn: arn('elasticloadbalancing', `targetgroup/${name}/1234567`),
    arnSuffix: `targetgroup/${name}/1234567`,
    name: `${name}-1234567`,
  }),
  'aws:route53/record:Record': ({ inputs }) => ({ id: `${inputs.name}_${inputs.type}`, fqdn: inputs.name }),
  'aws:secretsmanager/secret:Secret': ({ name, arn, inputs }) => {
    const id = arn('secretsmanager', `secret:${inputs.name ?? `${name}-1234567`}-AbCdEf`);
    return { id, arn: id, name: inputs.name ?? `${name}-1234567` };
  },
  'aws:secretsmanager/secretVersion:SecretVersion': ({ inputs, hash }) => {
    const versionId = `${hash([inputs.secretId, inputs.secretString])}-0000-4000-8000-000000000000`;
    return { id: `${inputs.secretId}|${versionId}`, arn: inputs.secretId, versionId };
  },
  'aws:s3/bucket:Bucket': ({ name, inputs }) => ({
    id: inputs.bucket ?? `${name}-1234567`,
    bucket: inputs.bucket ?? `${name}-1234567`,
    arn: `arn:aws:s3:::${inputs.bucket ?? `${name}-1234567`}`,
  }),
  'aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration': ({ inputs }) => ({ id: inputs.bucket }),
  'aws:s3/bucketPolicy:BucketPolicy': ({ inputs }) => ({ id: inputs.bucket }),
  'aws:s3/bucketVersioning:BucketVersioning': ({ inputs }) => ({ id: inputs.bucket }),
  'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock': ({ inputs }) => ({ id: inputs.bucket }),
  'aws:sns/topic:Topic': ({ name, arn }) => ({
    id: arn('sns', `${name}-1234567`),
    arn: arn('sns', `${name}-1234567`),
    name: `${name}-1234567`,
  }),
  'aws:sns/topicPolicy:TopicPolicy': ({ inputs }) => ({ id: inputs.arn }),
  'aws:sns/topicSubscription:TopicSubscription': ({ name, inputs }) => ({ arn: `${inputs.topic}:${name}` }),
  'aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule': ({ name }) => ({ id: `sgr-${name}` }),
  'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule': ({ name }) => ({ id: `sgr-${name}` }),
  'aws:wafv2/webAcl:WebAcl': ({ name, arn }) => ({ arn: arn('wafv2', `regional/webacl/${name}/1234567`) }),
  'aws:wafv2/webAclAssociation:WebAclAssociation': () => ({}),
  'aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration': ({ inputs }) => ({ id: inputs.resourceArn }),
};
