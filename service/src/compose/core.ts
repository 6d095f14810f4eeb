import { createApi } from '@trunkline/contracts';
import { createBackground } from '../background.ts';
import type { Clock } from '../clock.ts';
import { type Config, madeFor } from '../config/index.ts';
import { type Connection, databaseLost, isDatabaseLost, transactionOn } from '../database/connect.ts';
import { openInstallation } from '../database/installation.ts';
import type { Secrets } from '../database/secrets.ts';
import { createEventStore } from '../events/store.ts';
import { createIdempotency } from '../http/idempotency.ts';
import { createIntegrations, type IntegrationsDependencies } from '../integrations/index.ts';
import { createOrganizations } from '../organizations/index.ts';
import { createForeseeImports } from '../phone-numbers/foresee.ts';
import { createPhoneNumbers } from '../phone-numbers/index.ts';
import type { Switchboard } from '../phone-numbers/providers.ts';
import { createPhoneNumberStore } from '../phone-numbers/store.ts';
import { createGate, createLimiters, createQueues, createReconciler } from '../provisioning/index.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { TwilioAccount } from '../vendors/twilio.ts';

/** Everything outside of the process. A simulation replaces each of these. */
export interface Outside {
  connection: Connection;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  secrets: Secrets;
  connect: IntegrationsDependencies<TwilioAccount>['connect'];
  switchboard: Switchboard;
  /** Where carriers send calls. */
  sip_host: string;
  /** Names the LiveKit project, so that a database is never used with another. */
  livekit_project: string;
}

/** How much longer than a call's timeout its lease must last, less for short leases: clocks of replicas differ. */
const CLOCK_SKEW_MS = 1000;
const RETRY_BASE_MS = 150;

/** The service without HTTP: every operation, and the background work. */
export const composeCore = async (config: Config, outside: Outside) => {
  const { connection, clock, log, metrics, secrets, connect, switchboard, sip_host } = outside;
  const { lease_ms, provider_timeout_ms: timeout_ms, import_deadline_ms } = config;

  const background = createBackground(log);
  const inTransaction = transactionOn(connection);
  const events = createEventStore({ connection, clock });
  const idempotency = createIdempotency({
    connection,
    secrets,
    background,
    clock,
    // A request that loses its lease in a call beyond its deadline waits as long again for another replica's outcome.
    longest_ms: 2 * import_deadline_ms + timeout_ms,
  });
  const settings = {
    sip_host,
    twilio_signalling_addresses: config.twilio_signalling_addresses,
  };

  const installation = await openInstallation(connection, outside.livekit_project);
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
    limiterOf: createLimiters(clock),
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
    made_for: madeFor(config, sip_host),
    gate,
    requeueNumbers: store.requeueAll,
    foreseeImports: createForeseeImports({ ...shared, store, switchboard }),
    numbersOf: store.seenOfIntegration,
    numbers: store,
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
    sources: [phoneNumbers.source, integrations.source, integrations.lookHourly],
    queues: createQueues(connection, shared),
    gate,
    clock,
    log,
    metrics,
    interval_ms: config.reconcile_interval_ms,
  });

  const handlers = { ...organizations.handlers, ...integrations.handlers, ...phoneNumbers.handlers };
  const api = createApi(handlers, (call, run) => whileDatabaseLasts(() => idempotency(call, run)));

  return {
    api,
    handlers,
    reconciler,
    background,
    installation_id,
    organizations,
    gate,
    accounts: integrations.accounts,
    countByStatus: integrations.countByStatus,
    countByState: phoneNumbers.countByState,
    longestDue: phoneNumbers.longestDue,
    /** For the start: logs which settings have changed since trunks were made. */
    tellWhatDiffers: integrations.tellWhatDiffers,
  };
};

/** Answers a lost database as a problem, which says that the request may or may not have been applied. */
export const whileDatabaseLasts = <T>(run: () => Promise<T>): Promise<T> =>
  run().catch((error: unknown) => {
    throw isDatabaseLost(error) ? databaseLost(error) : error;
  });
