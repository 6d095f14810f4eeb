import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Ended {
  /** -1 if a signal ended it. */
  exit: number;
  stdout: string;
  /** Standard output and error, interleaved. */
  printed: string;
}

export interface CommandOptions {
  cwd: string;
  env: Record<string, string | undefined>;
}

const TIMEOUT_MS = 1_800_000;

const running = new Set<ChildProcess>();
// Child processes end with the tests, even if those are interrupted.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs a command until it exits, with only `env` as its environment. */
export const run = async (command: string, args: string[], { cwd, env }: CommandOptions): Promise<Ended> => {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
  running.add(child);
  let stdout = '';
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
    printed += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    printed += text;
  });
  const [exit] = await once(child, 'close');
  running.delete(child);
  return { exit: exit ?? -1, stdout, printed };
};
