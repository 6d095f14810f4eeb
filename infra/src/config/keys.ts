import { closest, distance } from 'fastest-levenshtein';
import { SECRET_KEYS } from './schema.ts';

/**
 * Every key that can be set, with a valid value. Error messages build their commands from these,
 * and tests compare them with the schema and with the README.
 */
export const EXAMPLES = {
  environment: 'dev',
  region: 'eu-central-1',
  accountId: '123456789012',
  image: '123456789012.dkr.ecr.eu-central-1.amazonaws.com/trunkline@sha256:<64 hex digits>',
  architecture: 'arm64',
  domain: 'trunkline.example.com',
  hostedZoneId: 'Z0123456789ABCDEFGHIJ',
  certificateArn: 'arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555',
  'loadBalancer.listenerArn':
    'arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/edge/0123456789abcdef/0123456789abcdef',
  'loadBalancer.securityGroupId': 'sg-0123456789abcdef0',
  'loadBalancer.priority': '100',
  'network.cidr': '10.40.0.0/16',
  'network.zones[0]': 'eu-central-1a',
  'network.zones[1]': 'eu-central-1b',
  'network.egress': 'single-nat',
  'network.endpoints[0]': 'secretsmanager',
  'network.vpcId': 'vpc-0123456789abcdef0',
  'network.publicSubnetIds[0]': 'subnet-0123456789abcdef0',
  'network.publicSubnetIds[1]': 'subnet-0123456789abcdef1',
  'network.taskSubnetIds[0]': 'subnet-0123456789abcdef2',
  'network.taskSubnetIds[1]': 'subnet-0123456789abcdef3',
  'network.databaseSubnetIds[0]': 'subnet-0123456789abcdef4',
  'network.databaseSubnetIds[1]': 'subnet-0123456789abcdef5',
  'service.cpu': '512',
  'service.memory': '1024',
  'service.min': '2',
  'service.max': '4',
  'service.importDeadlineSeconds': '25',
  'service.providerTimeoutSeconds': '10',
  'service.leaseSeconds': '30',
  'service.reconcileIntervalSeconds': '5',
  'service.rateLimitRps': '50',
  'service.maxApiKeys': '100',
  'service.maxIntegrations': '50',
  'service.maxPhoneNumbers': '10000',
  'service.twilioSecureTrunking': 'true',
  'service.twilioSignallingAddresses': '54.172.60.0/30,54.244.51.0/30',
  'service.twilioApiUrl': 'https://twilio.example.com',
  'service.logLevel': 'info',
  'database.kind': 'documentdb',
  'database.port': '27017',
  'database.engineVersion': '5.0.0',
  'database.instanceClass': 'db.t4g.medium',
  'database.instances': '2',
  'database.capacity.min': '1',
  'database.capacity.max': '8',
  'database.poolSize': '20',
  'database.backupRetentionDays': '7',
  'database.username': 'trunkline',
  'database.snapshot': 'rds:trunkline-2026-11-23-03-10',
  'database.pointInTime.cluster': 'trunkline-database-1234567',
  'database.pointInTime.time': '2026-11-23T03:10:00Z',
  livekitUrl: 'wss://example.livekit.cloud',
  livekitSipHost: 'example.sip.livekit.cloud',
  mongodbUri: '"mongodb+srv://<user>:<password>@<host>/trunkline"',
  livekitApiKey: '<key>',
  livekitApiSecret: '<secret>',
  encryptionKeys: '"2026a:$(openssl rand -base64 32)"',
  bootstrapApiKey: '"tl_live_$(openssl rand -hex 32)"',
  databasePassword: '"$(openssl rand -hex 24)"',
  'secretArns.mongodbUri': 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:mongodb-uri-AbCdEf',
  'secretArns.livekitApiKey': 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:livekit-AbCdEf:key::',
  'secretArns.livekitApiSecret': 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:livekit-AbCdEf:secret::',
  'secretArns.encryptionKeys': 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:encryption-keys-AbCdEf',
  'secretArns.bootstrapApiKey': 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:bootstrap-AbCdEf',
  'secretKmsKeyArns[0]': 'arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555',
  'alarms.email': 'oncall@example.com',
  'alarms.snsArn': 'arn:aws:sns:eu-central-1:123456789012:oncall',
  'waf.rateLimit': '15000',
  'waf.commonRules': 'true',
  accessLogs: 'true',
  logRetentionDays: '30',
  protect: 'true',
  'tags.team': 'telephony',
};

const secretKeys: ReadonlySet<string> = new Set([...SECRET_KEYS, 'databasePassword']);

/** Whether the key's value must be encrypted. */
export const isSecret = (key: string): boolean => secretKeys.has(key);

/** The known key that an unknown key was probably meant to be. */
export const nearest = (unknown: string): string | undefined => {
  const found = closest(unknown, knownKeys);
  return distance(unknown.toLowerCase(), found.toLowerCase()) <= Math.max(2, found.length / 3) ? found : undefined;
};

const knownKeys = [
  ...new Set(
    Object.keys(EXAMPLES).flatMap((key) => {
      const whole = key.replaceAll(/\[\d\]/g, '');
      return [whole, whole.split('.')[0] ?? whole];
    }),
  ),
];

/** The examples that set a key: the key itself, the items of its list, or the members of its object. */
export const examplesOf = (path: string): [string, string][] => {
  const own = Object.entries(EXAMPLES).filter(
    ([key]) => key === path || key.startsWith(`${path}[`) || key.replaceAll(/\[\d\]/g, '') === path,
  );
  return own.length > 0 ? own : Object.entries(EXAMPLES).filter(([key]) => key.startsWith(needed[path] ?? `${path}.`));
};

/** For an object that is missing, only its required member. */
const needed: Record<string, string> = { network: 'network.zones', database: 'database.kind' };
