import { createApi } from '@trunkline/contracts';
import { createChecks, type Finding, runChecks } from './checks/index.ts';
import type { Clock } from './clock.ts';
import { collections } from './collections.ts';
import type { Config, LiveKitSettings } from './config.ts';
import { madeFor } from './contradictions.ts';
import { type Connection, databaseLost, isDatabaseLost, transactionOn } from './database/connect.ts';
import { openInstallation } from './database/installation.ts';
import { prepareDatabase } from './database/prepare-database.ts';
import { createSecrets, type KeyRing } from './database/secrets.ts';
import { createEventStore } from './events/store.ts';
import { createApp } from './http/app.ts';
import { createIdempotency } from './http/idempotency.ts';
import { createAdmit, type Phase } from './http/identify.ts';
import { createLimits } from './http/limits.ts';
import { createIntegrations } from './integrations/index.ts';
import { createOrganizations } from './organizations/index.ts';
import { createPhoneNumbers } from './phone-numbers/index.ts';
import { createPhoneNumberStore } from './phone-numbers/store.ts';
import { createBackground } from './provisioning/background.ts';
import { createGate } from './provisioning/gate.ts';
import { createQueues } from './provisioning/queues.ts';
import { createReconciler } from './provisioning/reconciler.ts';
import type { Logging } from './telemetry/log.ts';
import { createMeasure } from './telemetry/measure.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createReport } from './telemetry/report.ts';
import { createLiveKit } from './vendors/livekit.ts';
import { createMeasureCall } from './vendors/measure-call.ts';
import { createTwilio } from './vendors/twilio.ts';
import { TWILIO_API_URL } from './vendors/twilio-http.ts';

