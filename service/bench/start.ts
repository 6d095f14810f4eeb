import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../src/clock.ts';
import { openSandbox } from '../src/sandbox/server.ts';
import { createMemoryShelf } from '../src/sandbox/shelf.ts';
import { median, report } from './quantile.ts';

const ROUNDS = 7;

/** Measures the time from process start to first answer, with a running database, and that of a process that does nothing. */
export const measureStart = async (database: (name: string) => string): Promise<void> => {
  const sandbox = await openSandbox({ shelf: createMemoryShelf(), clock: systemClock, port: 0 });
  const { url, api_key, api_secret, sip_host } = sandbox.livekit;
  const environment = {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: '39301',
    METRICS_PORT: '0',
    LOG_LEVEL: 'silent',
    MONGODB_URI: database('start'),
    LIVEKIT_URL: url,
    LIVEKIT_API_KEY: api_key,
    LIVEKIT_API_SECRET: api_secret,
    LIVEKIT_SIP_HOST: sip_host,
    TWILIO_API_URL: sandbox.url,
    ENCRYPTION_KEYS: `bench:${Buffer.alloc(32).toString('base64')}`,
  };
  const service = new URL('../src/main.ts', import.meta.url).pathname;
  const starts: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const first = round === 0;
    const started = await startToAnswer(service, environment);
    const nothing = await startToEnd();
    // The first start builds the indexes and warms the disk cache.
    if (first) report('Start to first answer, the first time', `${started.toFixed(0)} ms`);
    else {
      starts.push(started);
      bare.push(nothing);
    }
  }
  report('Start to first answer', `${median(starts).toFixed(0)} ms`, '≤ 1500 ms');
  report(
    'Start to first answer ÷ start of Node alone',
    median(starts.map((ms, n) => ms / (bare[n] ?? Number.NaN))).toFixed(1),
  );
  await sandbox.close();
};

const startToAnswer = async (main: string, environment: Record<string, string>): Promise<number> => {
  const begun = performance.now();
  const child = spawn(process.execPath, [main], { stdio: 'ignore', env: { PATH: process.env.PATH, ...environment } });
  const answered = async (): Promise<boolean> =>
    (await fetch(`http://127.0.0.1:${environment.PORT}/readyz`).catch(() => undefined))?.status === 200;
  while (!(await answered())) {
    if (child.exitCode !== null) throw new Error('The service ended instead of answering');
    await wait(5);
  }
  const ms = performance.now() - begun;
  child.kill('SIGTERM');
  await once(child, 'exit');
  return ms;
};

const startToEnd = async (): Promise<number> => {
  const begun = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return performance.now() - begun;
};
