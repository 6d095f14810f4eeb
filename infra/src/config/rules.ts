import { connectionsNeeded, connectionsOf, MONITORS } from '../data/connection.ts';
import { faultOfCidr } from '../network/cidr.ts';
import { type Fault, remove, set } from './faults.ts';
import { hostsOf, isCloud, isCloudSip, splitHost } from './hosts.ts';
import { examplesOf } from './keys.ts';
import { type DocumentDb, OWN_TAGS, SECRET_KEYS, type SecretKey, type Settings } from './schema.ts';

/** A rule reads the keys that it is about, and returns their conflicts. */
type Rule = (settings: Settings) => Fault[];

/**
 * Checks what the schema of a single key cannot: conflicts between keys, and what an environment refuses.
 * Skips rules about `unread` keys, which are invalid by themselves.
 */
export const breaches = (settings: Partial<Settings>, unread: ReadonlySet<string> = new Set()): Fault[] =>
  rules.flatMap((rule) => {
    try {
      return rule(readable(settings, unread));
    } catch (error) {
      if (error instanceof Unread) return [];
      throw error;
    }
  });

class Unread extends Error {}

const readable = (settings: Partial<Settings>, unread: ReadonlySet<string>): Settings =>
  // Every value that a rule reads exists, or this throws `Unread`.
  new Proxy(settings as Settings, {
    get: (target, key) => {
      if (unread.has(String(key))) throw new Unread(String(key));
      return Reflect.get(target, key);
    },
  });

const fault = (path: string, message: string, ...mend: string[]): Fault => ({ path, message, mend });
const unless = (fits: boolean, found: Fault): Fault[] => (fits ? [] : [found]);
const example = (path: string): string[] => examplesOf(path).map(([key, value]) => set(key, value));

const network: Rule[] = [
  ({ network: { cidr } }) => {
    const message = cidr === undefined ? undefined : faultOfCidr(cidr);
    return message === undefined ? [] : [fault('network.cidr', `${message}.`, ...example('network.cidr'))];
  },
  ({ region, network: { zones = [] } }) =>
    zones.flatMap((zone, at) =>
      unless(
        zone.slice(0, -1) === region,
        fault(
          `network.zones[${at}]`,
          `is not in ${region}.`,
          set(`network.zones[${at}]`, `${region}${'abc'[at] ?? 'a'}`),
        ),
      ),
    ),
  // Without NAT, tasks reach everything from their own public addresses.
  ({ network: { egress, endpoints } }) =>
    unless(
      egress !== 'public-ip' || endpoints.length === 0,
      fault(
        'network.endpoints',
        'is for tasks in private subnets: with network.egress public-ip, endpoints cost money and are not used.',
        remove('network.endpoints'),
        set('network.egress', 'single-nat'),
      ),
    ),
  ({ network: { vpcId, zones } }) =>
    unless(
      vpcId !== undefined || zones !== undefined,
      fault(
        'network.zones',
        'is missing. Name the zones of a new network, or an existing VPC.',
        ...example('network.zones'),
        ...example('network.vpcId'),
      ),
    ),
];

const SUBNETS = ['publicSubnetIds', 'taskSubnetIds', 'databaseSubnetIds'] as const;

