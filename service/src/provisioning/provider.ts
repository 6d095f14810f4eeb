import { AsyncLocalStorage } from 'node:async_hooks';
import { Problem, type ProblemCode, type ProblemMembers } from '@trunkline/contracts';
import { backoffMs } from '../clock.ts';

/** How a call to a provider failed. */
export interface Failure {
  /** The same call may succeed later: the provider was down, slow or busy. */
  passing?: boolean;
  /** The call may have taken effect nevertheless. */
  doubtful?: boolean;
  /** In how many milliseconds the provider takes the next call, if it said so. */
  said_retry_after_ms?: number | undefined;
}

/** A provider refused, failed or did not answer. */
export class ProviderProblem extends Problem {
  readonly passing: boolean;
  readonly doubtful: boolean;
  readonly said_retry_after_ms: number | undefined;

  constructor(
    code: ProblemCode,
    detail: string,
    {
      passing = false,
      doubtful = false,
      said_retry_after_ms,
      ...options
    }: Failure & ProblemMembers & { cause?: unknown },
  ) {
    super(code, detail, options);
    this.name = 'ProviderProblem';
    this.passing = passing;
    this.doubtful = doubtful;
    this.said_retry_after_ms = said_retry_after_ms;
  }
}

/** The provider already has something that clashes with this. Nothing was made. */
export class Conflict extends ProviderProblem {
  /** What is in the way, if the provider names it. Two: these clash with each other. */
  readonly resource_ids: readonly string[];

  constructor(
    detail: string,
    { resource_ids = [], cause }: { resource_ids?: readonly string[]; cause?: unknown } = {},
  ) {
    super('provider_error', detail, { cause });
    this.name = 'Conflict';
    this.resource_ids = resource_ids;
  }
}

/** Something is in the way of a part that we may not change, because a person set it up. */
export class Obstacle extends Problem {
  constructor(code: ProblemCode, detail: string) {
    super(code, detail);
    this.name = 'Obstacle';
  }
}

/** Limits the calls of one account. */
export interface Limiter {
  /** Runs a call when there is room for it. While the provider has asked to wait, throws `Busy` instead. */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** Notes that the provider has asked to wait. */
  noteBusy(busy: Busy): void;
}

export interface Guard {
  /** The account's limiter. `before` runs when the call's turn has come, so a lease that it renews lasts for the call. */
  limiter?: Limiter | undefined;
  /** Once aborted, a list that is being read is not read further. */
  signal?: AbortSignal | undefined;
  /** Runs before each call. If it throws, the call is not made. */
  before?(): Promise<void>;
  /** Called for each call whose answer was lost. */
  doubted?(): void;
  /** Waits if the provider is busy and did nothing. True: make the call again. */
  waited?(busy: Busy): Promise<boolean>;
  /** Runs after each call, with the error if it threw one. */
  after?(error?: unknown): Promise<void>;
}

/** A provider whose calls are all guarded. */
export const guarded = <Provider extends object>(provider: Provider, guard: Guard): Provider =>
  new Proxy(provider, {
    get: (target, name, receiver) => {
      const call: unknown = Reflect.get(target, name, receiver);
      if (typeof call !== 'function') return call;
      return async (...args: unknown[]) => {
        const once = async (): Promise<unknown> => {
          await guard.before?.();
          try {
            const answer: unknown = await signals.run(guard.signal ?? signalOfCall(), async () => call(...args));
            await guard.after?.();
            return answer;
          } catch (error) {
            if (isDoubtful(error)) guard.doubted?.();
            if (isBusy(error)) guard.limiter?.noteBusy(error);
            await guard.after?.(error);
            throw error;
          }
        };
        for (;;) {
          try {
            return await (guard.limiter ? guard.limiter.run(once) : once());
          } catch (error) {
            if (!isBusy(error) || !(await guard.waited?.(error))) throw error;
          }
        }
      };
    },
  });

const signals = new AsyncLocalStorage<AbortSignal | undefined>();

/** The signal that cancels the guarded call in which this runs. */
export const signalOfCall = (): AbortSignal | undefined => signals.getStore();

/** An error that is not a `Problem` may have happened at any point of the call. */
export const isDoubtful = (error: unknown): boolean =>
  error instanceof ProviderProblem ? error.doubtful : !(error instanceof Problem);

/** The provider did nothing, and said when it takes the next call. */
export type Busy = ProviderProblem & { said_retry_after_ms: number };

export const isBusy = (error: unknown): error is Busy =>
  error instanceof ProviderProblem && !error.doubtful && error.said_retry_after_ms !== undefined;

/** Whether the provider did nothing, and would refuse the next time too. */
export const isRefusal = (error: unknown): error is ProviderProblem =>
  error instanceof ProviderProblem && !error.passing && !error.doubtful;

/** Whether the provider did not find what the call is about, or something that it names. */
export const isNotFound = (error: unknown): boolean =>
  isRefusal(error) && (error.members.provider?.status === 404 || error.members.provider?.code === '20404');

/** Whether the same work may succeed later. */
export const isPassing = (error: unknown): boolean => error instanceof ProviderProblem && error.passing;

/** The same problem, with a sentence on the outcome added to its detail. */
export const adding = (problem: Problem, became: string): Problem => {
  const { code, detail, members } = problem;
  return new Problem(code, `${detail} ${became}`, { ...members, cause: problem });
};

const HOUR_MS = 3_600_000;
/** How often to check whether paused work may go on. */
const PAUSE_MS = 60_000;

/** How long to postpone work after this error: longer after a defect, which rarely goes away by itself. */
export const retryMs = (error: unknown, attempt: number): number => {
  if (!(error instanceof Problem)) return backoffMs(attempt, { most_ms: HOUR_MS });
  if (error.code === 'paused') return PAUSE_MS;
  return Math.max(backoffMs(attempt), saidRetryAfterMs(error));
};

/** How long the provider has asked us to wait; 0 if it has not. */
export const saidRetryAfterMs = (error: unknown): number =>
  error instanceof ProviderProblem ? (error.said_retry_after_ms ?? 0) : 0;
