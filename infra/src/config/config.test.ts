import * as pulumi from '@pulumi/pulumi';
import { describe, expect, it } from 'vitest';
import { dev, EXISTING, existingNetwork, prod } from '../../test/given.ts';
import { type Given, parseConfig } from './config.ts';
import { ConfigError, type Fault, placeholdersIn } from './faults.ts';
import { EXAMPLES } from './keys.ts';

const faultsOf = (given: Given): readonly Fault[] => {
  try {
    parseConfig(given);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
};

const documentdb = (changes: object = {}) => ({
  database: { kind: 'documentdb', ...changes },
  mongodbUri: undefined,
  databasePassword: 'a-long-password-of-the-database',
});
const elsewhere = { database: { kind: 'external' }, databasePassword: undefined };
const zones = ['eu-central-1a', 'eu-central-1b'];
const theirs = existingNetwork();
/** A production stack in an existing network and on an existing listener. */
const shared = (changes: object = {}) => ({
  network: existingNetwork({ isShared: true }),
  loadBalancer: { ...EXISTING.loadBalancer, ...changes },
});
const arnOf = (name: string) => `arn:aws:secretsmanager:eu-central-1:210987654321:secret:${name}-AbCdEf`;

describe('a configuration', () => {
  it.each([
    ['dev', dev()],
    ['prod', prod()],
    ['dev with an existing secret', dev({ mongodbUri: undefined, secretArns: { mongodbUri: arnOf('uri') } })],
    [
      'dev on serverless DocumentDB',
      dev(documentdb({ instanceClass: 'db.serverless', capacity: { min: 2, max: 8 }, poolSize: 10 })),
    ],
    ...[
      'rds:trunkline-2026-11-23-03-10',
      'awsbackup:job-0b2a7c6e',
      'arn:aws:rds:eu-central-1:210987654321:cluster-snapshot:rds:trunkline-2026-11-23-03-10',
    ].map((snapshot): [string, Given] => [`dev from ${snapshot}`, dev(documentdb({ snapshot }))]),
    ...['db.r8g.16xlarge', 'db.r6gd.xlarge', 'db.t3.medium'].map((instanceClass): [string, Given] => [
      `dev on ${instanceClass}`,
      dev(documentdb({ instanceClass })),
    ]),
    ['prod in an existing network', prod({ network: theirs })],
    [
      'dev in existing public subnets',
      dev({ network: { ...existingNetwork({ hasDatabase: false }), egress: 'public-ip' } }),
    ],
    ['prod on an existing listener', prod(shared())],
    [
      'prod on an existing listener that has the certificate, with DNS managed elsewhere',
      prod({ ...shared(), certificateArn: EXISTING.certificateArn, hostedZoneId: undefined }),
    ],
    ['prod with an existing certificate', prod({ certificateArn: EXISTING.certificateArn })],
  ])('of %s is valid', (_name, given) => {
    expect(faultsOf(given)).toEqual([]);
  });

  it.each([
    ['accountId', '123456789012'],
    ['livekitUrl', 'wss://example.livekit.cloud'],
    ['livekitSipHost', 'example.sip.livekit.cloud'],
    ['domain', 'trunkline.example.com'],
    ['hostedZoneId', 'Z0123456789ABCDEFGHIJ'],
    ['alarms.email', 'oncall@example.com'],
    ['livekitApiKey', '<key>'],
    ['mongodbUri', 'mongodb+srv://<user>:<password>@<host>/trunkline'],
  ])('is refused when %s still has its example value', (path, value) => {
    const [key = '', member] = path.split('.');
    const given = path === 'mongodbUri' ? dev({ [key]: value }) : prod({ [key]: member ? { [member]: value } : value });
    const [fault, ...others] = faultsOf(given);
    expect([fault?.path, others]).toEqual([path, []]);
    expect(fault?.mend.join()).not.toContain(value);
  });

  it.each([
    ['alarms.snsArn', prod({ alarms: { snsArn: 'arn:aws:sns:eu-central-1:123456789012:oncall' } })],
    [
      'secretArns.livekitApiKey',
      prod({
        livekitApiKey: undefined,
        secretArns: { livekitApiKey: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:livekit-AbCdEf:key::' },
      }),
    ],
    [
      'secretKmsKeyArns[0]',
      prod({
        secretKmsKeyArns: ['arn:aws:kms:eu-central-1:444455556666:key/11111111-2222-3333-4444-555555555556'],
      }),
    ],
    ['accountId', prod({ accountId: '111122223333' })],
  ])('is refused when %s names an account from the AWS documentation', (path, given) => {
    expect(faultsOf(given).map((fault) => fault.path)).toEqual([path]);
  });

  it('is refused when any id or ARN is still that of the examples', () => {
    const examples = Object.entries<string>(EXAMPLES).filter(([, value]) =>
      /123456789012|0123456789abcdef/.test(value),
    );
    expect(examples.length).toBeGreaterThan(15);
    expect(examples.filter(([path, value]) => placeholdersIn({ [path]: value }).length === 0)).toEqual([]);
  });

  // For each rule: what breaks it, its message, and the command that fixes it.
  it.each<[path: string, given: Given, message: RegExp, mend: string]>([
    ['environment', dev({ environment: 'test' }), /dev, staging or prod/, 'set infra:environment'],
    ['region', dev({ region: undefined }), /is missing/, 'set infra:region'],
    ['accountId', dev({ accountId: '12' }), /12 digits/, 'set infra:accountId'],
    ['livekitUrl', dev({ livekitUrl: 'livekit.acme.dev' }), /wss:/, 'set infra:livekitUrl'],
    ...['a..b', '256.1.1.1', '1.2.3', 'sip.acme.dev:0', 'sip.acme.dev:65536', 'sip:sip.acme.dev', '0.0.0.0'].map(
      (livekitSipHost): [string, Given, RegExp, string] => [
        'livekitSipHost',
        dev({ livekitSipHost }),
        /must be a host name/,
        'set infra:livekitSipHost',
      ],
    ),
    [
      'service.twilioSignallingAddresses',
      dev({ service: { twilioSignallingAddresses: '54.172.60.0/30,twilio.com' } }),
      /ranges separated by commas/,
      'service.twilioSignallingAddresses',
    ],
    ['network.zones', dev({ network: { zones: [] } }), /two or three/, "set --path 'infra:network.zones[0]'"],
    [
      'network.zones[1]',
      dev({ network: { zones: [zones[0], 'us-east-1a'] } }),
      /not in eu-central-1/,
      "'infra:network.zones[1]' eu-central-1b",
    ],
    ['network.cidr', dev({ network: { zones, cidr: '10.40.0.0/8' } }), /\/16 to \/24/, "'infra:network.cidr'"],
    ['network.cidr', dev({ network: { zones, cidr: '8.8.0.0/16' } }), /private ranges/, "'infra:network.cidr'"],
    [
      'network.endpoints',
      dev({ network: { zones, egress: 'public-ip', endpoints: ['kms'] } }),
      /private subnets/,
      "rm --path 'infra:network.endpoints'",
    ],
    ['network.zones', dev({ network: {} }), /or an existing VPC/, "'infra:network.vpcId'"],
    ['network.vpcId', prod({ network: { ...theirs, vpcId: 'vpc-1' } }), /id of a VPC/, "'infra:network.vpcId'"],
    ['network.cidr', prod({ network: { ...theirs, cidr: '10.40.0.0/16' } }), /is for a new network/, 'rm --path'],
    ['network.zones', prod({ network: { ...theirs, zones } }), /is for a new network/, "'infra:network.vpcId'"],
    [
      'network.endpoints',
      prod({ network: { ...theirs, endpoints: ['kms'] } }),
      /for a new network/,
      "'infra:network.endpoints'",
    ],
    [
      'network.egress',
      prod({ network: { ...theirs, egress: 'single-nat' } }),
      /creates NAT gateways/,
      "rm --path 'infra:network.egress'",
    ],
    [
      'network.taskSubnetIds',
      dev({ network: { zones, taskSubnetIds: theirs.taskSubnetIds } }),
      /does not say in which VPC/,
      "'infra:network.vpcId'",
    ],
    [
      'network.taskSubnetIds',
      prod({ network: { ...theirs, taskSubnetIds: undefined } }),
      /tasks run in them/,
      "'infra:network.taskSubnetIds[0]'",
    ],
    [
      'network.taskSubnetIds',
      prod({ network: { ...theirs, taskSubnetIds: theirs.taskSubnetIds.slice(1) } }),
      /two subnets or more/,
      "'infra:network.taskSubnetIds[0]'",
    ],
    [
      'network.taskSubnetIds[1]',
      prod({ network: { ...theirs, taskSubnetIds: [theirs.taskSubnetIds[0], EXISTING.publicSubnetIds[0]] } }),
      /is a public subnet, where a task/,
      "'infra:network.taskSubnetIds[1]'",
    ],
    [
      'network.publicSubnetIds',
      prod({ network: { ...theirs, publicSubnetIds: undefined } }),
      /load balancer is placed in them/,
      "'infra:loadBalancer.listenerArn'",
    ],
    [
      'network.publicSubnetIds',
      prod({ ...shared(), network: theirs }),
      /is for a new load balancer/,
      "rm --path 'infra:network.publicSubnetIds'",
    ],
    [
      'network.databaseSubnetIds',
      prod({ network: existingNetwork({ hasDatabase: false }) }),
      /database runs in them/,
      "'infra:network.databaseSubnetIds[0]'",
    ],
    ['network.databaseSubnetIds', dev({ network: theirs }), /the database is external/, 'rm --path'],
    [
      'network.databaseSubnetIds[0]',
      prod({ network: { ...theirs, databaseSubnetIds: [EXISTING.publicSubnetIds[0], EXISTING.databaseSubnetIds[1]] } }),
      /is a public subnet/,
      "'infra:network.databaseSubnetIds[0]'",
    ],
    [
      'network.vpcId',
      prod({ loadBalancer: EXISTING.loadBalancer }),
      /tasks must be in its VPC/,
      'rm infra:loadBalancer',
    ],
    ['waf', prod({ ...shared(), waf: {} }), /owners of infra:loadBalancer/, 'rm infra:waf'],
    ['accessLogs', prod({ ...shared(), accessLogs: true }), /owners of infra:loadBalancer/, 'rm infra:accessLogs'],
    ['loadBalancer.priority', prod(shared({ priority: undefined })), /1 to 50000/, "'infra:loadBalancer.priority' 100"],
    ['loadBalancer.securityGroupId', prod(shared({ securityGroupId: undefined })), /security group/, 'securityGroupId'],
    [
      'loadBalancer.listenerArn',
      prod(shared({ listenerArn: EXISTING.loadBalancer.listenerArn.replace('listener', 'loadbalancer') })),
      /whole ARN/,
      'listener/app/',
    ],
    [
      'loadBalancer.listenerArn',
      prod(shared({ listenerArn: EXISTING.loadBalancer.listenerArn.replace('eu-central-1', 'eu-west-1') })),
      /not in eu-central-1/,
      'elasticloadbalancing:eu-central-1:',
    ],
    [
      'certificateArn',
      prod({ certificateArn: EXISTING.certificateArn.replace('210987654321', '210987654320') }),
      /not in the account 210987654321/,
      'set infra:certificateArn',
    ],
    ['certificateArn', prod({ certificateArn: EXISTING.certificateArn.slice(0, -1) }), /whole ARN/, 'certificateArn'],
    ['domain', dev({ certificateArn: EXISTING.certificateArn }), /certificateArn needs it/, 'rm infra:certificateArn'],
    [
      'domain',
      dev({ network: existingNetwork({ isShared: true, hasDatabase: false }), loadBalancer: EXISTING.loadBalancer }),
      /loadBalancer needs it/,
      'rm infra:loadBalancer',
    ],
    ['hostedZoneId', dev({ domain: 'trunkline.acme.dev' }), /is missing/, 'set infra:certificateArn'],
    ['domain', dev({ hostedZoneId: 'Z0ACME' }), /is missing/, 'set infra:domain'],
    ['domain', dev({ environment: 'staging' }), /over HTTP/, 'set infra:domain'],
    ['service.cpu', dev({ service: { cpu: 300 } }), /must be 256, 512/, "'infra:service.cpu'"],
    [
      'service.memory',
      dev({ service: { cpu: 512, memory: 8192 } }),
      /Fargate offers 1024, 2048, 3072, 4096/,
      "'infra:service.memory' 4096",
    ],
    ['service.max', dev({ service: { min: 5, max: 2 } }), /below service.min/, "'infra:service.max' 5"],
    [
      'service.leaseSeconds',
      dev({ service: { importDeadlineSeconds: 50, providerTimeoutSeconds: 40 } }),
      /must fit into a lease/,
      "'infra:service.leaseSeconds' 120",
    ],
    [
      'service.importDeadlineSeconds',
      dev({ service: { importDeadlineSeconds: 10 } }),
      /must fit into an import/,
      "'infra:service.importDeadlineSeconds' 25",
    ],
    [
      'service.logLevel',
      dev({ service: { logLevel: 'warn' } }),
      /alarms are made of lines of info/,
      "'infra:service.logLevel' info",
    ],
    ['livekitUrl', dev({ livekitUrl: 'ws://acme.livekit.cloud' }), /must be wss:/, 'set infra:livekitUrl'],
    ['livekitUrl', dev({ livekitUrl: 'wss://acme.livekit.cloud?region=eu' }), /perhaps a path/, 'set infra:livekitUrl'],
    ['livekitUrl', dev({ livekitUrl: 'wss://acme..livekit.cloud' }), /host that can exist/, 'set infra:livekitUrl'],
    [
      'service.twilioApiUrl',
      dev({ service: { twilioApiUrl: 'https://twilio.acme.dev/#2010' } }),
      /perhaps a path/,
      'service.twilioApiUrl',
    ],
    [
      'livekitSipHost',
      dev({ livekitSipHost: 'acme.livekit.cloud' }),
      /SIP URI: that of infra:livekitUrl takes no calls/,
      'set infra:livekitSipHost',
    ],
    [
      'livekitSipHost',
      dev({ livekitUrl: 'wss://livekit.acme.dev' }),
      /a LiveKit of your own/,
      'set infra:livekitSipHost',
    ],
    [
      'service.twilioSecureTrunking',
      dev({ livekitSipHost: 'acme.sip.livekit.cloud:5060', service: { twilioSecureTrunking: true } }),
      /must be false with port 5060/,
      "'infra:service.twilioSecureTrunking' false",
    ],
    [
      'service.twilioSecureTrunking',
      dev({ livekitSipHost: 'acme.sip.livekit.cloud:5061', service: { twilioSecureTrunking: false } }),
      /must be true with port 5061/,
      "'infra:service.twilioSecureTrunking' true",
    ],
    ['database.kind', dev({ database: { kind: 'elastic' } }), /partial indexes/, "'infra:database.kind'"],
    [
      'database.username',
      dev(documentdb({ username: 'service' })),
      /the user of the service/,
      "'infra:database.username'",
    ],
    ['database.username', dev(documentdb({ username: 'Admin' })), /must not be admin/, "'infra:database.username'"],
    [
      'database.capacity',
      dev(documentdb({ instanceClass: 'db.serverless' })),
      /needs limits/,
      "'infra:database.capacity.min'",
    ],
    [
      'database.capacity',
      dev(documentdb({ capacity: { min: 1, max: 2 } })),
      /for db.serverless/,
      "rm --path 'infra:database.capacity'",
    ],
    [
      'database.capacity.max',
      dev(documentdb({ instanceClass: 'db.serverless', poolSize: 1, capacity: { min: 4, max: 2 } })),
      /below/,
      "'infra:database.capacity.max' 4",
    ],
    [
      'database.pointInTime',
      dev(documentdb({ snapshot: 's', pointInTime: { cluster: 'c', time: 'latest' } })),
      /set beside database.snapshot/,
      "rm --path 'infra:database.snapshot'",
    ],
    ...['a b', 'rds:', 'trunkline/1'].map((snapshot): [string, Given, RegExp, string] => [
      'database.snapshot',
      dev(documentdb({ snapshot })),
      /identifier or the ARN of a snapshot/,
      "'infra:database.snapshot'",
    ]),
    ...['db.foo.bar', 'db.r6g', 'db.m5.large', 'db.r6g.nano'].map((instanceClass): [string, Given, RegExp, string] => [
      'database.instanceClass',
      dev(documentdb({ instanceClass })),
      /an instance class of DocumentDB/,
      "'infra:database.instanceClass'",
    ]),
    [
      'database.pointInTime.time',
      dev(documentdb({ pointInTime: { cluster: 'c', time: 'yesterday' } })),
      /latest, or a time in UTC/,
      "'infra:database.pointInTime.time'",
    ],
    [
      'database.poolSize',
      dev(documentdb({ instanceClass: 'db.serverless', capacity: { min: 0.5, max: 2 } })),
      /176 connections: .* takes 39/,
      "'infra:database.poolSize' 2",
    ],
    ['livekitApiKey', dev({ livekitApiKey: undefined }), /is missing/, 'set --secret infra:livekitApiKey'],
    ['livekitApiKey', dev({ secretArns: { livekitApiKey: arnOf('key') } }), /set twice/, 'rm infra:livekitApiKey'],
    [
      'encryptionKeys',
      dev({ encryptionKeys: '2026a:short' }),
      /32 bytes in base64/,
      'set --secret infra:encryptionKeys',
    ],
    [
      'encryptionKeys',
      dev({ encryptionKeys: `2026a:${'A'.repeat(43)}=, 2026a:${'B'.repeat(43)}=` }),
      /the same id twice/,
      'set --secret infra:encryptionKeys',
    ],
    ['livekitApiSecret', dev({ livekitApiSecret: ' ' }), /must not be empty/, 'set --secret infra:livekitApiSecret'],
    [
      'mongodbUri',
      dev({ mongodbUri: 'mongodb://trunkline:p@ssword@db.acme.dev/t' }),
      /@ as %40/,
      'set --secret infra:mongodbUri',
    ],
    [
      'mongodbUri',
      dev({ mongodbUri: undefined }),
      /is missing: the database is external/,
      'set --secret infra:mongodbUri',
    ],
    ['mongodbUri', dev({ ...documentdb(), mongodbUri: 'mongodb://host/db' }), /composed here/, 'rm infra:mongodbUri'],
    [
      'databasePassword',
      dev({ ...documentdb(), databasePassword: undefined }),
      /is missing/,
      'set --secret infra:databasePassword',
    ],
    [
      'databasePassword',
      dev({ ...documentdb(), databasePassword: 'has/a-slash-in-its-middle' }),
      /must not have/,
      'set --secret infra:databasePassword',
    ],
    [
      'databasePassword',
      dev({ databasePassword: 'a-long-password-of-the-database' }),
      /the database is external/,
      'rm infra:databasePassword',
    ],
    [
      'region',
      dev({ region: 'us-gov-west-1', network: { zones: ['us-gov-west-1a', 'us-gov-west-1b'] } }),
      /commercial partition/,
      'set infra:region',
    ],
    [
      'livekitUrl',
      dev({ livekitUrl: 'wss://key:secret@livekit.acme.dev' }),
      /credentials in it/,
      'set infra:livekitUrl',
    ],
    [
      'service.twilioApiUrl',
      dev({ service: { twilioApiUrl: 'https://AC1:token@twilio.acme.dev' } }),
      /credentials in it/,
      'service.twilioApiUrl',
    ],
    [
      'livekitUrl',
      prod({ livekitUrl: 'http://livekit.acme.dev', livekitSipHost: 'sip.acme.dev' }),
      /must be wss:/,
      'set infra:livekitUrl',
    ],
    [
      'service.twilioApiUrl',
      prod({ service: { min: 2, twilioApiUrl: 'http://twilio.acme.dev' } }),
      /must be https:/,
      'service.twilioApiUrl',
    ],
    [
      'mongodbUri',
      prod({ ...elsewhere, mongodbUri: 'mongodb://db.acme.dev/t' }),
      /must use TLS/,
      'set --secret infra:mongodbUri',
    ],
    [
      'mongodbUri',
      prod({ ...elsewhere, mongodbUri: 'mongodb+srv://db.acme.dev/t?tls=false' }),
      /must use TLS/,
      'set --secret infra:mongodbUri',
    ],
    [
      'mongodbUri',
      prod({ ...elsewhere, mongodbUri: 'mongodb://db.acme.dev/t?tls=true&tlsInsecure=true' }),
      /check certificates/,
      'set --secret infra:mongodbUri',
    ],
    [
      'database.port',
      dev({ mongodbUri: 'mongodb://u:p@db.acme.dev:27018/t' }),
      /names 27018/,
      "'infra:database.port' 27018",
    ],
    [
      'secretArns.livekitApiKey',
      dev({
        livekitApiKey: undefined,
        secretArns: { livekitApiKey: 'arn:aws:secretsmanager:eu-west-1:210987654321:secret:key-AbCdEf' },
      }),
      /not in eu-central-1/,
      'arn:aws:secretsmanager:eu-central-1:210987654321:secret:key-AbCdEf',
    ],
    [
      'secretArns.livekitApiKey',
      dev({
        livekitApiKey: undefined,
        secretArns: { livekitApiKey: 'arn:aws:secretsmanager:eu-central-1:210987654321:secret:key' },
      }),
      /whole ARN/,
      'secretArns.livekitApiKey',
    ],
    [
      'secretKmsKeyArns[0]',
      dev({ secretKmsKeyArns: ['arn:aws:kms:eu-central-1:210987654321:key/1111'] }),
      /whole ARN/,
      'secretKmsKeyArns[0]',
    ],
    [
      'secretKmsKeyArns[0]',
      dev({ secretKmsKeyArns: ['arn:aws:kms:us-east-1:210987654321:key/11111111-2222-3333-4444-555555555555'] }),
      /not in eu-central-1/,
      'key/11111111',
    ],
    [
      'alarms.snsArn',
      dev({ alarms: { snsArn: 'arn:aws:sns:eu-central-1:210987654321:' } }),
      /whole ARN/,
      'alarms.snsArn',
    ],
    [
      'alarms.snsArn',
      dev({ alarms: { snsArn: 'arn:aws:sns:us-east-1:210987654321:oncall' } }),
      /not in eu-central-1/,
      'alarms.snsArn',
    ],
    ['tags.aws:team', dev({ tags: { 'aws:team': 'x' } }), /must not begin with aws:/, 'rm --path'],
    [
      'tags',
      dev({ tags: Object.fromEntries(Array.from({ length: 46 }, (_, at) => [`tag${at}`, 'x'])) }),
      /are 46, and may be 45/,
      "rm --path 'infra:tags.",
    ],
    ['tags.Stack', dev({ tags: { Stack: 'x' } }), /the program sets these/, 'rm --path'],
    [
      'database.snapshot',
      dev({ database: { kind: 'external', snapshot: 'x' } }),
      /is for database.kind documentdb, and this database is "external"/,
      "set --path 'infra:database.kind' documentdb",
    ],
    [
      'database.port',
      dev(documentdb({ port: 27017 })),
      /is for database.kind external/,
      "rm --path 'infra:database.port'",
    ],
    ['waf.rateLimit', prod({ waf: { rateLimit: 2000 } }), /must be 15000 requests/, "'infra:waf.rateLimit' 15000"],
    ['logRetentionDays', dev({ logRetentionDays: 31 }), /must be one of/, 'set infra:logRetentionDays'],
    [
      'network.egress',
      prod({ network: { zones, egress: 'public-ip' } }),
      /must not be public-ip in prod/,
      "'infra:network.egress' nat-per-zone",
    ],
    [
      'domain',
      prod({ domain: undefined, hostedZoneId: undefined }),
      /over HTTP, which prod refuses/,
      'set infra:domain',
    ],
    ['image', prod({ image: 'trunkline:latest' }), /by its digest in prod/, 'set infra:image'],
    ['service.min', prod({ service: { min: 1 } }), /2 or more in prod/, "'infra:service.min' 2"],
    ['protect', prod({ protect: false }), /must not be false in prod.*"Tear down" in docs/, 'set infra:protect true'],
    [
      'database.instances',
      prod({ database: { kind: 'documentdb', instances: 1 } }),
      /2 or more in prod/,
      "'infra:database.instances' 2",
    ],
    [
      'database.backupRetentionDays',
      prod({ database: { kind: 'documentdb', instances: 2, backupRetentionDays: 1 } }),
      /7 or more in prod/,
      "'infra:database.backupRetentionDays'",
    ],
    ['alarms', prod({ alarms: undefined }), /somebody must be notified/, "'infra:alarms.email'"],
    ['enviroment', dev({ enviroment: 'dev' }), /did you mean infra:environment/, 'rm infra:enviroment'],
    [
      'service.cpus',
      dev({ service: { cpus: 512 } }),
      /did you mean infra:service.cpu\?/,
      "rm --path 'infra:service.cpus'",
    ],
  ])('is refused for its %s', (path, given, message, mend) => {
    const faults = faultsOf(given);
    expect(faults.map((fault) => fault.path)).toEqual([path]);
    expect(faults[0]!.message).toMatch(message);
    expect(faults[0]!.mend.join('\n')).toContain(mend);
  });

  it('says that hosts on several ports need the same one, and suggests none', () => {
    const faults = faultsOf(dev({ mongodbUri: 'mongodb://u:p@a.acme.dev:27017,b.acme.dev:27018/t' }));
    expect(faults).toMatchObject([
      { path: 'mongodbUri', message: expect.stringMatching(/names the ports 27017, 27018/), mend: [] },
    ]);
  });

  it.each([
    prod({ livekitUrl: 'https://acme.livekit.cloud' }),
    dev({ livekitUrl: 'http://livekit.acme.dev', livekitSipHost: 'sip.acme.dev' }),
  ])('takes LiveKit’s URL with http in place of ws, as the service does', (given) => {
    expect(parseConfig(given).livekitUrl).toMatch(/^https?:/);
  });

  it('reports all faults at once, each with the command that fixes it', () => {
    const faults = faultsOf(prod({ accountId: '1', enviroment: 'x', protect: false, service: { min: 1, cpu: 300 } }));
    expect(faults.map(({ path }) => path).toSorted()).toEqual([
      'accountId',
      'enviroment',
      'protect',
      'service.cpu',
      'service.min',
    ]);
    expect(faults.every(({ mend }) => mend.length > 0 && mend.every((it) => it.startsWith('pulumi config ')))).toBe(
      true,
    );
  });

  it('reports a secret that is stored in clear text', () => {
    const faults = faultsOf({
      ...dev(),
      encrypted: ['infra:mongodbUri', 'infra:livekitApiKey', 'infra:encryptionKeys'],
    });
    expect(faults).toMatchObject([{ path: 'livekitApiSecret', message: expect.stringMatching(/in clear/) }]);
  });

  it('keeps every secret marked as a secret', async () => {
    const { secrets, database } = parseConfig(prod({ bootstrapApiKey: `tl_live_${'a'.repeat(43)}` }));
    const values = Object.values(secrets).map((source) => (source.mode === 'managed' ? source.value : undefined));
    const password = database.kind === 'documentdb' ? database.password : undefined;
    expect(values).toHaveLength(4);
    for (const value of [...values, password]) expect(await pulumi.isSecret(value!)).toBe(true);
  });
});
