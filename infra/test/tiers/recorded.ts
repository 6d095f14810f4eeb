import type { TestProject } from 'vitest/node';
import { build } from './in-process.ts';
import type { Run } from './run-program.ts';
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

/** Lays each stack out once, for all tests of these tiers: `inject('recorded')`. */
export const setup = async ({ provide }: TestProject) => {
  const recorded: Partial<Record<StackName, Recorded>> = {};
  for (const [name, stack] of Object.entries(STACKS)) {
    recorded[name as StackName] = { preview: await build(stack, { dryRun: true }), update: await build(stack) };
  }
  provide('recorded', recorded as Record<StackName, Recorded>);
};
