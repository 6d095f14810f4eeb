import { readConfig } from './config.ts';
import { run } from './run.ts';

const fail = (error: unknown): never => {
  // What people can mend is a plain sentence; a defect comes with its stack.
  const isPlain = error instanceof Error && (error.name === 'ConfigError' || error.constructor === Error);
  console.error(isPlain ? `\n${error.message}\n` : error);
  process.exit(1);
};

/** People at a terminal read lines, machines read JSON. */
const destination = async (production: boolean) =>
  process.stdout.isTTY && !production
    ? (await import('pino-pretty')).default({ sync: true, ignore: 'pid,hostname', singleLine: true })
    : undefined;

/** The process: SIGTERM drains, Ctrl-C stops at once. */
try {
  const config = readConfig(process.env);
  const running = await run(config, { say: (line) => console.log(line), log: await destination(config.production) });
  process.once('SIGTERM', () => void running.drain().then(() => process.exit(0), fail));
  process.once('SIGINT', () => void running.stop().then(() => process.exit(0), fail));
} catch (error) {
  fail(error);
}