/** An existing VPC, in place of one that is created. */
const existingNetwork: Rule[] = [
  ({ network: { vpcId, cidr, zones, endpoints } }) =>
    vpcId === undefined
      ? []
      : Object.entries({ cidr, zones, endpoints: endpoints.length > 0 ? endpoints : undefined }).flatMap(
          ([key, given]) =>
            unless(
              given === undefined,
              fault(
                `network.${key}`,
                `is for a new network, but network.vpcId names an existing one.`,
                remove(`network.${key}`),
                remove('network.vpcId'),
              ),
            ),
        ),
  ({ network: { vpcId, egress } }) =>
    unless(
      vpcId === undefined || egress === undefined || egress === 'public-ip',
      fault(
        'network.egress',
        `of ${egress} creates NAT gateways in a new network; in an existing network.vpcId, the routes of the subnets decide.`,
        remove('network.egress'),
        remove('network.vpcId'),
      ),
    ),
  ({ network }) =>
    SUBNETS.flatMap((key) =>
      unless(
        network.vpcId !== undefined || network[key] === undefined,
        fault(
          `network.${key}`,
          'names subnets, but network.vpcId does not say in which VPC.',
          ...example('network.vpcId'),
          remove(`network.${key}`),
        ),
      ),
    ),
  ({ network: { vpcId, taskSubnetIds } }) =>
    unless(
      vpcId === undefined || taskSubnetIds !== undefined,
      fault('network.taskSubnetIds', 'is missing: the tasks run in them.', ...example('network.taskSubnetIds')),
    ),
  ({ network: { vpcId, publicSubnetIds }, loadBalancer }) =>
    unless(
      vpcId === undefined || publicSubnetIds !== undefined || loadBalancer !== undefined,
      fault(
        'network.publicSubnetIds',
        'is missing: the load balancer is placed in them. Name them, or an existing load balancer.',
        ...example('network.publicSubnetIds'),
        ...example('loadBalancer'),
      ),
    ),
  ({ network: { vpcId, databaseSubnetIds }, database }) =>
    unless(
      vpcId === undefined || databaseSubnetIds !== undefined || database.kind !== 'documentdb',
      fault(
        'network.databaseSubnetIds',
        'is missing: the database runs in them.',
        ...example('network.databaseSubnetIds'),
      ),
    ),
  ({ network: { publicSubnetIds }, loadBalancer }) =>
    unless(
      publicSubnetIds === undefined || loadBalancer === undefined,
      fault(
        'network.publicSubnetIds',
        'is for a new load balancer, but infra:loadBalancer names an existing one.',
        remove('network.publicSubnetIds'),
        remove('loadBalancer'),
      ),
    ),
  ({ network: { databaseSubnetIds }, database }) =>
    unless(
      databaseSubnetIds === undefined || database.kind === 'documentdb',
      fault(
        'network.databaseSubnetIds',
        'is for DocumentDB, and the database is external.',
        remove('network.databaseSubnetIds'),
      ),
    ),
  ({ network: { publicSubnetIds = [], databaseSubnetIds = [] } }) =>
    databaseSubnetIds.flatMap((id, at) =>
      unless(
        !publicSubnetIds.includes(id),
        fault(
          `network.databaseSubnetIds[${at}]`,
          'is a public subnet: keep the database where no route leads to the internet.',
          set(`network.databaseSubnetIds[${at}]`, '<a private subnet>'),
        ),
      ),
    ),
  // An internet gateway serves public addresses only. https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
  ({ network: { publicSubnetIds = [], taskSubnetIds = [], egress } }) =>
    taskSubnetIds.flatMap((id, at) =>
      unless(
        egress === 'public-ip' || !publicSubnetIds.includes(id),
        fault(
          `network.taskSubnetIds[${at}]`,
          'is a public subnet, where a task without a public address reaches nothing.',
          set(`network.taskSubnetIds[${at}]`, '<a subnet behind NAT>'),
          set('network.egress', 'public-ip'),
        ),
      ),
    ),
];

/** An existing listener, in place of a load balancer that is created. */
const sharedLoadBalancer: Rule[] = [
  ({ domain, loadBalancer, certificateArn }) =>
    Object.entries({ loadBalancer, certificateArn }).flatMap(([key, given]) =>
      unless(
        given === undefined || domain !== undefined,
        fault('domain', `is missing, but infra:${key} needs it.`, ...example('domain'), remove(key)),
      ),
    ),
  ({ network: { vpcId }, loadBalancer }) =>
    unless(
      loadBalancer === undefined || vpcId !== undefined,
      fault(
        'network.vpcId',
        'is missing: infra:loadBalancer names an existing one, and the tasks must be in its VPC.',
        ...example('network.vpcId'),
        remove('loadBalancer'),
      ),
    ),
  ({ loadBalancer, waf, accessLogs }) =>
    loadBalancer === undefined
      ? []
      : Object.entries({ waf: waf !== undefined, accessLogs: accessLogs === true }).flatMap(([key, given]) =>
          unless(
            !given,
            fault(
              key,
              'is for a new load balancer: the owners of infra:loadBalancer configure theirs.',
              remove(key),
              remove('loadBalancer'),
            ),
          ),
        ),
  ({ accountId, loadBalancer, certificateArn }) =>
    Object.entries({ 'loadBalancer.listenerArn': loadBalancer?.listenerArn, certificateArn }).flatMap(([path, arn]) =>
      unless(
        arn === undefined || arn.split(':')[4] === accountId,
        fault(path, `is not in the account ${accountId}.`, ...example(path)),
      ),
    ),
];

