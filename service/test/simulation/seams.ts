import mongoose from 'mongoose';
import { ProviderProblem } from '../../src/provisioning/index.ts';
import type { Chance, Roll } from './chance.ts';
import { pick } from './chance.ts';
import type { Through } from './database.ts';
import type { Life, Scheduler, WaitOptions } from './scheduler.ts';

/** How likely each kind of disturbance of a call is in one run. */
export interface Mood {
  provider_fails: number;
  database_fails: number;
  /** Later calls overtake it. */
  lags: number;
  slow: number;
  /** Its process stops for a while, then goes on as if nothing had happened. */
  stalls: number;
  dies: number;
}

export interface SeamOptions {
  scheduler: Scheduler;
  chance: Chance;
  mood: Mood;
  /** Outlives every process: whatever is on its way arrives. */
  network: Life;
  /** Whether disturbances may happen. */
  isTroubled(): boolean;
  /** Whether this process may die now. */
  mayDie(life: Life): boolean;
  kill(life: Life): void;
}

interface GuardOptions {
  timeout_ms: number;
  /** Runs as a call begins. */
  begins?(call: string): void;
}

export type Seams = ReturnType<typeof createSeams>;

/** How a vendor's call may fail. `_after`: it has taken effect by then. */
const ways = ['refused', 'busy', 'away', 'away_after', 'silent', 'silent_after', 'late', 'unreadable'] as const;
type Way = (typeof ways)[number];

/** The longest wait for the database, as in src/database/connect.ts. */
const DATABASE_SILENCE_MS = 15_000;

/** Longer than any lease. */
const LONGEST_STALL_MS = 60_000;

/**
 * Where a process of the service meets the outside world. Each call waits for its turn before it takes effect, and
 * again before it is answered. On the way it may fail or be slow, or its process may die.
 */
