import { isIPv6 } from 'node:net';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { AllowedAddress, isHost, isOfNobody, letsEveryoneIn, splitHostAndPort } from '@trunkline/contracts';
import { z } from 'zod';
import type { Quotas } from './database/quota.ts';
import type { KeyRing } from './database/secrets.ts';
import type { ConnectionSettings } from './http/connections.ts';
import { formOf } from './organizations/raw-key.ts';

/** Twilio's signalling addresses, from which its calls come. https://www.twilio.com/docs/sip-trunking/ip-addresses, read 2026-11-23. */
const TWILIO_SIGNALLING_ADDRESSES = [
  '54.172.60.0/30', // Virginia
  '54.244.51.0/30', // Oregon
  '54.171.127.192/30', // Ireland
  '35.156.191.128/30', // Frankfurt
  '54.65.63.192/30', // Tokyo
  '54.169.127.128/30', // Singapore
  '54.252.254.64/30', // Sydney
  '177.71.206.192/30', // São Paulo
];

const seconds = (fallback: number, min: number) =>
  z.coerce
    .number('must be a number of seconds')
    .min(min, `must be ${min} seconds or more`)
    .max(86_400)
    .default(fallback);

const port = (fallback: number) =>
  z.coerce.number('must be a port').int('must be a port').min(0).max(65_535, 'must be a port').default(fallback);

const count = (fallback: number) =>
  z.coerce.number('must be a whole number').int('must be a whole number').positive('must be above 0').default(fallback);

const url = (protocol: RegExp, example: string) =>
  z.url({ protocol, error: `must be a URL, as in ${example}`, abort: true }).superRefine((text, { addIssue }) => {
    const parsed = new URL(text);
    if (!isHost(hostOf(parsed))) addIssue('must name a host that can exist');
    if (parsed.search || parsed.hash || parsed.username || parsed.password)
      addIssue(`must have a host and perhaps a path, and nothing else, as in ${example}`);
  });

/** Without the brackets around an IPv6 address. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

const LISTENING = 'must be an IP address of this machine, or a host name';

/** Where to listen: 0.0.0.0 and :: are all addresses. */
const listening = z.string().refine(isHost, LISTENING);

/** A fault names the part that it is about. */
const requireAddress = (text: string, { addIssue }: { addIssue(message: string): void }): void => {
  for (const { message } of AllowedAddress.safeParse(text).error?.issues ?? [])
    addIssue(`names ${text}, which ${message}`);
};

const commaSeparated = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean),
);

/** A list that lets everyone in is the same as `*`. */
const Addresses = commaSeparated
  .superRefine((parts, context) => {
    if (parts.length === 0) context.addIssue('must be IP addresses or ranges separated by commas, or *');
    else if (parts.join() !== '*') for (const part of parts) requireAddress(part, context);
  })
  .transform((parts) => (letsEveryoneIn(parts.filter((part) => part !== '*')) ? ['*'] : parts));

const EncryptionKeys = commaSeparated.transform((parts, ctx): KeyRing => {
  const keys = parts.map((part): [string, Uint8Array] => {
    const [, id = '', text = ''] = /^([A-Za-z0-9_-]+):(.*)$/.exec(part) ?? [];
    return [id, Buffer.from(text, 'base64')];
  });
  if (keys.length === 0 || keys.some(([id, key]) => id === '' || key.length !== 32)) {
    ctx.addIssue(
      'must be id:key pairs separated by commas, each key 32 bytes in base64, as in 2026a:$(openssl rand -base64 32)',
    );
  } else if (new Set(keys.map(([id]) => id)).size < keys.length) {
    ctx.addIssue('names one key id twice');
  }
  return new Map(keys);
});

const isProxy = (text: string): boolean =>
  ['loopback', 'linklocal', 'uniquelocal'].includes(text) || AllowedAddress.safeParse(text).success;

/** A count of proxies, or their addresses, as Express's `trust proxy` takes them. */
const TrustedProxies = z
  .union(
    [
      z
        .string()
        .regex(/^[0-9]{1,3}$/)
        .transform(Number),
      commaSeparated.refine((parts) => parts.length > 0 && parts.every(isProxy)),
    ],
    'must be the number of proxies, or their addresses or ranges separated by commas, as in 10.0.0.0/8',
  )
  .refine(
    (given) => typeof given === 'number' || !letsEveryoneIn(given.filter((part) => part.includes('/'))),
    'must not be everyone, who could then claim any address: name your proxies, or say how many there are',
  );

/** A host, with or without a port, that something can be sent to. */
function canBeAsked(text: string): boolean {
  const { host } = splitHostAndPort(text) ?? {};
  return host !== undefined && !isOfNobody(host);
}

