// What the rest of the service knows of the engine; how it works stays in here.

/** Carries out what is between a record and the providers, forward and back. */
export { build, Gone, isRemovalBegun, type Progress, progressOf, tearDown } from './carry-out.ts';
/** Stops all work on the providers. */
export { createGate, type Gate, Paused, removalsCollection } from './gate.ts';
/** One owner at a time for a record, and what is stored of the work on it. */
export {
  type Claim,
  createLeases,
  dueIndexes,
  isOursToStore,
  LeaseLost,
  type LeaseSettings,
  type PartRecord,
  provisioningShape,
  putOff,
  REMEMBERED_MS,
  Told,
  toldOf,
} from './lease.ts';
/** How many calls of one account run at once, and none while its provider has asked to wait. */
export { createLimiters, type Limiters } from './limiters.ts';
/** What a record is made of at the providers. */
export type { Content, Part, Seen } from './part.ts';
/** How a call to a provider fails, and what guards it. */
export {
  adding,
  Conflict,
  type Failure,
  type Guard,
  guarded,
  isBusy,
  isNotFound,
  isPassing,
  isRefusal,
  Obstacle,
  ProviderProblem,
  retryMs,
  saidRetryAfterMs,
  signalOfCall,
} from './provider.ts';
/** Takes up what is due, one queue of an account at a time. */
export { createQueues, queuesCollection } from './queues.ts';
export { createReconciler, type Source, type Worked } from './reconciler.ts';
export { type Deadline, tryAgain } from './tries.ts';
