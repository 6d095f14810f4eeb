import type { TwilioCredentials } from '@trunkline/contracts';
import { composeCore } from '../../src/compose/core.ts';
import { type Config, readConfig } from '../../src/config/index.ts';
import { createSecrets, type Secrets } from '../../src/database/secrets.ts';
import { createLogging } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { Database, Through } from './database.ts';
import { connectAccount, createSwitchboard, type Providers } from './providers.ts';
import type { Saboteur } from './saboteurs.ts';
import type { Life, Scheduler } from './scheduler.ts';
import type { Seams } from './seams.ts';

type Core = Awaited<ReturnType<typeof composeCore>>;

export interface Replica {
  life: Life;
  core: Core;
}

/** The settings that may change at a restart. */
export interface Settings {
  TWILIO_SIGNALLING_ADDRESSES: string;
  TWILIO_SECURE_TRUNKING: 'true' | 'false';
  IMPORT_DEADLINE_SECONDS: string;
  LEASE_SECONDS: string;
  sip_host: string;
}

export interface World {
  saboteur: Saboteur | undefined;
  scheduler: Scheduler;
  database: Database;
  providers: Providers;
  seams: Seams;
}

const metrics = createMetrics();
const { log } = createLogging('silent', { write: () => {} });
const KEYS = new Map([['test', new Uint8Array(32).fill(7)]]);

/** Real encryption runs on a thread pool and finishes in any order. These texts too open only in their place and show nothing. */
const real = createSecrets(KEYS);
export const secrets: Secrets = {
  ...real,
  seal: async (secret, place) => `sealed:${place}:${Buffer.from(secret).toString('base64url')}`,
  open: async (sealed, place) => {
    const [, where, secret = ''] = sealed.split(':');
    if (where !== place) throw new Error(`A secret of ${where} was found at ${place}`);
    return Buffer.from(secret, 'base64url').toString();
  },
};

const configs = new Map<string, Config>();
const configOf = ({ sip_host: _, ...environment }: Settings): Config => {
  const name = JSON.stringify(environment);
  const known = configs.get(name) ?? readConfig({ NODE_ENV: 'test', ...environment });
  configs.set(name, known);
  return known;
};

/** A process of the service: everything except the HTTP server. */
export const openReplica = async (
  { scheduler, database, providers, seams, saboteur }: World,
  life: Life,
  settings: Settings,
): Promise<Replica> => {
  const config = configOf(settings);
  let isStarted = false;
  const disturbed = seams.through(life);
  // Not disturbed at the start: a failure there ends the process, and another replaces it.
  const through: Through = (command, effect) =>
    isStarted ? disturbed(command, effect) : scheduler.wait(life, `${life.name} starts`).then(effect);
  const timeout_ms = config.provider_timeout_ms;
  const sabotage = saboteur?.vendor ?? ((port) => port);
  const switchboard = seams.guard(life, 'livekit', createSwitchboard(providers), { timeout_ms });
  const connect = (credentials: TwilioCredentials) => {
    const begins = (call: string) => providers.begins(call, credentials);
    return sabotage(seams.guard(life, 'twilio', connectAccount(providers, credentials), { timeout_ms, begins }));
  };
  return scheduler.as(life.name, async () => {
    const core = await composeCore(config, {
      connection: database.connectionOf(through, saboteur?.command),
      clock: scheduler.clockOf(life),
      log,
      metrics,
      secrets,
      sip_host: settings.sip_host,
      livekit_project: 'simulation',
      switchboard: sabotage(switchboard),
      connect,
    });
    isStarted = true;
    return { life, core };
  });
};