export interface Opened {
  connection: Connection;
  /** Where that connection leads. */
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

/** More than this must be left of a lease beyond a call's timeout when the call starts: clocks of replicas differ a little. */
const CLOCK_SKEW_MS = 1000;
const RETRY_BASE_MS = 150;

/** The composition root: every part of the service, made once and handed what it needs. */
export const compose = async (config: Config, parts: Opened) => {
  const { connection, clock, logging, livekit } = parts;
  const { log } = logging;
  const { lease_ms, provider_timeout_ms: timeout_ms, import_deadline_ms } = config;

  const metrics = createMetrics();
  const background = createBackground(log);
  const secrets = createSecrets(parts.encryption_keys);
  const inTransaction = transactionOn(connection);
  const events = createEventStore({ connection, clock });
  const idempotency = createIdempotency({
    connection,
    secrets,
    background,
    clock,
    longest_ms: import_deadline_ms + timeout_ms,
  });
  const settings = {
    sip_host: livekit.sip_host,
    twilio_signalling_addresses: config.twilio_signalling_addresses,
  };
  const connect = createTwilio({
    url: parts.twilio_api_url,
    timeout_ms,
    measureCall: createMeasureCall('twilio', { metrics, log }),
  });
  const switchboard = createLiveKit({
    ...livekit,
    timeout_ms,
    measureCall: createMeasureCall('livekit', { metrics, log }),
  });

  const installation = await openInstallation(connection, parts.livekit_project);
  const { installation_id } = installation;
  const shared = {
    connection,
    inTransaction,
    events,
    secrets,
    background,
    clock,
    log,
    metrics,
    installation_id,
    lease_ms,
    settle_ms: timeout_ms,
    call_ms: timeout_ms + Math.min(CLOCK_SKEW_MS, (lease_ms - timeout_ms) / 2),
    deadline_ms: import_deadline_ms,
    retry_base_ms: RETRY_BASE_MS,
    quotas: config.quotas,
  };
  const store = createPhoneNumberStore(connection, shared);
  const gate = createGate({ ...shared, countHeld: store.countHeld });
  const organizations = createOrganizations({ ...shared, installation });
  const integrations = createIntegrations({
    ...shared,
    made_for: madeFor(config, livekit.sip_host),
    gate,
    requeueNumbers: store.requeueAll,
    connect,
  });
  const { lineOf, lineFor } = integrations;
  const phoneNumbers = createPhoneNumbers({
    ...shared,
    store,
    gate,
    settings,
    switchboard,
    lineOf,
    lineFor,
    allows_local_addresses: !config.production,
  });

  const reconciler = createReconciler({
    sources: [phoneNumbers.source, integrations.source],
    queues: createQueues(connection, shared),
    gate,
    clock,
    log,
    metrics,
    interval_ms: config.reconcile_interval_ms,
  });

  /** After the start: what `trunkline check` sees too, a line each. A paused service sends nothing to anyone. */
  const tellFindings = async (signal: AbortSignal): Promise<void> => {
    if (await gate.isPaused()) return;
    const checks = createChecks({
      database: { connection: Promise.resolve(connection), accounts: () => integrations.accounts },
      livekit: { url: livekit.url, findForAll: switchboard.findForAll },
      livekit_project: parts.livekit_project,
      twilio_url: parts.twilio_api_url ?? TWILIO_API_URL,
      made_for: madeFor(config, livekit.sip_host),
      clock,
    });
    // Said as settings_differ already, in the sandbox too.
    const others = checks.filter(({ name }) => name !== 'carrier_trunks');
    for (const { state, said, ...more } of await runChecks(others, { signal })) {
      const [level, event] = lineOfState[state];
      log[level]({ event, ...more }, said);
    }
  };

  const measure = createMeasure({
    metrics,
    clock,
    log,
    countByState: phoneNumbers.countByState,
    longestDue: phoneNumbers.longestDue,
  });

  const handlers = { ...organizations.handlers, ...integrations.handlers, ...phoneNumbers.handlers };
  const api = createApi(handlers, (call, run) => whileDatabaseLasts(() => idempotency(call, run)));
  const limits = createLimits({
    calls_per_second: config.rate_limit_rps,
    anonymous_per_second: config.anonymous_rate_limit_rps,
  });
  let phase: Phase = 'starting';
  const admit = createAdmit({
    ...organizations.identify,
    identify: (raw_key) => whileDatabaseLasts(() => organizations.identify.identify(raw_key)),
    confirm: (raw_key) => whileDatabaseLasts(() => organizations.identify.confirm(raw_key)),
    limits,
    phase: () => phase,
  });
  const app = createApp({
    api,
    admit,
    limits,
    isReady: () => phase === 'serving',
    logging,
    metrics,
    trusted_proxies: config.trusted_proxies,
  });

  return {
    app,
    handlers,
    metrics,
    reconciler,
    background,
    installation_id,
    secrets,
    identify: organizations.identify.identify,
    bootstrap: organizations.bootstrap,
    createOrganization: organizations.createOrganization,
    /** Makes the database fit this code; nothing is served before. */
    prepare: (signal: AbortSignal) =>
      prepareDatabase({ mongodb_uri: parts.mongodb_uri, collections, clock, log, signal, tools: secrets }),
    /** From now on everything is served, and the service says that it is ready. */
    serve: () => {
      phase = 'serving';
      void background.run('Looking for settings that differ', integrations.tellWhatDiffers());
    },
    /** From now on nothing new is taken. */
    drain: () => {
      phase = 'draining';
    },
    tellFindings,
    measure,
    report: createReport({ measure, clock, log }),
  };
};

const lineOfState = {
  ok: ['info', 'check_passed'],
  warning: ['warn', 'check_warned'],
  failed: ['error', 'check_failed'],
} as const satisfies Record<Finding['state'], unknown>;

/** A lost database is told to callers as what it is: nobody knows what became of the request. */
const whileDatabaseLasts = <T>(run: () => Promise<T>): Promise<T> =>
  run().catch((error: unknown) => {
    throw isDatabaseLost(error) ? databaseLost(error) : error;
  });
