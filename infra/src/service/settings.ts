import type { Config } from '../config/config.ts';
import type { SecretKey } from '../config/schema.ts';

export const SERVICE_PORT = 3000;
/** The port for Prometheus. No security group opens it. */
const METRICS_PORT = 9464;

/** The service's settings as deployed, without its secrets. */
export const environmentOf = ({
  livekitUrl,
  livekitSipHost,
  service,
}: Pick<Config, 'livekitUrl' | 'livekitSipHost' | 'service'>): Record<string, string> =>
  onlyGiven({
    NODE_ENV: 'production',
    PORT: SERVICE_PORT,
    METRICS_PORT,
    // The load balancer is the only proxy.
    TRUSTED_PROXIES: 1,
    LIVEKIT_URL: livekitUrl,
    LIVEKIT_SIP_HOST: livekitSipHost,
    TWILIO_SECURE_TRUNKING: service.twilioSecureTrunking,
    TWILIO_SIGNALLING_ADDRESSES: service.twilioSignallingAddresses,
    TWILIO_API_URL: service.twilioApiUrl,
    RATE_LIMIT_RPS: service.rateLimitRps,
    MAX_API_KEYS: service.maxApiKeys,
    MAX_INTEGRATIONS: service.maxIntegrations,
    MAX_PHONE_NUMBERS: service.maxPhoneNumbers,
    IMPORT_DEADLINE_SECONDS: service.importDeadlineSeconds,
    PROVIDER_TIMEOUT_SECONDS: service.providerTimeoutSeconds,
    LEASE_SECONDS: service.leaseSeconds,
    RECONCILE_INTERVAL_SECONDS: service.reconcileIntervalSeconds,
    LOG_LEVEL: service.logLevel,
  });

const onlyGiven = (values: Record<string, string | number | boolean | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, `${value}`]])),
  );

/** The service's secret settings, which come from Secrets Manager. */
export const SECRET_SETTINGS: Record<SecretKey, string> = {
  mongodbUri: 'MONGODB_URI',
  livekitApiKey: 'LIVEKIT_API_KEY',
  livekitApiSecret: 'LIVEKIT_API_SECRET',
  encryptionKeys: 'ENCRYPTION_KEYS',
  bootstrapApiKey: 'BOOTSTRAP_API_KEY',
};

/** Settings that keep the service's defaults, and why. */
export const LEFT_ALONE: Record<string, string> = {
  HOST: 'in production it listens on every address',
  DATA_DIR: 'in production it keeps nothing on disk',
  METRICS_HOST: 'CloudWatch takes the metrics from the log, so the port stays closed',
  ANONYMOUS_RATE_LIMIT_RPS: 'the default fits, and WAF limits requests before it',
  MAX_CONNECTIONS: 'the load balancer opens fewer',
  REQUEST_TIMEOUT_SECONDS: 'its default is below the idle time of the load balancer',
  RESPONSE_TIMEOUT_SECONDS: 'the load balancer reads each answer whole',
  KEEP_ALIVE_SECONDS: 'its default is above the idle time of the load balancer',
};

/** When it stops, the service lets running imports finish, plus five seconds to record them. */
const DRAIN_MARGIN_SECONDS = 5;
/** Between the end of draining and ECS's SIGKILL. */
const STOP_MARGIN_SECONDS = 10;

/** How long the load balancer lets running requests finish before ECS stops a task. */
export const deregistrationSeconds = ({ importDeadlineSeconds }: Config['service']): number =>
  Math.ceil(importDeadlineSeconds) + DRAIN_MARGIN_SECONDS;

/** How long ECS waits from SIGTERM to SIGKILL. Fargate allows at most 120. */
export const stopSeconds = ({ importDeadlineSeconds }: Config['service']): number =>
  Math.ceil(importDeadlineSeconds) + DRAIN_MARGIN_SECONDS + STOP_MARGIN_SECONDS;

/**
 * Longer than the longest import, so that its answer still has a connection. Shorter than the 65 s that the service
 * keeps an idle connection, so that the load balancer never uses one that is being closed.
 */
export const IDLE_TIMEOUT_SECONDS = 60;

/** The ports that tasks call: HTTPS, an external database's port, and the ports in URLs. */
export const outboundPorts = ({
  livekitUrl,
  service,
  database,
}: Pick<Config, 'livekitUrl' | 'service' | 'database'>): number[] => {
  const named = [livekitUrl, service.twilioApiUrl].flatMap((url) => (url === undefined ? [] : [portOf(new URL(url))]));
  return [...new Set([443, ...named, ...(database.kind === 'external' ? [database.port] : [])])].toSorted(
    (a, b) => a - b,
  );
};

const portOf = ({ port, protocol }: URL): number =>
  port === '' ? (/^(wss|https):$/.test(protocol) ? 443 : 80) : Number(port);
