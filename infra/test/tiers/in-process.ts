import * as pulumi from '@pulumi/pulumi';
import { parseConfig } from '../../src/config/config.ts';
import { deploy } from '../../src/deploy.ts';
import { type Account, createAws } from './aws.ts';
import { createRecorder, type Recording } from './monitor.ts';
import { PROJECT } from './project.ts';
import type { Run } from './run-program.ts';
import type { Stack } from './stacks.ts';

export interface BuildOptions {
  dryRun?: boolean;
  rollsBack?: Account['rollsBack'];
}

/** Runs the program on a valid stack in this process, and records what it requests. */
export const build = async (stack: Stack, options: BuildOptions = {}): Promise<Run> => {
  const { config, secrets, name } = stack;
  const parsed = parseConfig({ stack: name, values: { ...config, ...secrets }, encrypted: Object.keys(secrets) });
  return { ...(await record(stack, () => deploy(parsed), options)), stack, exit: 0, printed: '' };
};

/** Records what a program requests. Run one at a time: Pulumi keeps its settings globally. */
export const record = async (
  { account, region, name }: Pick<Stack, 'account' | 'region' | 'name'>,
  program: () => object,
  { dryRun = false, rollsBack }: BuildOptions = {},
): Promise<Recording> => {
  const { recording, ...answers } = createRecorder(createAws({ account, region, rollsBack }), { stack: name, dryRun });
  await pulumi.runtime.setMocks({ newResource: ignored, call: ignored }, PROJECT, name, dryRun);
  const monitor = pulumi.runtime.getMonitor();
  if (!monitor) throw new Error('Pulumi has no monitor');
  Object.assign(monitor, {
    registerResource: calledBack(answers.registerResource),
    registerResourceOutputs: calledBack(answers.registerResourceOutputs),
    invoke: calledBack(answers.invoke),
  });
  await withoutTraces(async () => {
    await pulumi.runtime.runInPulumiStack(async () => program());
    await pulumi.runtime.disconnect();
  });
  return recording;
};

/** Pulumi captures a stack trace for each promise, to report those that never settle. That takes most of the time. */
const withoutTraces = async (work: () => Promise<void>) => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    await work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
};

const ignored = (): never => {
  throw new Error('the recorder answers, and not the mocks');
};

const calledBack =
  <Request, Answer>(answer: (request: Request) => Answer) =>
  (request: Request, reply: (error: unknown, answer?: Answer) => void) => {
    try {
      reply(null, answer(request));
    } catch (error) {
      reply(error);
    }
  };
