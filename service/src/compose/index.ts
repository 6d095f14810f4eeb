import { createChecks, runChecks } from '../checks/index.ts';
import type { Clock } from '../clock.ts';
import { type Config, type LiveKitSettings, madeFor } from '../config/index.ts';
import type { Connection } from '../database/connect.ts';
import { prepareDatabase } from '../database/prepare-database.ts';
import { createSecrets, type KeyRing } from '../database/secrets.ts';
import { createApp } from '../http/app.ts';
import { createAuthenticate, type Phase } from '../http/authenticate.ts';
import { createLimits } from '../http/limits.ts';
import type { Logging } from '../telemetry/log.ts';
import { createMeasure } from '../telemetry/measure.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createReport } from '../telemetry/report.ts';
import { createLiveKit } from '../vendors/livekit.ts';
import { createMeasureCall } from '../vendors/measure-call.ts';
import { createTwilio } from '../vendors/twilio.ts';
import { TWILIO_API_URL } from '../vendors/twilio-http.ts';
import { collections } from './collections.ts';
import { composeCore, whileDatabaseLasts } from './core.ts';

export interface Opened {
  connection: Connection;
  /** The address of that connection. */
  mongodb_uri: string;
  clock: Clock;
  logging: Logging;
  encryption_keys: KeyRing;
  livekit: LiveKitSettings;
  /** Names the LiveKit project, so that a database is never used with another. */
  livekit_project: string;
  twilio_api_url: string | undefined;
}

export type Service = Awaited<ReturnType<typeof compose>>;

/** The composition root: creates every part of the service once, with what it needs. */
export const compose = async (config: Config, parts: Opened) => {
  const { clock, logging, livekit } = parts;
  const { log } = logging;
  const timeout_ms = config.provider_timeout_ms;

  const metrics = createMetrics();
  const secrets = createSecrets(parts.encryption_keys);
  const switchboard = createLiveKit({
    ...livekit,
    timeout_ms,
    measureCall: createMeasureCall('livekit', { metrics, log }),
  });
  const core = await composeCore(config, {
    ...parts,
    log,
    metrics,
    secrets,
    sip_host: livekit.sip_host,
    connect: createTwilio({
      url: parts.twilio_api_url,
      timeout_ms,
      measureCall: createMeasureCall('twilio', { metrics, log }),
    }),
    switchboard,
  });
  const { api, organizations, background } = core;

  const measure = createMeasure({ ...core, metrics, clock, log });

  /** Logs the findings of `trunkline check` after the start, a line each. A paused service calls no provider. */
  const tellFindings = async (signal: AbortSignal): Promise<void> => {
    if (await core.gate.isPaused()) return;
    const checks = createChecks({
      database: { connection: Promise.resolve(parts.connection), accounts: () => core.accounts },
      livekit: { url: livekit.url, findForAll: switchboard.findForAll },
      livekit_project: parts.livekit_project,
      twilio_url: parts.twilio_api_url ?? TWILIO_API_URL,
      made_for: madeFor(config, livekit.sip_host),
      clock,
    });
    // Already logged as settings_differ, in the sandbox too.
    const others = checks.filter(({ name }) => name !== 'carrier_trunks');
    for (const { state, said, ...more } of await runChecks(others, { signal })) {
      if (state === 'ok') log.info({ event: 'check_passed', ...more }, said);
      else if (state === 'warning') log.warn({ event: 'check_warned', ...more }, said);
      else log.error({ event: 'check_failed', ...more }, said);
    }
  };

  const limits = createLimits({
    calls_per_second: config.rate_limit_rps,
    anonymous_per_second: config.anonymous_rate_limit_rps,
  });
  let phase: Phase = 'starting';
  const authenticate = createAuthenticate({
    ...organizations.identify,
    identify: (raw_key) => whileDatabaseLasts(() => organizations.identify.identify(raw_key)),
    confirm: (raw_key) => whileDatabaseLasts(() => organizations.identify.confirm(raw_key)),
    limits,
    phase: () => phase,
  });
  const app = createApp({
    api,
    authenticate,
    limits,
    isReady: () => phase === 'serving',
    logging,
    metrics,
    trusted_proxies: config.trusted_proxies,
  });

  return {
    app,
    handlers: core.handlers,
    metrics,
    reconciler: core.reconciler,
    background,
    installation_id: core.installation_id,
    secrets,
    identify: organizations.identify.identify,
    bootstrap: organizations.bootstrap,
    createOrganization: organizations.createOrganization,
    /** Makes the database fit this code. Must finish before anything is served. */
    prepare: (signal: AbortSignal) =>
      prepareDatabase({ mongodb_uri: parts.mongodb_uri, collections, clock, log, signal, tools: secrets }),
    /** Starts to serve requests, and to report that the service is ready. */
    serve: () => {
      phase = 'serving';
      void background.run('Looking for trunks made for other settings', core.tellWhatDiffers());
    },
    /** Refuses new requests. */
    drain: () => {
      phase = 'draining';
    },
    tellFindings,
    measure,
    report: createReport({ measure, clock, log }),
  };
};
