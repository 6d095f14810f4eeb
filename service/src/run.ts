import { setTimeout as wait } from 'node:timers/promises';
import type { DestinationStream } from 'pino';
import { systemClock } from './clock.ts';
import { compose, type Service } from './compose/index.ts';
import type { Config } from './config/index.ts';
import { untilAborted } from './database/abort.ts';
import { connect } from './database/connect.ts';
import { createMetricsApp } from './http/metrics-app.ts';
import { isPortInUse, type Listening, listen } from './http/serve.ts';
import { createLogging, type Log } from './telemetry/log.ts';

export interface Running {
  port: number;
  metrics_port: number;
  /** Lets work in progress finish, up to a limit, then stops. */
  drain(): Promise<void>;
  /** Stops at once. After the next start, the reconciler finishes what was in progress. */
  stop(): Promise<void>;
}

export interface RunOptions {
  /** Prints a line for people. */
  say(line: string): void;
  log?: DestinationStream | undefined;
  /** Cancels the start: everything open is closed, and `run` rejects with the signal's reason. */
  signal: AbortSignal;
}

/** Opens everything the service needs, in order of dependency, and closes it in reverse. */
export const run = async (config: Config, { say, log: destination, signal }: RunOptions): Promise<Running> => {
  await using opening = new AsyncDisposableStack();
  const unlessCalledOff = <T>(work: Promise<T>) => untilAborted(signal, work);
  const logging = createLogging(config.log_level, destination);
  const { log } = logging;

  const development = config.production ? undefined : await import('./development/index.ts');
  const mongod =
    development && config.mongodb_uri === undefined
      ? opening.adopt(await development.openMongod({ ...config, say, signal }), (it) => it.close())
      : undefined;
  const mongodb_uri = config.mongodb_uri ?? mongod?.uri ?? '';
  const connecting = connect(mongodb_uri);
  const connection = opening.adopt(await unlessCalledOff(connecting), (it) => it.close());
  const sandbox =
    development && config.livekit === undefined
      ? opening.adopt(await development.openSandboxNextTo(config.port, connection), (it) => it.close())
      : undefined;
  const livekit = config.livekit ?? sandbox?.livekit;
  if (livekit === undefined) throw new Error('There is neither a LiveKit project nor the sandbox');

  const composing = compose(config, {
    connection,
    mongodb_uri,
    clock: systemClock,
    logging,
    encryption_keys: config.encryption_keys ?? (await development?.keptEncryptionKeys(config.data_dir)) ?? new Map(),
    livekit,
    livekit_project: config.livekit_project,
    twilio_api_url: config.twilio_api_url ?? sandbox?.url,
  });
  const service = await unlessCalledOff(composing);
  const { host, port, metrics_host, metrics_port } = config;
  const api = opening.adopt(await listen(service.app, { host, port, setting: 'PORT', connections: config }), (it) =>
    it.cut(),
  );
  const metricsApp = createMetricsApp(service.metrics, service.measure);
  const metricsAt = { host: metrics_host, port: metrics_port, setting: 'METRICS_PORT', connections: config };
  const listening = listen(metricsApp, metricsAt).catch((error: unknown) => {
    // In development, a second service on this machine, or another program on the port, must not stop the start.
    if (config.production || !isPortInUse(error)) throw error;
    log.warn(
      { event: 'metrics_port_in_use', port: metrics_port },
      `Port ${metrics_port} is in use, so the metrics get another. Set METRICS_PORT to choose one.`,
    );
    return listen(metricsApp, { ...metricsAt, port: 0 });
  });
  const metrics = opening.adopt(await listening, (it) => it.cut());

  await unlessCalledOff(service.prepare(signal));
  const api_key = config.bootstrap_api_key ?? (await development?.keptApiKey(config.data_dir));
  if (api_key !== undefined) {
    const name = config.bootstrap_api_key ? 'First organization' : 'Sample organization';
    await unlessCalledOff(service.bootstrap(name, api_key));
  }
  // Before the banner and the log say so: their readers may use the key at once.
  service.serve();
  const opens = { config, mongod, sandbox, api, metrics, api_key, service };
  const banner = development && (await unlessCalledOff(development.banner(opens)));

  service.reconciler.start();
  if (config.production) service.report.start();
  log.info(
    { event: 'ready', port: api.port, metrics_port: metrics.port, installation_id: service.installation_id },
    'ready',
  );
  if (banner !== undefined) say(banner);
  const checking = new AbortController();
  // The sandbox takes no calls, so there is nothing to check.
  if (config.livekit) void service.background.run('Checking', service.tellFindings(checking.signal)).catch(() => {});
  const opened = opening.move();
  const stop = once(async () => {
    checking.abort();
    service.drain();
    void service.reconciler.stop();
    void service.report.stop();
    await opened.disposeAsync();
  });
  return {
    port: api.port,
    metrics_port: metrics.port,
    stop,
    drain: once(async () => {
      checking.abort();
      await drain(service, api, config.import_deadline_ms + DRAIN_MARGIN_MS, log);
      await stop();
    }),
  };
};

/** An import in progress may take its whole deadline, and then a moment to be stored. */
const DRAIN_MARGIN_MS = 5000;

const drain = async (
  { drain: refuse, reconciler, report, background }: Service,
  api: Listening,
  limit_ms: number,
  log: Log,
): Promise<void> => {
  refuse();
  const limit = new AbortController();
  const done = Promise.all([api.finish(), reconciler.stop(), report.stop()]).then(() => background.idle());
  const late = wait(limit_ms, 'late' as const, { signal: limit.signal }).catch(() => undefined);
  if ((await Promise.race([done, late])) === 'late')
    log.warn(
      { event: 'stopped_early', limit_ms },
      'Stopping with work in progress: the reconciler finishes it after the next start',
    );
  limit.abort();
};

const once = (work: () => Promise<void>): (() => Promise<void>) => {
  let begun: Promise<void> | undefined;
  return () => (begun ??= work());
};
