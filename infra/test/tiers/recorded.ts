import type { TestProject } from 'vitest/node';
import { build } from './in-process.ts';
import type { Run } from './run-program.ts';
import { STACKS, type StackName } from './stacks.ts';

/** Recordings of an example stack: a preview and an update of an empty account. */
export interface Recorded {
  preview: Run;
  update: Run;
}

declare module 'vitest' {
  interface ProvidedContext {
    recorded: Record<StackName, Recorded>;
  }
}

/** Records each stack once, for all tests of these tiers: `inject('recorded')`. */
export const setup = async ({ provide }: TestProject) => {
  const recorded: Partial<Record<StackName, Recorded>> = {};
  for (const [name, stack] of Object.entries(STACKS)) {
    recorded[name as StackName] = { preview: await build(stack, { dryRun: true }), update: await build(stack) };
  }
  provide('recorded', recorded as Record<StackName, Recorded>);
};