const edge: Rule[] = [
  ({ domain, hostedZoneId, certificateArn }) =>
    unless(
      domain === undefined || hostedZoneId !== undefined || certificateArn !== undefined,
      fault(
        'hostedZoneId',
        'is missing: the certificate of infra:domain is validated there. Name the zone, or an existing certificate.',
        ...example('hostedZoneId'),
        ...example('certificateArn'),
      ),
    ),
  ({ domain, hostedZoneId }) =>
    unless(
      hostedZoneId === undefined || domain !== undefined,
      fault('domain', 'is missing, but infra:hostedZoneId needs it.', ...example('domain'), remove('hostedZoneId')),
    ),
  ({ environment, domain }) =>
    unless(
      environment === 'dev' || domain !== undefined,
      fault(
        'domain',
        `is missing: without it, requests go unencrypted over HTTP, which ${environment} refuses.`,
        ...example('domain'),
        ...example('hostedZoneId'),
      ),
    ),
];

/** WAF counts the requests of each address over this window. */
const WAF_WINDOW_SECONDS = 300;

/** The requests that the service itself allows a caller within WAF's window. */
export const leastWafLimit = ({ rateLimitRps }: Pick<Settings['service'], 'rateLimitRps'>): number =>
  Math.max(10, rateLimitRps * WAF_WINDOW_SECONDS);

const firewall: Rule[] = [
  ({ waf, service: settings }) => {
    const least = leastWafLimit(settings);
    return unless(
      waf?.rateLimit === undefined || waf.rateLimit >= least,
      fault(
        'waf.rateLimit',
        `of ${waf?.rateLimit} blocks callers that service.rateLimitRps of ${settings.rateLimitRps} admits: it must be ${least} requests in five minutes or more.`,
        set('waf.rateLimit', String(least)),
      ),
    );
  },
];

const service: Rule[] = [
  ({ service: { cpu, memory } }) => {
    const fits = fargateMemory(cpu);
    if (fits.length === 0)
      return [fault('service.cpu', 'must be 256, 512, 1024, 2048, 4096, 8192 or 16384.', ...example('service.cpu'))];
    return unless(
      fits.includes(memory),
      fault(
        'service.memory',
        `of ${memory} does not work with a service.cpu of ${cpu}: Fargate offers ${describe(fits)}.`,
        set('service.memory', String(fits.find((at) => at >= memory) ?? fits.at(-1))),
      ),
    );
  },
  ({ service: { min, max } }) =>
    unless(
      min <= max,
      fault('service.max', `of ${max} is below service.min of ${min}.`, set('service.max', String(min))),
    ),
  ({ service: { providerTimeoutSeconds, leaseSeconds } }) =>
    unless(
      providerTimeoutSeconds < leaseSeconds,
      fault(
        'service.leaseSeconds',
        'must be above service.providerTimeoutSeconds: a call must fit into a lease.',
        set('service.leaseSeconds', String(Math.ceil(providerTimeoutSeconds * 3))),
      ),
    ),
  ({ service: { providerTimeoutSeconds, importDeadlineSeconds } }) =>
    unless(
      providerTimeoutSeconds < importDeadlineSeconds,
      fault(
        'service.importDeadlineSeconds',
        'must be above service.providerTimeoutSeconds: a call must fit into an import.',
        ...example('service.importDeadlineSeconds'),
        ...example('service.providerTimeoutSeconds'),
      ),
    ),
];

