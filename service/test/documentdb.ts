import type { TestProject } from 'vitest/node';
import { openForRun } from './mongod.ts';

/** Connects as Amazon DocumentDB requires, without retryable writes. */
export const setup = (project: TestProject): Promise<() => Promise<void>> =>
  openForRun((uri) => project.provide('mongodb_uri', `${uri}&retryWrites=false`));
