import { Problem, type ProblemCode, type ProblemMembers } from '@trunkline/contracts';

/** What became of a call to a provider that failed. */
export interface Failure {
  /** The same call may succeed later: the provider was down, slow or busy. */
  passing?: boolean;
  /** The call may have taken effect all the same. */
  doubtful?: boolean;
}

/** A provider refused, failed or stayed silent. */
export class ProviderProblem extends Problem {
  readonly passing: boolean;
  readonly doubtful: boolean;

  constructor(
    code: ProblemCode,
    detail: string,
    { passing = false, doubtful = false, ...options }: Failure & ProblemMembers & { cause?: unknown },
  ) {
    super(code, detail, options);
    this.name = 'ProviderProblem';
    this.passing = passing;
    this.doubtful = doubtful;
  }
}

/** The provider holds something already that this would clash with. Nothing was made. */
export class Conflict extends Error {
  override name = 'Conflict';
  /** What is in the way, where the provider names it. */
  readonly resource_id: string | undefined;

  constructor(message: string, { resource_id, cause }: { resource_id?: string | undefined; cause?: unknown } = {}) {
    super(message, { cause });
    this.resource_id = resource_id;
  }
}

export interface Guard {
  /** Runs ahead of each call; the call is not made where it throws. */
  before?(): Promise<void>;
  /** Hears of each call whose answer was lost. */
  doubted?(): void;
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
        await guard.before?.();
        try {
          const answer: unknown = await call(...args);
          await guard.after?.();
          return answer;
        } catch (error) {
          if (error instanceof ProviderProblem && error.doubtful) guard.doubted?.();
          await guard.after?.(error);
          throw error;
        }
      };
    },
  });

/** Whether the same work may succeed later. */
export const isPassing = (error: unknown): boolean => error instanceof ProviderProblem && error.passing;

/** How long to wait before the next attempt: twice as long each time, a little at random, 5 minutes at most. */
export const backoffMs = (attempt: number, base_ms = 1000): number =>
  Math.min(5 * 60_000, base_ms * 2 ** Math.min(attempt, 20)) * (0.75 + Math.random() / 2);