/** A path of a socket, which is percent-encoded, is no host. */
const hostsOfMongo = (uri: string): string[] =>
  (/^[^:]+:\/\/(?:[^@/]*@)?([^/?]*)/.exec(uri)?.[1] ?? '').split(',').filter((host) => !/^%2F/i.test(host));

const Environment = z.object({
  NODE_ENV: z
    .enum(['development', 'test', 'production'], 'must be development, test or production')
    .default('development'),
  HOST: listening.optional(),
  PORT: port(3000),
  METRICS_HOST: listening.default('127.0.0.1'),
  METRICS_PORT: port(9464),
  DATA_DIR: z.string().default(resolve(import.meta.dirname, '../../.data')),
  XDG_CACHE_HOME: z.string().default(join(homedir(), '.cache')),
  PATH: z.string().default(''),
  // No z.url: several hosts make it none.
  MONGODB_URI: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\/[^\s/]+/, 'must be as in mongodb://host:27017/trunkline?replicaSet=rs0')
    .refine((uri) => hostsOfMongo(uri).every(canBeAsked), 'must name hosts that can exist')
    .optional(),
  LIVEKIT_URL: url(/^(wss?|https?)$/, 'wss://example.livekit.cloud').optional(),
  LIVEKIT_API_KEY: z.string().optional(),
  LIVEKIT_API_SECRET: z.string().optional(),
  LIVEKIT_SIP_HOST: z
    .string()
    .refine(canBeAsked, 'must be a host name, as in example.sip.livekit.cloud')
    .transform((text) => (isIPv6(text) ? `[${text}]` : text.toLowerCase()))
    .optional(),
  TWILIO_API_URL: url(/^https?$/, 'http://127.0.0.1:4010').optional(),
  TWILIO_SECURE_TRUNKING: z.stringbool('must be true or false').optional(),
  TWILIO_SIGNALLING_ADDRESSES: Addresses.default(TWILIO_SIGNALLING_ADDRESSES),
  ENCRYPTION_KEYS: EncryptionKeys.optional(),
  BOOTSTRAP_API_KEY: z
    .string()
    .refine(
      (text) => formOf(text) !== undefined,
      'must be tl_live_ and 43 or more of A-Z a-z 0-9 _ -, as in tl_live_$(openssl rand -hex 32)',
    )
    .optional(),
  RATE_LIMIT_RPS: count(50),
  ANONYMOUS_RATE_LIMIT_RPS: count(20),
  MAX_API_KEYS: count(100),
  MAX_INTEGRATIONS: count(50),
  MAX_PHONE_NUMBERS: count(10_000),
  MAX_CONNECTIONS: count(2000),
  REQUEST_TIMEOUT_SECONDS: seconds(30, 0.1),
  RESPONSE_TIMEOUT_SECONDS: seconds(30, 0.1),
  KEEP_ALIVE_SECONDS: seconds(65, 0.1),
  TRUSTED_PROXIES: TrustedProxies.default(0),
  IMPORT_DEADLINE_SECONDS: seconds(25, 0.1),
  RECONCILE_INTERVAL_SECONDS: seconds(5, 0.01),
  LEASE_SECONDS: seconds(30, 0.1),
  PROVIDER_TIMEOUT_SECONDS: seconds(10, 0.05),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'must be a level of pino')
    .default('info'),
});
type Environment = z.output<typeof Environment>;

/** What an operator can set; the rest of what is read belongs to the machine. */
export const settingNames = Object.keys(Environment.shape).filter((name) => !['PATH', 'XDG_CACHE_HOME'].includes(name));

export interface LiveKitSettings {
  url: string;
  api_key: string;
  api_secret: string;
  /** Where carriers send calls. */
  sip_host: string;
}

export interface Config {
  production: boolean;
  host: string;
  port: number;
  metrics_host: string;
  metrics_port: number;
  connections: ConnectionSettings;
  data_dir: string;
  /** Where an embedded mongod that was downloaded is kept. */
  cache_dir: string;
  search_path: string;
  /** Absent: an embedded mongod. */
  mongodb_uri?: string;
  /** Absent: the sandbox. */
  livekit?: LiveKitSettings;
  /** Names the LiveKit project, so that a database is never used with another. */
  livekit_project: string;
  twilio_api_url?: string;
  /** Absent: decided by where LiveKit's SIP host is. */
  twilio_secure_trunking?: boolean;
  /** Absent: calls are taken from anywhere. */
  twilio_signalling_addresses?: string[];
  /** Absent: made, and kept in the data folder. */
  encryption_keys?: KeyRing;
  bootstrap_api_key?: string;
  rate_limit_rps: number;
  /** Of what needs no key, or comes without one, from one address. */
  anonymous_rate_limit_rps: number;
  /** The most that an organization may have. */
  quotas: Quotas;
  trusted_proxies: number | string[];
  import_deadline_ms: number;
  reconcile_interval_ms: number;
  lease_ms: number;
  provider_timeout_ms: number;
  log_level: string;
}

