import { PREFIX } from '../names.ts';
import type { PolicyDocument, Statement } from '../service/iam.ts';

export interface RightsArgs {
  accountId: string;
  region: string;
}

/** The IAM actions to create, read, change and delete a resource, by prefix of its Pulumi type. */
export const ACTIONS: Record<string, readonly string[]> = {
  'aws:acm/': ['acm:*Certificate', 'acm:*TagsForCertificate', 'acm:*TagsToCertificate', 'acm:*TagsFromCertificate'],
  'aws:appautoscaling/': [
    'application-autoscaling:*ScalableTarget*',
    'application-autoscaling:*ScalingPolic*',
    'application-autoscaling:*TagsForResource',
    'application-autoscaling:*agResource',
  ],
  'aws:cloudwatch/dashboard:': ['cloudwatch:*Dashboard*'],
  'aws:cloudwatch/event': ['events:*Rule', 'events:*Targets*', 'events:*TagsForResource', 'events:*agResource'],
  'aws:cloudwatch/log': [
    'logs:*LogGroup*',
    'logs:*MetricFilter*',
    'logs:*RetentionPolicy',
    'logs:*TagsForResource',
    'logs:*agResource',
  ],
  'aws:cloudwatch/metricAlarm:': [
    'cloudwatch:*Alarm',
    'cloudwatch:*Alarms',
    'cloudwatch:*TagsForResource',
    'cloudwatch:*agResource',
  ],
  // DocumentDB uses RDS's actions. https://docs.aws.amazon.com/documentdb/latest/developerguide/security_iam_service-with-iam.html
  'aws:docdb/': [
    'rds:*DBCluster',
    'rds:*DBClusters',
    'rds:*DBInstance',
    'rds:*DBInstances',
    'rds:*DBClusterParameter*',
    'rds:*DBSubnetGroup*',
    'rds:*DBClusterSnapshot*',
    'rds:RestoreDBCluster*',
    'rds:DescribeGlobalClusters',
    'rds:*TagsForResource',
    'rds:*TagsToResource',
    'rds:*TagsFromResource',
  ],
  'aws:ec2/': [
    'ec2:Describe*',
    'ec2:*Vpc*',
    'ec2:*Subnet*',
    'ec2:*Route*',
    'ec2:*Gateway*',
    'ec2:*Address*',
    'ec2:*SecurityGroup*',
    'ec2:*FlowLogs',
    'ec2:*Tags',
  ],
  // For an endpoint's private name. https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
  'aws:ec2/vpcEndpoint:': ['route53:AssociateVPCWithHostedZone'],
  'aws:vpc/': ['ec2:*SecurityGroup*'],
  'aws:ecr/': [
    'ecr:GetAuthorizationToken',
    'ecr:*Repositor*',
    'ecr:*LifecyclePolicy*',
    'ecr:*Image*',
    'ecr:*Layer*',
    'ecr:*TagsForResource',
    'ecr:*agResource',
  ],
  'aws:ecs/': ['ecs:*Cluster*', 'ecs:*Service*', 'ecs:*TaskDefinition*', 'ecs:*TagsForResource', 'ecs:*agResource'],
  'aws:iam/': [
    // Not iam:*Role, which includes PassRole: that has its own statement, limited by service.
    'iam:CreateRole',
    'iam:DeleteRole',
    'iam:GetRole',
    'iam:UpdateRole',
    'iam:TagRole',
    'iam:UntagRole',
    'iam:*RolePolicy',
    'iam:*RolePolicies',
    'iam:ListRoleTags',
    'iam:ListInstanceProfilesForRole',
    'iam:UpdateAssumeRolePolicy',
  ],
  'aws:kms/': [
    'kms:CreateKey',
    'kms:Describe*',
    'kms:Get*',
    'kms:List*',
    'kms:*KeyRotation',
    'kms:*agResource',
    'kms:PutKeyPolicy',
    'kms:UpdateKeyDescription',
    'kms:*KeyDeletion',
    // For the services that encrypt data with these keys.
    'kms:CreateGrant',
    'kms:Decrypt',
    'kms:GenerateDataKey*',
  ],
  'aws:lb/': ['elasticloadbalancing:*'],
  'aws:route53/': ['route53:ChangeResourceRecordSets', 'route53:GetChange', 'route53:GetHostedZone', 'route53:List*'],
  'aws:s3/': [
    's3:*Bucket*',
    's3:*LifecycleConfiguration',
    's3:*EncryptionConfiguration',
    's3:Get*Configuration',
    // A bucket is emptied before it is deleted.
    's3:DeleteObject*',
    's3:ListTagsForResource',
  ],
  'aws:secretsmanager/': ['secretsmanager:*Secret*', 'secretsmanager:*ResourcePolicy', 'secretsmanager:*agResource'],
  'aws:sns/': ['sns:*Topic*', 'sns:*ubscri*', 'sns:*TagsForResource', 'sns:*agResource'],
  'aws:wafv2/': [
    'wafv2:*WebACL*',
    'wafv2:*LoggingConfiguration*',
    'wafv2:*TagsForResource',
    'wafv2:*agResource',
    // WAF uses the caller's rights to allow itself to write to its log group.
    'logs:*LogDelivery',
    'logs:*ResourcePolic*',
  ],
};

