// The public face of the engine: nothing else of this folder is imported from outside.

/** Builds at the providers what a record wants, and tears it down. */
export { build, Gone, isMissing, type Progress, progressOf, tearDown, watchRemovals } from './carry-out.ts';
/** Stops all work on the providers. */
export { createGate, type Gate, Paused, removalsCollection } from './gate.ts';
/** Leases: one replica at a time works on a record. And what is stored of that work. */
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
/** Limits the calls of one account that run at once, and holds them while its provider has asked to wait. */
export { createLimiters, type Limiters } from './limiters.ts';
/** The parts that a record has at the providers. */
export type { Content, Part, Seen } from './part.ts';
/** How calls to a provider fail, and how they are guarded. */
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
/** Works on the records that are due, one account's queue at a time. */
export { createQueues, queuesCollection } from './queues.ts';
export { createReconciler, type Source, type Worked } from './reconciler.ts';
export { type Deadline, tryAgain, waitWhileBusy } from './tries.ts';