/** The service would refuse to start. */
const liveKit: Rule[] = [
  ({ environment, livekitUrl }) =>
    unless(
      /^(wss|https):/.test(livekitUrl) || (environment !== 'prod' && !isCloud(new URL(livekitUrl).hostname)),
      fault(
        'livekitUrl',
        'must be wss:// or https:// in prod, where LiveKit’s key goes over it, and for LiveKit Cloud, which takes nothing else.',
        ...example('livekitUrl'),
      ),
    ),
  ({ livekitSipHost }) => {
    const { host = '' } = splitHost(livekitSipHost) ?? {};
    return unless(
      !isCloud(host) || isCloudSip(host),
      fault(
        'livekitSipHost',
        'must be the host of the project’s SIP URI: that of infra:livekitUrl takes no calls.',
        ...example('livekitSipHost'),
      ),
    );
  },
  ({ livekitUrl, livekitSipHost }) =>
    unless(
      !isCloudSip(splitHost(livekitSipHost)?.host ?? '') || isCloud(new URL(livekitUrl).hostname),
      fault(
        'livekitSipHost',
        'is LiveKit Cloud’s, and infra:livekitUrl names a LiveKit of your own: it must be where that one takes calls.',
        set('livekitSipHost', '<your own>'),
        ...example('livekitUrl'),
      ),
    ),
  // RFC 3261, 19.1.2: 5061 is for TLS, 5060 for the others.
  ({ livekitSipHost, service: { twilioSecureTrunking } }) => {
    const { port } = splitHost(livekitSipHost) ?? {};
    return unless(
      twilioSecureTrunking === undefined || port !== (twilioSecureTrunking ? 5060 : 5061),
      fault(
        'service.twilioSecureTrunking',
        `must be ${!twilioSecureTrunking} with port ${port} in infra:livekitSipHost: 5061 is for TLS, and 5060 for calls without it.`,
        set('service.twilioSecureTrunking', String(!twilioSecureTrunking)),
      ),
    );
  },
];

/** Memory sizes in MiB that Fargate offers with this CPU. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html */
export const fargateMemory = (cpu: number): number[] => {
  const steps = (from: number, to: number, by: number) =>
    Array.from({ length: (to - from) / by + 1 }, (_, at) => (from + at * by) * 1024);
  switch (cpu) {
    case 256:
      return [512, 1024, 2048];
    case 512:
      return steps(1, 4, 1);
    case 1024:
      return steps(2, 8, 1);
    case 2048:
      return steps(4, 16, 1);
    case 4096:
      return steps(8, 30, 1);
    case 8192:
      return steps(16, 60, 4);
    case 16_384:
      return steps(32, 120, 8);
    default:
      return [];
  }
};

const describe = (sizes: number[]): string =>
  sizes.length > 4
    ? `${sizes[0]} to ${sizes.at(-1)} in steps of ${(sizes[1] ?? 0) - (sizes[0] ?? 0)}`
    : sizes.join(', ');

const lacksBounds = ({ instanceClass, capacity }: DocumentDb): boolean =>
  instanceClass === 'db.serverless' && capacity === undefined;

const database: Rule[] = [
  ({ database }) => {
    if (database.kind !== 'documentdb') return [];
    if (lacksBounds(database))
      return [fault('database.capacity', 'is missing: db.serverless needs limits.', ...example('database.capacity'))];
    return unless(
      database.instanceClass === 'db.serverless' || database.capacity === undefined,
      fault(
        'database.capacity',
        `is for db.serverless, and database.instanceClass is ${database.instanceClass}.`,
        remove('database.capacity'),
        set('database.instanceClass', 'db.serverless'),
      ),
    );
  },
  ({ database }) =>
    database.kind !== 'documentdb' || database.capacity === undefined
      ? []
      : unless(
          database.capacity.min <= database.capacity.max,
          fault(
            'database.capacity.max',
            'is below database.capacity.min.',
            set('database.capacity.max', String(database.capacity.min)),
          ),
        ),
  ({ database }) =>
    unless(
      database.kind !== 'documentdb' || database.snapshot === undefined || database.pointInTime === undefined,
      fault(
        'database.pointInTime',
        'is set beside database.snapshot: a database is restored from only one of them.',
        remove('database.snapshot'),
        remove('database.pointInTime'),
      ),
    ),
  ({ database, service: { max } }) => {
    if (database.kind !== 'documentdb' || lacksBounds(database)) return [];
    const { poolSize } = database;
    const needed = connectionsNeeded({ poolSize, max });
    const limit = connectionsOf(database);
    const fitting = Math.floor(limit / (2 * max)) - MONITORS;
    return unless(
      needed <= limit,
      fault(
        'database.poolSize',
        `of ${poolSize} needs ${needed} connections: service.max ${max} tasks, each with ${MONITORS} more to monitor the database, twice during a deployment. An instance takes ${limit}.`,
        ...(fitting > 0
          ? [set('database.poolSize', String(fitting))]
          : [set('service.max', String(Math.max(1, Math.floor(limit / (2 * (poolSize + MONITORS))))))]),
      ),
    );
  },
];

