import type { TestProject } from 'vitest/node';
import { openForRun } from './mongod.ts';

/** The database as Amazon DocumentDB wants to be spoken to: it knows no retryable writes. */
export const setup = (project: TestProject): Promise<() => Promise<void>> =>
  openForRun((uri) => project.provide('mongodb_uri', `${uri}&retryWrites=false`));
