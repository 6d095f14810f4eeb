import { readConfig } from './config/index.ts';
import { type Running, run } from './run.ts';

const start = new AbortController();

const fail = (error: unknown): never => {
  if (start.signal.aborted && error === start.signal.reason) process.exit(0);
  // An error that people can fix is a plain sentence; a bug comes with its stack.
  const isPlain = error instanceof Error && (error.name === 'ConfigError' || error.constructor === Error);
  console.error(isPlain ? `\n${error.message}\n` : error);
  process.exit(1);
};

/** Readable lines for people at a terminal, JSON otherwise. */
const destination = async (production: boolean) =>
  process.stdout.isTTY && !production
    ? (await import('pino-pretty')).default({ sync: true, ignore: 'pid,hostname', singleLine: true })
    : undefined;

/** SIGTERM drains the process, Ctrl-C stops it at once. Before it is ready, either cancels the start. */
try {
  const config = readConfig(process.env);
  const log = await destination(config.production);
  const starting = run(config, { say: (line) => console.log(line), log, signal: start.signal });
  const endAt = (signal: NodeJS.Signals, end: (running: Running) => Promise<void>) =>
    process.once(signal, () => {
      start.abort();
      void starting.then(end).then(() => process.exit(0), fail);
    });
  endAt('SIGTERM', (running) => running.drain());
  endAt('SIGINT', (running) => running.stop());
  await starting;
} catch (error) {
  fail(error);
}