const neededSecrets = ['livekitApiKey', 'livekitApiSecret', 'encryptionKeys'] as const satisfies readonly SecretKey[];

const secrets: Rule[] = [
  (settings) =>
    neededSecrets.flatMap((key) =>
      unless(
        settings[key] !== undefined || settings.secretArns[key] !== undefined,
        fault(
          key,
          `is missing. Set its value, or name an existing secret that has it.`,
          ...example(key),
          ...example(`secretArns.${key}`),
        ),
      ),
    ),
  (settings) =>
    SECRET_KEYS.flatMap((key) =>
      unless(
        settings[key] === undefined || settings.secretArns[key] === undefined,
        fault(key, `is set twice, here and by infra:secretArns.${key}.`, remove(key), remove(`secretArns.${key}`)),
      ),
    ),
  ({ database, mongodbUri, secretArns }) =>
    unless(
      database.kind !== 'external' || mongodbUri !== undefined || secretArns.mongodbUri !== undefined,
      fault(
        'mongodbUri',
        'is missing: the database is external.',
        ...example('mongodbUri'),
        ...example('secretArns.mongodbUri'),
      ),
    ),
  ({ database, mongodbUri, secretArns }) =>
    unless(
      database.kind !== 'documentdb' || (mongodbUri === undefined && secretArns.mongodbUri === undefined),
      fault(
        mongodbUri === undefined ? 'secretArns.mongodbUri' : 'mongodbUri',
        'is for an external database; the URI of DocumentDB is composed here.',
        remove(mongodbUri === undefined ? 'secretArns.mongodbUri' : 'mongodbUri'),
        set('database.kind', 'external'),
      ),
    ),
  ({ database, databasePassword }) =>
    unless(
      database.kind !== 'documentdb' || databasePassword !== undefined,
      fault('databasePassword', 'is missing: DocumentDB is created with it.', ...example('databasePassword')),
    ),
  ({ database, databasePassword }) =>
    unless(
      database.kind === 'documentdb' || databasePassword === undefined,
      fault('databasePassword', 'is for DocumentDB, and the database is external.', remove('databasePassword')),
    ),
];

/** ECS, load balancers, CloudWatch and EventBridge accept only ARNs of their own region. */
const arns: Rule[] = [
  ({ region, secretArns, secretKmsKeyArns, alarms, certificateArn, loadBalancer }) =>
    [
      ...(certificateArn === undefined ? [] : [{ path: 'certificateArn', arn: certificateArn }]),
      ...(loadBalancer ? [{ path: 'loadBalancer.listenerArn', arn: loadBalancer.listenerArn }] : []),
      ...Object.entries(secretArns).map(([key, arn]) => ({ path: `secretArns.${key}`, arn })),
      ...secretKmsKeyArns.map((arn, at) => ({ path: `secretKmsKeyArns[${at}]`, arn })),
      ...(alarms && 'snsArn' in alarms ? [{ path: 'alarms.snsArn', arn: alarms.snsArn }] : []),
    ].flatMap(({ path, arn = '' }) =>
      unless(
        arn.split(':')[3] === region,
        fault(
          path,
          `is not in ${region}, where the service runs.`,
          set(path, arn.replace(/^(([^:]*:){3})[^:]*/, `$1${region}`)),
        ),
      ),
    ),
];

const external: Rule[] = [
  ({ database, mongodbUri }) => {
    if (database.kind !== 'external' || mongodbUri === undefined) return [];
    const ports = portsOf(mongodbUri);
    if (ports.length > 1)
      return [
        fault(
          'mongodbUri',
          `names the ports ${ports.join(', ')}, but tasks may reach only one: let all hosts of the database listen on the same port.`,
        ),
      ];
    return unless(
      ports.every((port) => port === database.port),
      fault(
        'database.port',
        `is ${database.port}, and infra:mongodbUri names ${ports.join(', ')}: the tasks could not reach it.`,
        set('database.port', String(ports[0])),
      ),
    );
  },
  ({ environment, mongodbUri = 'mongodb+srv:' }) =>
    unless(
      environment !== 'prod' || speaksTls(mongodbUri),
      fault(
        'mongodbUri',
        'must use TLS in prod, and check certificates: mongodb+srv://, or mongodb:// with tls=true.',
        ...example('mongodbUri'),
      ),
    ),
  ({ environment, service: { twilioApiUrl = 'https:' } }) =>
    unless(
      environment !== 'prod' || twilioApiUrl.startsWith('https:'),
      fault(
        'service.twilioApiUrl',
        'must be https:// in prod: Twilio’s tokens are sent over it.',
        ...example('service.twilioApiUrl'),
      ),
    ),
];

