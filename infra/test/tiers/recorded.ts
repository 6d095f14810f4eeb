import type { TestProject } from 'vitest/node';
import { type Run, runProgram } from './run-program.ts';
import { STACKS, type StackName } from './stacks.ts';

/** An example stack, as the program lays it out in a preview and in an update on an empty account. */
export interface Recorded {
  preview: Run;
  update: Run;
}

declare module 'vitest' {
  interface ProvidedContext {
    recorded: Record<StackName, Recorded>;
  }
}

/** Runs the program once for each example stack, for all tests of these tiers: `inject('recorded')`. */
export const setup = async ({ provide }: TestProject) => {
  const recorded: Partial<Record<StackName, Recorded>> = {};
  for (const [name, stack] of Object.entries(STACKS)) {
    const [preview, update] = await Promise.all([runProgram(stack, { dryRun: true }), runProgram(stack)]);
    recorded[name as StackName] = { preview, update };
  }
  provide('recorded', recorded as Record<StackName, Recorded>);
};