/** One message that lists every fault of the settings, and how to mend each. */
export class ConfigError extends Error {
  constructor(faults: readonly string[]) {
    super(
      `The settings do not fit. Mend these environment variables, and start again:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
    this.name = 'ConfigError';
  }
}

/** Reads the settings from the environment. Throws `ConfigError` with all faults at once. */
export const readConfig = (environment: Record<string, string | undefined>): Config => {
  // What is read from a file often ends in a line break.
  const given = Object.fromEntries(
    Object.entries(environment).flatMap(([name, value = '']): [string, string][] =>
      value.trim() === '' ? [] : [[name, value.trim()]],
    ),
  );
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    throw new ConfigError([
      ...parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`),
      ...faultsBetween(given),
    ]);
  }
  const faults = faultsBetween(given, parsed.data);
  if (faults.length > 0) throw new ConfigError(faults);
  return configOf(parsed.data);
};

const liveKitSettings = ['LIVEKIT_URL', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET', 'LIVEKIT_SIP_HOST'] as const;
const neededInProduction = {
  MONGODB_URI: 'the database, a replica set',
  LIVEKIT_URL: 'the LiveKit project, as in wss://example.livekit.cloud',
  LIVEKIT_API_KEY: "the LiveKit project's API key",
  LIVEKIT_API_SECRET: "the LiveKit project's API secret",
  LIVEKIT_SIP_HOST: 'where carriers send calls, as in example.sip.livekit.cloud',
  ENCRYPTION_KEYS: 'what encrypts stored credentials, as in 2026a:$(openssl rand -base64 32)',
};

const faultsBetween = (given: Record<string, unknown>, environment?: Environment): string[] => {
  const isMissing = (name: string) => given[name] === undefined;
  const someLiveKit = !liveKitSettings.every(isMissing);
  const faults =
    given.NODE_ENV === 'production'
      ? Object.entries(neededInProduction)
          .filter(([name]) => isMissing(name))
          .map(([name, what]) => `${name} is required in production: ${what}`)
      : liveKitSettings
          .filter((name) => someLiveKit && isMissing(name))
          .map((name) => `${name} is required with the other LIVEKIT_ settings: set all four, or none for the sandbox`);
  if (environment && environment.PROVIDER_TIMEOUT_SECONDS >= environment.LEASE_SECONDS) {
    faults.push('LEASE_SECONDS must be above PROVIDER_TIMEOUT_SECONDS: a call must fit into a lease');
  }
  if (environment && environment.PROVIDER_TIMEOUT_SECONDS >= environment.IMPORT_DEADLINE_SECONDS) {
    faults.push('IMPORT_DEADLINE_SECONDS must be above PROVIDER_TIMEOUT_SECONDS: a call must fit into an import');
  }
  return environment ? [...faults, ...contradictions(environment)] : faults;
};

/** Settings that are each right, and cannot both be meant. */
const contradictions = (environment: Environment): string[] => {
  const { LIVEKIT_URL, LIVEKIT_SIP_HOST, TWILIO_SECURE_TRUNKING, PORT, METRICS_PORT } = environment;
  const faults: string[] = [];
  const url = LIVEKIT_URL === undefined ? undefined : new URL(LIVEKIT_URL);
  const { host: sip_host = '', port: sip_port } = splitHostAndPort(LIVEKIT_SIP_HOST ?? '') ?? {};
  const isOfCloud = url !== undefined && isCloud(hostOf(url));
  if (isOfCloud && /^(ws|http):$/.test(url.protocol)) {
    faults.push('LIVEKIT_URL must begin with wss:// or https://: LiveKit Cloud takes nothing else');
  }
  if (isCloud(sip_host) && !isCloudSip(sip_host)) {
    faults.push(
      "LIVEKIT_SIP_HOST must be the host of the project's SIP URI, as in example.sip.livekit.cloud: LIVEKIT_URL's host takes no calls",
    );
  }
  if (url !== undefined && !isOfCloud && isCloudSip(sip_host)) {
    faults.push(
      'LIVEKIT_SIP_HOST must be where the LiveKit of LIVEKIT_URL takes calls: that is your own, and this is LiveKit Cloud',
    );
  }
  // RFC 3261, 19.1.2: 5061 is for TLS, 5060 for the others.
  if (TWILIO_SECURE_TRUNKING !== undefined && sip_port === (TWILIO_SECURE_TRUNKING ? 5060 : 5061)) {
    faults.push(
      `TWILIO_SECURE_TRUNKING must be ${!TWILIO_SECURE_TRUNKING} with port ${sip_port} in LIVEKIT_SIP_HOST: 5061 is for TLS, and 5060 for calls without it`,
    );
  }
  const listensAt = [hostToListenAt(environment), environment.METRICS_HOST];
  const areOne = new Set(listensAt).size === 1 || listensAt.some((host) => ['::', '0.0.0.0'].includes(host));
  if (PORT !== 0 && PORT === METRICS_PORT && areOne) faults.push('METRICS_PORT must differ from PORT');
  return faults;
};

const isCloud = (host: string): boolean => /(^|\.)livekit\.cloud\.?$/i.test(host);
const isCloudSip = (host: string): boolean => /\.sip\.livekit\.cloud\.?$/i.test(host);

/** Whether carriers send calls there over TLS: LiveKit Cloud takes them so, and 5061 is the port for it. */
export const takesTls = (sip_host: string): boolean => {
  const { host = '', port } = splitHostAndPort(sip_host) ?? {};
  return port === 5061 || (isCloud(host) && port !== 5060);
};

/** What carrier trunks are made for: Twilio's Secure Trunking wants TLS, and a SIP host that takes it. */
export const madeFor = (
  { twilio_secure_trunking }: Pick<Config, 'twilio_secure_trunking'>,
  sip_host: string,
): { secure: boolean; sip_host: string } => ({ secure: twilio_secure_trunking ?? takesTls(sip_host), sip_host });

const hostToListenAt = ({ HOST, NODE_ENV }: Environment): string =>
  HOST ?? (NODE_ENV === 'production' ? '::' : '127.0.0.1');

/** Two LiveKits may stand behind one host, each at a path of its own. */
const projectOf = ({ host, pathname }: URL): string => host + pathname.replace(/\/+$/, '');

const configOf = (environment: Environment): Config => {
  const production = environment.NODE_ENV === 'production';
  const { LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, LIVEKIT_SIP_HOST } = environment;
  const { TWILIO_API_URL, TWILIO_SECURE_TRUNKING, TWILIO_SIGNALLING_ADDRESSES } = environment;
  return {
    production,
    host: hostToListenAt(environment),
    port: environment.PORT,
    metrics_host: environment.METRICS_HOST,
    metrics_port: environment.METRICS_PORT,
    connections: {
      max_connections: environment.MAX_CONNECTIONS,
      request_timeout_ms: environment.REQUEST_TIMEOUT_SECONDS * 1000,
      response_timeout_ms: environment.RESPONSE_TIMEOUT_SECONDS * 1000,
      keep_alive_ms: environment.KEEP_ALIVE_SECONDS * 1000,
    },
    data_dir: resolve(environment.DATA_DIR),
    cache_dir: join(environment.XDG_CACHE_HOME, 'trunkline'),
    search_path: environment.PATH,
    ...(environment.MONGODB_URI && { mongodb_uri: environment.MONGODB_URI }),
    livekit_project: LIVEKIT_URL ? projectOf(new URL(LIVEKIT_URL)) : 'sandbox',
    ...(LIVEKIT_URL &&
      LIVEKIT_API_KEY &&
      LIVEKIT_API_SECRET &&
      LIVEKIT_SIP_HOST && {
        livekit: {
          url: LIVEKIT_URL,
          api_key: LIVEKIT_API_KEY,
          api_secret: LIVEKIT_API_SECRET,
          sip_host: LIVEKIT_SIP_HOST,
        },
      }),
    ...(TWILIO_API_URL && { twilio_api_url: TWILIO_API_URL }),
    ...(TWILIO_SECURE_TRUNKING !== undefined && { twilio_secure_trunking: TWILIO_SECURE_TRUNKING }),
    ...(TWILIO_SIGNALLING_ADDRESSES[0] !== '*' && { twilio_signalling_addresses: TWILIO_SIGNALLING_ADDRESSES }),
    ...(environment.ENCRYPTION_KEYS && { encryption_keys: environment.ENCRYPTION_KEYS }),
    ...(environment.BOOTSTRAP_API_KEY && { bootstrap_api_key: environment.BOOTSTRAP_API_KEY }),
    rate_limit_rps: environment.RATE_LIMIT_RPS,
    anonymous_rate_limit_rps: environment.ANONYMOUS_RATE_LIMIT_RPS,
    quotas: {
      api_keys: environment.MAX_API_KEYS,
      integrations: environment.MAX_INTEGRATIONS,
      phone_numbers: environment.MAX_PHONE_NUMBERS,
    },
    trusted_proxies: environment.TRUSTED_PROXIES,
    import_deadline_ms: environment.IMPORT_DEADLINE_SECONDS * 1000,
    reconcile_interval_ms: environment.RECONCILE_INTERVAL_SECONDS * 1000,
    lease_ms: environment.LEASE_SECONDS * 1000,
    provider_timeout_ms: environment.PROVIDER_TIMEOUT_SECONDS * 1000,
    log_level: environment.LOG_LEVEL,
  };
};
