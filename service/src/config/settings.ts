import { join } from 'node:path';
import type { z } from 'zod';
import {
  addresses,
  chosenApiKey,
  count,
  databaseUri,
  encryptionKeys,
  folder,
  hostName,
  listening,
  oneOf,
  port,
  seconds,
  text,
  trueOrFalse,
  trustedProxies,
  url,
} from './setting-values.ts';

export interface Setting {
  type: z.ZodType;
  /** Shown in docs/settings.md, and when the setting is missing. */
  description: string;
  /** The value if it is not set, written as in the environment. */
  default?: string;
  /** Describes the default for readers, if `default` is absent or says too little. */
  unset?: string;
  /** In development, something local replaces it. */
  required_in_production?: true;
  /** Shown at the end of the message about a wrong or missing value. */
  example?: string;
}

/** Where Twilio's calls come from. https://www.twilio.com/docs/sip-trunking/ip-addresses, read 2026-11-23. */
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

/** Every setting of the service: the one place that defines its name, type, default and meaning. */
export const settings = {
  MONGODB_URI: {
    type: databaseUri,
    description: 'The connection string of the database, which must be a replica set, for transactions',
    unset: 'an embedded database',
    required_in_production: true,
    example: 'mongodb://host:27017/trunkline?replicaSet=rs0',
  },
  LIVEKIT_URL: {
    type: url(/^(wss?|https?)$/),
    description: 'The URL of the LiveKit project, with a path if it has one',
    unset: 'the sandbox',
    required_in_production: true,
    example: 'wss://example.livekit.cloud',
  },
  LIVEKIT_API_KEY: {
    type: text,
    description: "The LiveKit project's API key",
    unset: 'the sandbox',
    required_in_production: true,
  },
  LIVEKIT_API_SECRET: {
    type: text,
    description: "The LiveKit project's API secret",
    unset: 'the sandbox',
    required_in_production: true,
  },
  LIVEKIT_SIP_HOST: {
    type: hostName,
    description: "The SIP host that carriers send calls to: LiveKit Cloud's, or your own",
    unset: 'the sandbox',
    required_in_production: true,
    example: 'example.sip.livekit.cloud',
  },
  ENCRYPTION_KEYS: {
    type: encryptionKeys,
    description:
      'The keys for stored secrets, as `id:base64 of 32 bytes`, separated by commas; the first encrypts, all decrypt',
    unset: 'generated, and kept in `DATA_DIR`',
    required_in_production: true,
    example: '2026a:$(openssl rand -base64 32)',
  },
  BOOTSTRAP_API_KEY: {
    type: chosenApiKey,
    description: 'On an empty database, creates an organization with this admin key',
    unset: 'a sample organization; in production, none',
    example: 'tl_live_$(openssl rand -hex 32)',
  },
  NODE_ENV: {
    type: oneOf(['development', 'test', 'production']),
    description: '`production` turns off the embedded database, the sandbox and generated keys',
    default: 'development',
  },
  HOST: {
    type: listening,
    description: 'The address that the API listens on',
    unset: '`127.0.0.1`; in production, all addresses',
  },
  PORT: { type: port, description: 'The port that the API listens on', default: '3000' },
  METRICS_HOST: {
    type: listening,
    description: 'The address that serves Prometheus metrics at `/metrics`; `::` lets other machines read them',
    default: '127.0.0.1',
  },
  METRICS_PORT: { type: port, description: 'The port that serves Prometheus metrics', default: '9464' },
  TRUSTED_PROXIES: {
    type: trustedProxies,
    description: 'The number of proxies in front of the service, or their addresses',
    default: '0',
    example: '10.0.0.0/8',
  },
  TWILIO_SECURE_TRUNKING: {
    type: trueOrFalse,
    description: 'Whether calls between Twilio and LiveKit are encrypted, with TLS and SRTP',
    unset: '`true` if `LIVEKIT_SIP_HOST` belongs to LiveKit Cloud or has port 5061',
  },
  TWILIO_SIGNALLING_ADDRESSES: {
    type: addresses,
    description: 'Where calls for Twilio numbers come from: addresses or ranges separated by commas, or `*` for all',
    default: TWILIO_SIGNALLING_ADDRESSES.join(','),
    unset: "Twilio's published addresses",
    example: '203.0.113.0/24,2001:db8::1',
  },
  TWILIO_API_URL: {
    type: url(/^https?$/),
    description: "The base URL of a proxy for all of Twilio's hosts; `X-Forwarded-Host` names the host",
    unset: "Twilio's own hosts",
    example: 'http://127.0.0.1:4010',
  },
  RATE_LIMIT_RPS: { type: count, description: 'Requests per second, for each API key and replica', default: '50' },
  ANONYMOUS_RATE_LIMIT_RPS: {
    type: count,
    description:
      'Requests per second without an API key, for each address and replica; an IPv6 /64 counts as one address',
    default: '20',
  },
  MAX_API_KEYS: { type: count, description: 'Active API keys that one organization may have', default: '100' },
  MAX_INTEGRATIONS: { type: count, description: 'Integrations that one organization may have', default: '50' },
  MAX_PHONE_NUMBERS: { type: count, description: 'Phone numbers that one organization may have', default: '10000' },
  MAX_CONNECTIONS: {
    type: count,
    description: 'Open connections per replica; more are refused',
    default: '2000',
  },
  REQUEST_TIMEOUT_SECONDS: { type: seconds(0.1), description: 'How long a request may take to arrive', default: '30' },
  RESPONSE_TIMEOUT_SECONDS: {
    type: seconds(0.1),
    description: 'How long a caller may take to read an answer',
    default: '30',
  },
  KEEP_ALIVE_SECONDS: {
    type: seconds(0.1),
    description: 'How long an idle connection stays open; set it above the idle timeout of your load balancer',
    default: '65',
  },
  IMPORT_DEADLINE_SECONDS: {
    type: seconds(0.1),
    description: 'How long an import may take before it is rolled back',
    default: '25',
  },
  PROVIDER_TIMEOUT_SECONDS: {
    type: seconds(0.05),
    description: 'How long one call to Twilio or LiveKit may take',
    default: '10',
  },
  LEASE_SECONDS: {
    type: seconds(0.1),
    description: 'How long before another replica takes over the work of one that stopped',
    default: '30',
  },
  RECONCILE_INTERVAL_SECONDS: {
    type: seconds(0.01),
    description: 'How often a replica looks for work that is due',
    default: '5',
  },
  DATA_DIR: {
    type: folder,
    description: 'The folder for the embedded database and generated keys',
    default: join(import.meta.dirname, '../../../.data'),
    unset: '`.data`',
  },
  LOG_LEVEL: {
    type: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    description: 'The lowest level that is logged',
    default: 'info',
  },
} as const satisfies Record<string, Setting>;

type SettingName = keyof typeof settings;
/** `LEASE_SECONDS` is read as `lease_ms`, `PORT` as `port`. */
type Field<Name extends string> = Name extends `${infer Amount}_SECONDS` ? `${Lowercase<Amount>}_ms` : Lowercase<Name>;
type Value<S extends Setting> = z.output<S['type']> | (S extends { default: string } ? never : undefined);

/** The parsed values of all settings. */
export type SettingValues = { [Name in SettingName as Field<Name>]: Value<(typeof settings)[Name]> };

export const fieldOf = (name: string): string => name.toLowerCase().replace(/_seconds$/, '_ms');

/** Describes what applies if a setting is not set. */
export const describeDefault = (setting: Setting): string => {
  const words = setting.unset ?? `\`${setting.default}\``;
  return setting.required_in_production ? `${words}; required in production` : words;
};
