import type { TestProject } from 'vitest/node';
import { setup as setupMongod } from './mongod.ts';

/** The database as Amazon DocumentDB wants to be spoken to: it knows no retryable writes. */
export const setup = (project: TestProject): Promise<() => Promise<void>> =>
  setupMongod({
    provide: (key, uri) => project.provide(key, `${uri}&retryWrites=false`),
  });