/** The ports of a URI's hosts. A `mongodb+srv` URI has none: they are in its SRV record. */
const portsOf = (uri: string): number[] =>
  uri.startsWith('mongodb+srv:') ? [] : [...new Set(hostsOf(uri).map((host) => splitHost(host)?.port ?? 27_017))];

/** https://www.mongodb.com/docs/manual/reference/connection-string-options/#tls-options: SRV implies TLS. */
const speaksTls = (uri: string): boolean => {
  const options = new URLSearchParams(uri.replace(/^[^?]*\??/, '').toLowerCase());
  const tls = options.get('tls') ?? options.get('ssl') ?? String(uri.startsWith('mongodb+srv:'));
  const isChecked = ['tlsinsecure', 'tlsallowinvalidcertificates', 'tlsallowinvalidhostnames'].every(
    (option) => options.get(option) !== 'true',
  );
  return tls === 'true' && isChecked;
};

/** The most that a resource may have. https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html */
const MOST_TAGS = 50;

const tagged: Rule[] = [
  ({ tags }) => {
    // Beside them, a security group has a name.
    const most = MOST_TAGS - OWN_TAGS.length - 1;
    const given = Object.keys(tags).length;
    return unless(
      given <= most,
      fault(
        'tags',
        `are ${given}, and may be ${most}: a resource takes ${MOST_TAGS}, the program’s own among them.`,
        remove('tags.<one of them>'),
      ),
    );
  },
];

/** A rule that applies only in production. */
const inProduction =
  (rule: Rule): Rule =>
  (settings) =>
    settings.environment === 'prod' ? rule(settings) : [];

const environment: Rule[] = [
  ({ network: { egress }, environment: name }) =>
    unless(
      name !== 'prod' || egress !== 'public-ip',
      fault(
        'network.egress',
        'must not be public-ip in prod: tasks have no public addresses there.',
        set('network.egress', 'nat-per-zone'),
      ),
    ),
  inProduction(({ image }) =>
    unless(
      image === undefined || image.includes('@sha256:'),
      fault(
        'image',
        'must be named by its digest in prod: what a tag means can change between two tasks.',
        ...example('image'),
      ),
    ),
  ),
  inProduction(({ service: { min } }) =>
    unless(min >= 2, fault('service.min', 'must be 2 or more in prod: one zone may fail.', set('service.min', '2'))),
  ),
  inProduction(({ protect }) =>
    unless(
      protect !== false,
      fault(
        'protect',
        'must not be false in prod. To delete a stack and its data, see "Tear down" in docs/runbooks.md.',
        set('protect', 'true'),
      ),
    ),
  ),
  inProduction(({ database }) =>
    unless(
      database.kind !== 'documentdb' || database.instances >= 2,
      fault(
        'database.instances',
        'must be 2 or more in prod: the second takes over if the first fails.',
        set('database.instances', '2'),
      ),
    ),
  ),
  inProduction(({ database }) =>
    unless(
      database.kind !== 'documentdb' || database.backupRetentionDays >= 7,
      fault('database.backupRetentionDays', 'must be 7 or more in prod.', set('database.backupRetentionDays', '14')),
    ),
  ),
  inProduction(({ alarms }) =>
    unless(
      alarms !== undefined,
      fault('alarms', 'is missing: in prod, somebody must be notified.', ...example('alarms')),
    ),
  ),
];

const rules: readonly Rule[] = [
  ...network,
  ...existingNetwork,
  ...edge,
  ...sharedLoadBalancer,
  ...firewall,
  ...service,
  ...liveKit,
  ...database,
  ...external,
  ...secrets,
  ...arns,
  ...tagged,
  ...environment,
];
