import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const root = join(import.meta.dirname, '../../..');
export const openapi = join(root, 'contracts/openapi.json');

const started = promisify(execFile);

/** What a program printed. Rejects with its whole output if it failed. */
export const run = async (program: string, args: string[], cwd: string, environment: Record<string, string> = {}) => {
  const env = { ...process.env, ...environment };
  const { stdout } = await started(program, args, { cwd, env, maxBuffer: 10_000_000 }).catch((error) => {
    throw new Error(`${program} ${args.join(' ')}\n${error.stdout}\n${error.stderr}`, { cause: error });
  });
  return stdout;
};

/** Runs a program from one of this package's dependencies. */
export const tool = (name: string, args: string[], cwd: string, environment?: Record<string, string>) =>
  run(join(root, 'service/node_modules/.bin', name), args, cwd, environment);
