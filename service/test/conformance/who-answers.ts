import { execFile, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { onPath } from './path.ts';
import type { Held } from './whole.ts';

const run = promisify(execFile);

/** The first build downloads LiveKit's protocol. */
const BUILD_WITHIN_MS = 10 * 60_000;

/** Builds the Go program in this folder, which uses LiveKit's own code. Go caches builds, so only the first is slow. */
export const buildWhoAnswers = async (environment: NodeJS.ProcessEnv): Promise<string> => {
  const [go] = await onPath('go', environment);
  if (go === undefined) throw new Error('No Go: install 1.26 or newer (https://go.dev/dl).');
  const cache_dir = join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'trunkline');
  await mkdir(cache_dir, { recursive: true });
  const built = join(cache_dir, 'who-answers');
  const options = { cwd: join(import.meta.dirname, 'who-answers'), timeout: BUILD_WITHIN_MS };
  await run(go, ['build', '-o', built, '.'], { ...options, env: { ...environment, CGO_ENABLED: '0' } });
  return built;
};

export interface Call {
  from: string;
  to: string;
  /** The IP address from which the call comes. */
  address: string;
}

/** The trunk that takes the call and the rule that answers it, or why none does. */
export type Answerer = { trunk: string; rule: string } | { trunk?: string; error: string };

/** Runs LiveKit's own code to decide who would answer each call, given what a server holds. */
export const whoAnswers = async (
  program: string,
  { inbound_trunk, dispatch_rule }: Pick<Held, 'inbound_trunk' | 'dispatch_rule'>,
  calls: readonly Call[],
): Promise<Answerer[]> => {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify({ trunks: inbound_trunk, rules: dispatch_rule, calls }));
  return JSON.parse(await text(child.stdout));
};
