import { setTimeout as wait } from 'node:timers/promises';
import type { DestinationStream } from 'pino';
import { systemClock } from './clock.ts';
import { compose, type Service } from './compose.ts';
import type { Config } from './config.ts';
import { connect } from './connect.ts';
import { createMetricsApp } from './http/metrics.ts';
import { keptApiKey, keptEncryptionKeys } from './kept-keys.ts';
import { createLogging, type Log } from './log.ts';
import { openMongod } from './sandbox/mongod.ts';
import { openSandbox } from './sandbox/server.ts';
import { createDatabaseShelf } from './sandbox/shelf.ts';
import { type Listening, listen } from './serve.ts';
import { welcome } from './welcome.ts';

export interface Running {
  /** The port of the API, and that of the metrics. */
  port: number;
  metrics_port: number;
  /** Lets what is under way finish, for a while; then ends as `stop` does. */
  drain(): Promise<void>;
  /** Ends at once. What is under way is finished by the reconciler after the next start. */
  stop(): Promise<void>;
}

export interface Output {
  /** Tells people what happens. */
  say(line: string): void;
  log?: DestinationStream | undefined;
}

/** Opens what the service stands on, from the bottom up, and closes it again from the top down. */
export const run = async (config: Config, { say, log: destination }: Output): Promise<Running> => {
  await using opening = new AsyncDisposableStack();
  const logging = createLogging(config.log_level, destination);
  const { log } = logging;

  const mongod =
    config.mongodb_uri === undefined
      ? opening.adopt(await openMongod({ ...config, say }), (it) => it.close())
      : undefined;
  const connection = opening.adopt(await connect(config.mongodb_uri ?? mongod?.uri ?? ''), (it) => it.close());
  const sandbox = config.livekit
    ? undefined
    : opening.adopt(await openNextTo(config.port, createDatabaseShelf(connection)), (it) => it.close());
  const livekit = config.livekit ?? sandbox?.livekit;
  if (livekit === undefined) throw new Error('There is neither a LiveKit project nor the sandbox');

  const service = await compose(config, {
    connection,
    clock: systemClock,
    logging,
    encryption_keys: config.encryption_keys ?? (await keptEncryptionKeys(config.data_dir)),
    livekit,
    livekit_project: config.livekit ? new URL(config.livekit.url).host : 'sandbox',
    twilio_api_url: config.twilio_api_url ?? sandbox?.url,
  });
  const { host, port, metrics_port } = config;
  const api = opening.adopt(await listen(service.app, { host, port, setting: 'PORT' }), (it) => it.cut());
  const metricsApp = createMetricsApp(service.metrics, service.measure);
  const metrics = opening.adopt(await listen(metricsApp, { host, port: metrics_port, setting: 'METRICS_PORT' }), (it) =>
    it.cut(),
  );

  await service.ready();
  const api_key = config.bootstrap_api_key ?? (config.production ? undefined : await keptApiKey(config.data_dir));
  if (api_key !== undefined)
    await service.bootstrap(config.bootstrap_api_key ? 'First organization' : 'Sample organization', api_key);
  service.reconciler.start();
  service.report.start();
  await welcome({ config, mongod, sandbox, api, metrics, api_key, service, say, log });

  const opened = opening.move();
  const stop = once(async () => {
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
      await drain(service, api, config.import_deadline_ms + DRAIN_MARGIN_MS, log);
      await stop();
    }),
  };
};

/** An import under way may still take its whole deadline, and a moment to be written down. */
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
    log.warn({ limit_ms }, 'Stopping with work under way: the reconciler finishes it after the next start');
  limit.abort();
};

const once = (work: () => Promise<void>): (() => Promise<void>) => {
  let begun: Promise<void> | undefined;
  return () => (begun ??= work());
};

/** The sandbox takes the port after the service's, or any other where that is in use. */
const openNextTo = async (port: number, shelf: ReturnType<typeof createDatabaseShelf>) => {
  const options = { shelf, clock: systemClock };
  return port === 0
    ? openSandbox({ ...options, port })
    : openSandbox({ ...options, port: port + 1 }).catch(() => openSandbox({ ...options, port: 0 }));
};
