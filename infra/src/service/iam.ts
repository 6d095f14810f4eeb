/** An IAM policy document. */
export interface PolicyDocument {
  Version: '2012-10-17';
  Statement: Statement[];
}

export interface Statement {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Principal?: '*' | { Service: string };
  Action: string[];
  Resource?: string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

const document = (...Statement: Statement[]): PolicyDocument => ({ Version: '2012-10-17', Statement });

/** Lets ECS assume the role, only for tasks in this account and region. */
export const trustOfTasks = ({ accountId, region }: { accountId: string; region: string }): PolicyDocument =>
  document({
    Effect: 'Allow',
    Principal: { Service: 'ecs-tasks.amazonaws.com' },
    Action: ['sts:AssumeRole'],
    Condition: {
      StringEquals: { 'aws:SourceAccount': accountId },
      ArnLike: { 'aws:SourceArn': `arn:aws:ecs:${region}:${accountId}:*` },
    },
  });

export const trustOfFlowLogs = (accountId: string): PolicyDocument =>
  document({
    Effect: 'Allow',
    Principal: { Service: 'vpc-flow-logs.amazonaws.com' },
    Action: ['sts:AssumeRole'],
    Condition: { StringEquals: { 'aws:SourceAccount': accountId } },
  });

/** https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html lists these five, for every resource. */
export const writeFlowLogs = (logGroupArn: string): PolicyDocument =>
  document(
    {
      Sid: 'WriteLogs',
      Effect: 'Allow',
      Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      Resource: [logGroupArn, `${logGroupArn}:*`],
    },
    { Sid: 'FindLogs', Effect: 'Allow', Action: ['logs:DescribeLogGroups'], Resource: ['*'] },
  );

const logs = (logGroupArn: string): Statement => ({
  Sid: 'WriteLogs',
  Effect: 'Allow',
  Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  Resource: [`${logGroupArn}:*`],
});

export interface ExecutionNeeds {
  region: string;
  logGroupArn: string;
  /** As the task definition names them. IAM permits the whole secret: it ignores the version and JSON key. */
  secrets: readonly string[];
  kmsKeyArns: readonly string[];
  /** Absent if the image is not in ECR. */
  repositoryArn?: string | undefined;
}

/** Lets ECS start a task: pull its image, read exactly its secrets, and write its log. */
export const startTask = ({
  region,
  logGroupArn,
  secrets,
  kmsKeyArns,
  repositoryArn,
}: ExecutionNeeds): PolicyDocument =>
  document(
    logs(logGroupArn),
    {
      Sid: 'ReadSecrets',
      Effect: 'Allow',
      Action: ['secretsmanager:GetSecretValue'],
      Resource: [...new Set(secrets.map(secretArnOf))].toSorted(),
    },
    ...(kmsKeyArns.length === 0
      ? []
      : [
          {
            Sid: 'DecryptSecrets',
            Effect: 'Allow' as const,
            Action: ['kms:Decrypt'],
            Resource: [...kmsKeyArns].toSorted(),
            Condition: { StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` } },
          },
        ]),
    ...(repositoryArn === undefined
      ? []
      : [
          {
            Sid: 'PullImage',
            Effect: 'Allow' as const,
            Action: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
            Resource: [repositoryArn],
          },
          // This action takes no resource. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
          {
            Sid: 'SignInToRegistry',
            Effect: 'Allow' as const,
            Action: ['ecr:GetAuthorizationToken'],
            Resource: ['*'],
          },
        ]),
  );

/** The secret's ARN, `arn:…:secret:<name>`, without the `:<key>:<stage>:<version>` of a task definition. */
export const secretArnOf = (valueFrom: string): string => valueFrom.split(':').slice(0, 7).join(':');

/** The ARN of an image's ECR repository. Undefined if it is not in ECR. */
export const repositoryArnOf = (image: string): string | undefined => {
  const [, accountId, region, path = ''] =
    /^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\/([^@]+)/.exec(image) ?? [];
  if (accountId === undefined) return undefined;
  return `arn:aws:ecr:${region}:${accountId}:repository/${path.replace(/:[^/:]*$/, '')}`;
};

/**
 * Lets this account's CloudWatch alarms and EventBridge publish. EventBridge's statement has no condition: "you can't
 * use Condition blocks in Amazon SNS topic policies for EventBridge". With one, events would be dropped silently.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
 */
export const publishTo = ({ topicArn, accountId }: { topicArn: string; accountId: string }): PolicyDocument =>
  document(
    {
      ...publish('cloudwatch', topicArn),
      Condition: { StringEquals: { 'aws:SourceAccount': accountId } },
    },
    publish('events', topicArn),
  );

const publish = (service: string, topicArn: string): Statement => ({
  Sid: `Publish${service}`,
  Effect: 'Allow',
  Principal: { Service: `${service}.amazonaws.com` },
  Action: ['sns:Publish'],
  Resource: [topicArn],
});

/** Lets the load balancer write its access log, and refuses requests without TLS. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html */
export const keepAccessLogs = ({ bucketArn, accountId }: { bucketArn: string; accountId: string }): PolicyDocument =>
  document(
    {
      Sid: 'WriteAccessLogs',
      Effect: 'Allow',
      Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
      Action: ['s3:PutObject'],
      Resource: [`${bucketArn}/AWSLogs/${accountId}/*`],
    },
    {
      Sid: 'OnlyOverTls',
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:*'],
      Resource: [bucketArn, `${bucketArn}/*`],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  );