/** Alias of the key that encrypts the secrets in the state. backend/backend.ts creates both. */
export const STATE_KEY_ALIAS = `alias/${PREFIX}-state`;

/** Actions that would lose what a key has encrypted, give access to it away, or detach the key from its alias. */
const HARMS_A_KEY = [
  'kms:ScheduleKeyDeletion',
  'kms:Disable*',
  'kms:PutKeyPolicy',
  'kms:CreateGrant',
  'kms:*Alias',
  'kms:*agResource',
];

/** Services without regions. */
const GLOBAL = ['iam', 'route53', 's3'];

/** The least IAM policy that can deploy these resource types. */
export const rightsFor = (types: readonly string[], { accountId, region }: RightsArgs): PolicyDocument => {
  const actions = [...new Set(types.filter((type) => type.startsWith('aws:')).flatMap(actionsOf))].toSorted();
  const isGlobal = (action: string) => GLOBAL.includes(action.split(':')[0] ?? '');
  const regional: Statement = {
    Sid: 'Regional',
    Effect: 'Allow',
    Action: actions.filter((action) => !isGlobal(action)),
    Resource: ['*'],
    Condition: { StringEquals: { 'aws:RequestedRegion': region } },
  };
  const global = (Sid: string, service: string, Resource: string[]): Statement => ({
    Sid,
    Effect: 'Allow',
    Action: actions.filter((action) => action.startsWith(`${service}:`)),
    Resource,
  });
  const statements: Statement[] = [
    { Sid: 'WhoAmI', Effect: 'Allow', Action: ['sts:GetCallerIdentity'], Resource: ['*'] },
    regional,
    // A key's ARN is unknown before it is created, so deployers have rights over all keys. This denies them the state's
    // key, by its alias. https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
    {
      Sid: 'KeepTheKeyOfTheState',
      Effect: 'Deny',
      Action: HARMS_A_KEY,
      Resource: [`arn:aws:kms:*:${accountId}:key/*`],
      Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': STATE_KEY_ALIAS } },
    },
    global('Roles', 'iam', [`arn:aws:iam::${accountId}:role/trunkline-*`]),
    {
      Sid: 'HandRolesOver',
      Effect: 'Allow',
      Action: ['iam:PassRole'],
      Resource: [`arn:aws:iam::${accountId}:role/trunkline-*`],
      Condition: {
        StringEquals: { 'iam:PassedToService': ['ecs-tasks.amazonaws.com', 'vpc-flow-logs.amazonaws.com'] },
      },
    },
    {
      Sid: 'ServiceLinkedRoles',
      Effect: 'Allow',
      Action: ['iam:CreateServiceLinkedRole'],
      Resource: [`arn:aws:iam::${accountId}:role/aws-service-role/*`],
      Condition: { StringEquals: { 'iam:AWSServiceName': SERVICE_LINKED } },
    },
    global('Names', 'route53', ['*']),
    // Not trunkline-*: the state bucket has that prefix too.
    global(
      'AccessLogs',
      's3',
      ['', '/*'].map((end) => `arn:aws:s3:::${PREFIX}-access-logs-*${end}`),
    ),
  ];
  return { Version: '2012-10-17', Statement: statements.filter(({ Action }) => Action.length > 0) };
};

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html */
const SERVICE_LINKED = [
  'ecs.amazonaws.com',
  'ecs.application-autoscaling.amazonaws.com',
  'elasticloadbalancing.amazonaws.com',
  'rds.amazonaws.com',
  'wafv2.amazonaws.com',
];

const actionsOf = (type: string): readonly string[] => {
  const found = Object.entries(ACTIONS).filter(([beginning]) => type.startsWith(beginning));
  if (found.length === 0)
    throw new Error(`no rights are known for ${type}: add them to ACTIONS in src/rights/rights.ts`);
  return found.flatMap(([, actions]) => actions);
};

// pnpm --filter infra rights <account> <region>: the policy for everything that the program can create
if (import.meta.main) {
  const [accountId, region] = process.argv.slice(2);
  if (accountId === undefined || region === undefined) {
    console.error('Usage: pnpm --filter infra rights <account> <region>');
    process.exitCode = 1;
  } else {
    console.log(JSON.stringify(rightsFor(Object.keys(ACTIONS), { accountId, region }), null, 2));
  }
}
