import { z } from 'zod';
import { SERVICE_USER } from '../data/connection.ts';
import { canCall, hostsOf, isHost, splitHost } from './hosts.ts';

/** Numbers within structured values are numbers in YAML, but text after `pulumi config set`. */
const whole = (min: number, max: number) =>
  z.coerce
    .number(`must be a whole number from ${min} to ${max}`)
    .int(`must be a whole number from ${min} to ${max}`)
    .min(min, `must be a whole number from ${min} to ${max}`)
    .max(max, `must be a whole number from ${min} to ${max}`);

const seconds = (min: number, max: number) =>
  z.coerce
    .number(`must be seconds from ${min} to ${max}`)
    .min(min, `must be seconds from ${min} to ${max}`)
    .max(max, `must be seconds from ${min} to ${max}`);

const flag = z.union([z.boolean(), z.stringbool()], 'must be true or false');

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`);

const matching = (pattern: RegExp, what: string) => z.string(`must be ${what}`).regex(pattern, `must be ${what}`);

const host = (example: string) =>
  matching(/^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, `a host name, as in ${example}`);

const hostAndPort = (example: string) =>
  z
    .string(`must be a host name, as in ${example}`)
    .refine((text) => splitHost(text) !== undefined, `must be a host name, as in ${example}`);

const ADDRESSES = 'must be ranges separated by commas that somebody can call from, or *';
const addresses = z
  .string(ADDRESSES)
  .refine((text) => text === '*' || text.split(',').every((part) => canCall(part.trim())), ADDRESSES);

const arn = (service: string, rest: string, example: string) =>
  matching(new RegExp(`^arn:aws:${service}:[a-z0-9-]+:[0-9]{12}:${rest}$`), `a whole ARN, as in ${example}`);

/** The URL becomes a plain environment variable, so it must hold no credentials. */
const plainUrl = (protocol: RegExp, example: string) =>
  z
    .url({ protocol, error: `must be a URL, as in ${example}`, abort: true })
    .refine((url) => {
      const { username, password } = new URL(url);
      return username === '' && password === '';
    }, 'must not have credentials in it: everyone who sees the task reads them')
    .refine((url) => isHost(new URL(url).hostname), 'must name a host that can exist')
    .refine((url) => {
      const { search, hash } = new URL(url);
      return search === '' && hash === '';
    }, 'must have a host and perhaps a path, and nothing else');

/** Interface endpoints that can be requested. S3's gateway endpoint costs nothing and is always created. */
const INTERFACE_ENDPOINTS = ['ecr.api', 'ecr.dkr', 'logs', 'secretsmanager', 'kms'] as const;

/** Retention periods that CloudWatch Logs offers, up to three years. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096];

/** Tags that the program puts on every resource. */
export const OWN_TAGS = ['Project', 'Environment', 'Stack', 'ManagedBy'];

const vpcId = matching(/^vpc-([0-9a-f]{8}|[0-9a-f]{17})$/, 'the id of a VPC, as in vpc-0123456789abcdef0');

const subnetIds = z
  .array(
    matching(/^subnet-([0-9a-f]{8}|[0-9a-f]{17})$/, 'the id of a subnet, as in subnet-0123456789abcdef0'),
    'must be a list',
  )
  .min(2, 'must be two subnets or more, in two zones')
  .max(6, 'must be six subnets at most')
  .refine((ids) => new Set(ids).size === ids.length, 'must not name a subnet twice');

/** Either a network that is created or an existing one. rules.ts says which keys go together. */
const Network = z.strictObject({
  cidr: z.string('must be a range, as in 10.40.0.0/16').optional(),
  zones: z
    .array(matching(/^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$/, 'an availability zone, as in eu-central-1a'), 'must be a list')
    .min(2, 'must be two or three zones')
    .max(3, 'must be two or three zones')
    .refine((zones) => new Set(zones).size === zones.length, 'must not name a zone twice')
    .optional(),
  egress: oneOf(['public-ip', 'single-nat', 'nat-per-zone']).optional(),
  endpoints: z.array(oneOf(INTERFACE_ENDPOINTS), 'must be a list').default([]),
  vpcId: vpcId.optional(),
  publicSubnetIds: subnetIds.optional(),
  taskSubnetIds: subnetIds.optional(),
  databaseSubnetIds: subnetIds.optional(),
});

/** Defaults of a network that is created. */
const OWN_NETWORK = { cidr: '10.40.0.0/16', egress: 'single-nat' } as const;

/** The network that is created, or the existing one. */
export const networkOf = ({ vpcId: id, zones = [], ...rest }: z.output<typeof Network>) => {
  const { publicSubnetIds = [], taskSubnetIds = [], databaseSubnetIds = [], cidr, egress, endpoints } = rest;
  return id === undefined
    ? {
        kind: 'own' as const,
        cidr: cidr ?? OWN_NETWORK.cidr,
        zones,
        egress: egress ?? OWN_NETWORK.egress,
        endpoints,
      }
    : { kind: 'existing' as const, vpcId: id, publicSubnetIds, taskSubnetIds, databaseSubnetIds, egress };
};
export type NetworkConfig = ReturnType<typeof networkOf>;

const Service = z
  .strictObject({
    cpu: whole(256, 16_384).default(512),
    memory: whole(512, 122_880).default(1024),
    min: whole(1, 100).default(1),
    max: whole(1, 100).default(4),
    /** Below the load balancer's idle timeout of 60 s, which is below the service's own of 65 s. */
    importDeadlineSeconds: seconds(1, 50).default(25),
    providerTimeoutSeconds: seconds(1, 50).default(10),
    leaseSeconds: seconds(2, 600).default(30),
    reconcileIntervalSeconds: seconds(1, 600).default(5),
    rateLimitRps: whole(1, 100_000).default(50),
    maxApiKeys: whole(1, 1_000_000).optional(),
    maxIntegrations: whole(1, 1_000_000).optional(),
    maxPhoneNumbers: whole(1, 10_000_000).optional(),
    twilioSecureTrunking: flag.optional(),
    twilioSignallingAddresses: addresses.optional(),
    twilioApiUrl: plainUrl(/^https?$/, 'https://twilio.example.com').optional(),
    logLevel: z
      .enum(
        ['trace', 'debug', 'info'],
        'must be trace, debug or info: alarms are made of lines of info, and never go off without them',
      )
      .default('info'),
  })
  .prefault({});

const capacityUnits = (least: number) =>
  z.coerce
    .number(`must be capacity units from ${least} to 256, in halves`)
    .min(least, `must be capacity units from ${least} to 256, in halves`)
    .max(256, `must be capacity units from ${least} to 256, in halves`)
    .multipleOf(0.5, `must be capacity units from ${least} to 256, in halves`);

const TIME = 'must be latest, or a time in UTC, as in 2026-11-23T03:10:00Z';

const DocumentDb = z.strictObject({
  kind: z.literal('documentdb'),
  engineVersion: oneOf(['5.0.0', '8.0.0']).default('5.0.0'),
  /** Families R and T. https://docs.aws.amazon.com/documentdb/latest/developerguide/db-instance-classes.html */
  instanceClass: matching(
    /^db\.(serverless|[rt][0-9][a-z]*\.(medium|large|[0-9]*xlarge))$/,
    'an instance class of DocumentDB, as in db.r6g.large',
  ).default('db.t4g.medium'),
  instances: whole(1, 16).default(1),
  /** In DocumentDB capacity units, for each serverless instance. */
  capacity: z
    .strictObject({
      min: capacityUnits(0.5),
      max: capacityUnits(1),
    })
    .optional(),
  /** The most connections that one task opens. */
  poolSize: whole(1, 500).default(20),
  backupRetentionDays: whole(1, 35).default(7),
  username: matching(/^[a-zA-Z][a-zA-Z0-9]{0,62}$/, 'a user name of letters and digits')
    .refine((name) => name.toLowerCase() !== 'admin', 'must not be admin, which DocumentDB keeps for itself')
    .refine((name) => name !== SERVICE_USER, `must not be ${SERVICE_USER}, which is the user of the service`)
    .default('trunkline'),
  /**
   * The snapshot to restore the cluster from. AWS names automated ones `rds:…`, and AWS Backup its own `awsbackup:…`. https://docs.aws.amazon.com/documentdb/latest/developerguide/API_RestoreDBClusterFromSnapshot.html
   */
  snapshot: matching(
    /^(arn:aws:rds:[a-z0-9-]+:[0-9]{12}:cluster-snapshot:)?([a-z]+:)?[a-zA-Z][a-zA-Z0-9-]*$/,
    'the identifier or the ARN of a snapshot, as in rds:trunkline-2026-11-23-03-10',
  ).optional(),
  /** The cluster and moment to restore from, in place of a snapshot. */
  pointInTime: z
    .strictObject({
      cluster: matching(/^[a-z][a-z0-9-]{0,62}$/, 'the identifier of a cluster'),
      time: z.union([z.literal('latest'), z.iso.datetime(TIME)], TIME),
    })
    .optional(),
});

const External = z.strictObject({
  kind: z.literal('external'),
  /** The database's port. Tasks may reach only this port and HTTPS. */
  port: whole(1, 65_535).default(27_017),
});

/** The kind of database that a key, such as `database.snapshot`, is for. Undefined if it is for both. */
export const kindOf = (path: string): 'external' | 'documentdb' | undefined => {
  const key = /^database\.([a-zA-Z]+)/.exec(path)?.[1] ?? '';
  if (key in DocumentDb.shape === key in External.shape) return undefined;
  return key in DocumentDb.shape ? 'documentdb' : 'external';
};

/** https://docs.aws.amazon.com/documentdb/latest/devguide/indexes-single-field.html: the indexes that elastic clusters support. */
const Database = z.discriminatedUnion('kind', [External, DocumentDb], {
  error:
    'must be external or documentdb. An elastic cluster will not do: it has no partial indexes, and the service needs them',
});

export const SECRET_KEYS = [
  'mongodbUri',
  'livekitApiKey',
  'livekitApiSecret',
  'encryptionKeys',
  'bootstrapApiKey',
] as const;
/** The configuration key of one of the service's secrets. */
export type SecretKey = (typeof SECRET_KEYS)[number];

/** What ECS accepts: a secret's ARN, optionally followed by a JSON key, a stage and a version. */
const secretArn = arn(
  'secretsmanager',
  'secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}(:[^:]*:[^:]*:[^:]*)?',
  'arn:aws:secretsmanager:eu-central-1:123456789012:secret:livekit-AbCdEf:key::',
);

const keyArn = arn(
  'kms',
  'key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})',
  'arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555',
);
const certificateArn = arn(
  'acm',
  'certificate/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  'arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555',
);

/** An existing listener, on which others may have rules too. */
const LoadBalancer = z.strictObject({
  listenerArn: arn(
    'elasticloadbalancing',
    'listener/app/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}/[0-9a-f]{16}',
    'arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/edge/0123456789abcdef/0123456789abcdef',
  ),
  securityGroupId: matching(
    /^sg-([0-9a-f]{8}|[0-9a-f]{17})$/,
    'the id of the load balancer’s security group, as in sg-0123456789abcdef0',
  ),
  priority: whole(1, 50_000),
});

const topicArn = arn('sns', '[A-Za-z0-9_-]{1,256}', 'arn:aws:sns:eu-central-1:123456789012:oncall');

const SecretArns = z
  .strictObject({
    mongodbUri: secretArn.optional(),
    livekitApiKey: secretArn.optional(),
    livekitApiSecret: secretArn.optional(),
    encryptionKeys: secretArn.optional(),
    bootstrapApiKey: secretArn.optional(),
  })
  .prefault({});

/** The whole configuration: everything under `infra:` in Pulumi.<stack>.yaml. */
export const Schema = z.strictObject({
  environment: oneOf(['dev', 'staging', 'prod']),
  region: matching(/^[a-z]{2}(-[a-z]+)+-[0-9]$/, 'a region, as in eu-central-1').refine(
    (region) => !/^(cn|us-gov|us-iso[a-z]*|eu-isoe)-/.test(region),
    'must be of AWS’s commercial partition: in China and GovCloud, ARNs, host names and certificate authorities differ',
  ),
  accountId: matching(/^[0-9]{12}$/, 'the 12 digits of the AWS account, in quotes'),
  image: matching(
    /^[a-z0-9][a-z0-9.:/_-]*(:[\w.-]{1,128}|@sha256:[0-9a-f]{64})$/,
    'an image with its digest, as in <repository>@sha256:<64 hex digits>',
  ).optional(),
  architecture: oneOf(['arm64', 'x86_64']).default('arm64'),
  domain: host('trunkline.example.com').optional(),
  hostedZoneId: matching(/^Z[A-Z0-9]{1,31}$/, 'the id of a Route 53 hosted zone').optional(),
  certificateArn: certificateArn.optional(),
  loadBalancer: LoadBalancer.optional(),
  network: Network,
  service: Service,
  database: Database,
  livekitUrl: plainUrl(/^(wss?|https?)$/, 'wss://example.livekit.cloud'),
  livekitSipHost: hostAndPort('example.sip.livekit.cloud'),
  mongodbUri: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\/[^\s/]+/, {
      error: 'must be as in mongodb+srv://user:password@host/trunkline',
      abort: true,
    })
    .refine(
      (uri) => hostsOf(uri).every((host) => splitHost(host) !== undefined),
      'must name hosts that can exist. In a password, write @ as %40 and / as %2F',
    )
    .optional(),
  livekitApiKey: z.string().regex(/\S/, 'must not be empty').optional(),
  livekitApiSecret: z.string().regex(/\S/, 'must not be empty').optional(),
  encryptionKeys: z
    .string()
    .refine(
      (ring) => ring.split(',').every((key) => /^\s*[A-Za-z0-9_-]+:[A-Za-z0-9+/]{43}=\s*$/.test(key)),
      'must be id:key pairs separated by commas, each key 32 bytes in base64',
    )
    .refine((ring) => {
      const ids = ring.split(',').map((key) => key.trim().split(':')[0]);
      return new Set(ids).size === ids.length;
    }, 'must not have the same id twice')
    .optional(),
  bootstrapApiKey: matching(/^tl_live_[A-Za-z0-9_-]{43,}$/, 'tl_live_ and 43 or more of A-Z a-z 0-9 _ -').optional(),
  /** DocumentDB accepts 8 to 100 printable characters except / " and @. */
  databasePassword: matching(/^(?=.{16,100}$)[!-~]+$/, '16 to 100 printable characters without spaces')
    .regex(/^[^/"@]*$/, 'must not have / " or @ in it')
    .optional(),
  secretArns: SecretArns,
  secretKmsKeyArns: z.array(keyArn, 'must be a list').default([]),
  alarms: z
    .union(
      [z.strictObject({ email: z.email() }), z.strictObject({ snsArn: topicArn })],
      'must name either an email or an snsArn',
    )
    .optional(),
  waf: z.strictObject({ rateLimit: whole(10, 2_000_000_000).optional(), commonRules: flag.default(true) }).optional(),
  accessLogs: flag.optional(),
  logRetentionDays: z.coerce
    .number()
    .refine((days) => RETENTION_DAYS.includes(days), `must be one of ${RETENTION_DAYS.join(', ')}`)
    .default(30),
  protect: flag.optional(),
  /** https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html: AWS reserves the prefix `aws:`. */
  tags: z
    .record(
      matching(/^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$/u, 'a tag of letters, digits, spaces and _ . : / = + - @')
        .refine((tag) => !/^aws:/i.test(tag), 'must not begin with aws:, which AWS keeps for itself')
        .refine((tag) => !OWN_TAGS.includes(tag), `must not be ${OWN_TAGS.join(', ')}: the program sets these`),
      matching(/^[\p{L}\p{Z}\p{N}_.:/=+@-]{0,256}$/u, 'of letters, digits, spaces and _ . : / = + - @'),
    )
    .default({}),
});
export type Settings = z.output<typeof Schema>;
export type DocumentDb = Extract<Settings['database'], { kind: 'documentdb' }>;