export const createSeams = (options: SeamOptions) => {
  const { scheduler, chance, mood, network, isTroubled, mayDie, kill } = options;

  const disturb = <T>(name: string, rate: number, choose: (roll: Roll) => T): T | undefined =>
    isTroubled() ? chance.disturb(name, (roll) => (roll() < rate ? choose(roll) : undefined)) : undefined;

  const turn = async (life: Life, name: string, waiting: WaitOptions = {}): Promise<void> => {
    const lag = disturb(`${name} waits`, mood.lags, (roll) => 1 + Math.floor(roll() ** 2 * 40));
    await scheduler.wait(life, name, { lag, ...waiting });
  };

  const beAnswered = async (life: Life, name: string, waiting?: WaitOptions): Promise<void> => {
    const stalls = mayDie(life) ? disturb(`${life.name} stalls at ${name}`, mood.stalls, longOf) : undefined;
    if (stalls !== undefined) scheduler.stall(life, stalls);
    await turn(life, name, waiting);
  };
  const longOf = (roll: Roll) => Math.floor(roll() * LONGEST_STALL_MS);

  /** Whether the process dies while its call is on its way, or before it is answered. */
  const dieAt = (life: Life, name: string) =>
    mayDie(life)
      ? disturb(`${life.name} dies at ${name}`, mood.dies, (roll) => (roll() < 0.5 ? 'before' : 'after'))
      : undefined;

  const act = async <T>(
    life: Life,
    name: string,
    effect: () => T | Promise<T>,
    waiting: WaitOptions = {},
  ): Promise<T> => {
    const dies = dieAt(life, name);
    const sent = turn(life, `${name} acts`, { isSent: true, ...waiting });
    if (dies === 'before') kill(life);
    await sent;
    const outcome = await settle(effect);
    // Not if disturbances have ended meanwhile.
    if (dies === 'after' && life.isAlive && isTroubled()) kill(life);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  };

  const callProvider = async <T>(
    life: Life,
    call: string,
    effect: () => Promise<T>,
    timeout_ms: number,
  ): Promise<T> => {
    const name = scheduler.nameOf(call);
    const way = disturb(`${name} fails`, mood.provider_fails, (roll) => pick(ways, roll));
    const slow_ms = disturb(`${name} is slow`, mood.slow, (roll) => Math.floor(roll() * (timeout_ms - 1)));
    const waiting = slow_ms === undefined ? {} : { ms: slow_ms };
    if (way === undefined) {
      const answer = await settle(() => act(life, name, effect, waiting));
      await beAnswered(life, `${name} is answered`);
      if ('error' in answer) throw answer.error;
      return answer.value;
    }
    scheduler.note(`${name} fails: ${way}`);
    if (way === 'late') {
      // It takes effect after its caller gave up, as late as the engine allows for.
      const ms = timeout_ms + chance.rollOf(`${name} late`)() * (timeout_ms - 1);
      void scheduler.wait(network, `${name} acts late`, { ms }).then(() => settle(effect));
    } else if (way === 'away_after' || way === 'silent_after' || way === 'unreadable')
      await settle<unknown>(() => act(life, name, effect, waiting));
    else await act(life, name, () => {}, waiting);
    const isSilent = way === 'silent' || way === 'silent_after' || way === 'late';
    await turn(
      life,
      `${name} is not answered`,
      isSilent ? { ms: timeout_ms - (way === 'late' ? 0 : (slow_ms ?? 0)) } : {},
    );
    throw failureOf(way);
  };

  const callDatabase = async <T>(life: Life, command: string, effect: () => T | Promise<T>): Promise<T> => {
    const name = scheduler.nameOf(command);
    const isLost = disturb(`${name} is lost`, mood.database_fails, (roll) => (roll() < 0.5 ? 'before' : 'after'));
    const slow_ms = disturb(`${name} is slow`, mood.slow / 4, (roll) => Math.floor(roll() * DATABASE_SILENCE_MS));
    const waiting = slow_ms === undefined ? {} : { ms: slow_ms };
    const lost = () => new mongoose.mongo.MongoNetworkError('The connection was lost');
    const effected = (): T | Promise<T> => {
      if (isLost === 'before') throw lost();
      return effect();
    };
    const answer = await settle(() => act(life, name, effected, waiting));
    await beAnswered(life, `${name} is answered`);
    if (isLost) throw lost();
    if ('error' in answer) throw answer.error;
    return answer.value;
  };

  const guard = <Port extends object>(
    life: Life,
    vendor: string,
    port: Port,
    { timeout_ms, begins = () => {} }: GuardOptions,
  ): Port =>
    new Proxy(port, {
      get: (target, name) => {
        const call: unknown = Reflect.get(target, name);
        if (typeof call !== 'function') return call;
        return (...args: unknown[]) => {
          begins(String(name));
          return callProvider(life, `${vendor}.${String(name)}`, async () => call.apply(target, args), timeout_ms);
        };
      },
    });

  return {
    through:
      (life: Life): Through =>
      (command, effect) =>
        callDatabase(life, command, effect),
    /** Wraps a process's client of a vendor. */
    guard,
  };
};

type Outcome<T> = { value: T } | { error: unknown };

const settle = async <T>(work: () => T | Promise<T>): Promise<Outcome<T>> => {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
};

/** The same problems as src/vendors/failure.ts throws. */
const failureOf = (way: Way): ProviderProblem => {
  switch (way) {
    case 'refused':
      return new ProviderProblem('provider_error', 'The provider answered 400', {});
    case 'busy':
      return new ProviderProblem('provider_unavailable', 'The provider answered 429', {
        ...{ passing: true, said_retry_after_ms: 1000, retry_after_seconds: 1 },
      });
    case 'away':
    case 'away_after':
      return new ProviderProblem('provider_unavailable', 'The provider answered 503', {
        ...{ passing: true, doubtful: true, retry_after_seconds: 30 },
      });
    case 'unreadable':
      return new ProviderProblem('provider_error', 'The response could not be read', { doubtful: true });
    default:
      return new ProviderProblem('provider_timeout', 'The provider did not answer in time', {
        ...{ passing: true, doubtful: true, retry_after_seconds: 30 },
      });
  }
};
