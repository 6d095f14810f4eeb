import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Account, createAws } from './aws.ts';
import { run } from './command.ts';
import { type Recording, startMonitor } from './monitor.ts';
import { INFRA, PROJECT } from './project.ts';
import type { Stack } from './stacks.ts';

export interface Run extends Recording {
  /** The stack that it ran on. */
  stack: Stack;
  exit: number;
  /** Everything that the program printed itself. */
  printed: string;
}

export interface RunOptions {
  dryRun?: boolean;
  rollsBack?: Account['rollsBack'];
}

const require = createRequire(import.meta.url);

/** Pulumi captures a stack trace for each promise, to report those that never settle. That takes most of the time. */
const NO_TRACES = '--stack-trace-limit=0';

/** Runs the whole program in Pulumi's Node runtime, as its language host does, against a recording monitor. */
export const runProgram = async (stack: Stack, { dryRun = false, rollsBack }: RunOptions = {}): Promise<Run> => {
  const aws = createAws({ account: stack.account, region: stack.region, rollsBack });
  const monitor = await startMonitor(aws, { stack: stack.name, dryRun });
  const { exit, printed } = await run(
    process.execPath,
    [
      NO_TRACES,
      require.resolve('@pulumi/pulumi/cmd/run/index.js'),
      ...['--monitor', monitor.address, '--engine', monitor.address],
      ...['--organization', 'organization', '--project', PROJECT, '--stack', stack.name],
      ...['--pwd', INFRA, '--root-directory', INFRA, '--parallel', '16'],
      ...(dryRun ? ['--dry-run'] : []),
      'index.ts',
    ],
    {
      cwd: INFRA,
      env: {
        PATH: process.env.PATH,
        // The tests load the same modules a dozen times.
        NODE_COMPILE_CACHE: join(tmpdir(), 'trunkline-compile-cache'),
        PULUMI_CONFIG: JSON.stringify({ ...stack.config, ...stack.secrets }),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(Object.keys(stack.secrets)),
      },
    },
  );
  monitor.close();
  return { ...monitor.recording, stack, exit, printed };
};
