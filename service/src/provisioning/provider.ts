import { AsyncLocalStorage } from 'node:async_hooks';
import { Problem, type ProblemCode, type ProblemMembers } from '@trunkline/contracts';
import { backoffMs } from '../clock.ts';

/** What became of a call to a provider that failed. */
export interface Failure {
  /** The same call may succeed later: the provider was down, slow or busy. */
  passing?: boolean;
  /** The call may have taken effect all the same. */
  doubtful?: boolean;
  /** In how many milliseconds the provider takes the next call, where it has said so. */
  said_retry_after_ms?: number | undefined;
}

/** A provider refused, failed or stayed silent. */
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

/** The provider holds something already that this would clash with. Nothing was made. */
export class Conflict extends ProviderProblem {
  /** What is in the way, where the provider names it. Two: these clash with each other. */
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

/** Something that we may not mend is in the way of a part: a person wanted it so. */
export class Obstacle extends Problem {
  constructor(code: ProblemCode, detail: string) {
    super(code, detail);
    this.name = 'Obstacle';
  }
}

/** Limits the calls of one account. */
export interface Limiter {
  /** Runs a call when there is room for it. Throws `Busy` in its place while the provider has asked to wait. */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** Takes note that the provider has asked to wait. */
  noteBusy(busy: Busy): void;
}

export interface Guard {
  /** Of the account. Its turn comes first, and `before` runs then: a lease that it renews lasts for the call. */
  limiter?: Limiter | undefined;
  /** Once it is aborted, a list that is being read is not read on. */
  signal?: AbortSignal | undefined;
  /** Runs ahead of each call; the call is not made where it throws. */
  before?(): Promise<void>;
  /** Hears of each call whose answer was lost. */
  doubted?(): void;
  /** Waits where the provider is busy, and has done nothing. True: the call is made again. */
  waited?(busy: Busy): Promise<boolean>;
  /** Runs after each call, with what it threw, if it did. */
  after?(error?: unknown): Promise<void>;
}

/** A provider each of whose calls is guarded. */
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

/** What calls off the guarded call that this runs in. */
export const signalOfCall = (): AbortSignal | undefined => signals.getStore();

/** What is no problem at all may have happened at any point of the call. */
const isDoubtful = (error: unknown): boolean =>
  error instanceof ProviderProblem ? error.doubtful : !(error instanceof Problem);

/** A provider that did nothing, and has said when it takes the next call. */
export type Busy = ProviderProblem & { said_retry_after_ms: number };

export const isBusy = (error: unknown): error is Busy =>
  error instanceof ProviderProblem && !error.doubtful && error.said_retry_after_ms !== undefined;

/** Whether a provider did nothing, and would do nothing the next time either. */
export const isRefusal = (error: unknown): error is ProviderProblem =>
  error instanceof ProviderProblem && !error.passing && !error.doubtful;

/** Whether a provider has not found what a call is about, or names. */
export const isNotFound = (error: unknown): boolean =>
  isRefusal(error) && (error.members.provider?.status === 404 || error.members.provider?.code === '20404');

/** Whether the same work may succeed later. */
export const isPassing = (error: unknown): boolean => error instanceof ProviderProblem && error.passing;

/** The same problem, with what has become of what it stopped. */
export const adding = (problem: Problem, became: string): Problem => {
  const { code, detail, members } = problem;
  return new Problem(code, `${detail} ${became}`, { ...members, cause: problem });
};

const HOUR_MS = 3_600_000;
/** How often to look whether work that is paused may go on. */
const PAUSE_MS = 60_000;

/** How long to put work off after this error: what is no problem of a provider rarely mends itself. */
export const retryMs = (error: unknown, attempt: number): number => {
  if (!(error instanceof Problem)) return backoffMs(attempt, { most_ms: HOUR_MS });
  if (error.code === 'paused') return PAUSE_MS;
  return Math.max(backoffMs(attempt), saidRetryAfterMs(error));
};

/** How long the provider has asked us to wait; 0 where it has not. */
export const saidRetryAfterMs = (error: unknown): number =>
  error instanceof ProviderProblem ? (error.said_retry_after_ms ?? 0) : 0;
