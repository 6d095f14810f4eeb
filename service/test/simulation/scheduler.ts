import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import type { Clock } from '../../src/clock.ts';

/** One process, from start to end. Things that do not die, as the network and the callers, have one too. */
export interface Life {
  name: string;
  isAlive: boolean;
  /** How far its clock is off, in milliseconds. */
  skew_ms: number;
  /** Until then it does nothing, like a process that is swapped out. */
  stalled_until?: number;
}

interface Wait {
  life: Life;
  name: string;
  /** When it goes on: a step number if it is ready, a time in milliseconds if it waits for one. */
  at: number;
  nth: number;
  /** Already sent: it may still take effect after its sender died. */
  isSent: boolean;
  go(): void;
}

export interface WaitOptions {
  /** How many steps to let others go first. */
  lag?: number | undefined;
  /** How long to wait. */
  ms?: number | undefined;
  isSent?: boolean;
}

export type Scheduler = ReturnType<typeof createScheduler>;

/** More steps than the longest run takes. */
const MOST_STEPS = 300_000;

/**
 * Decides what happens next, one thing at a time, and advances time when nothing else can happen. Everything awaited in
 * a run is settled by the scheduler or by something that it let go on.
 */
export const createScheduler = () => {
  let now = 1_700_000_000_000;
  let steps = 0;
  let nth = 0;
  let ready: Wait[] = [];
  let timers: Wait[] = [];
  const hash = createHash('sha256');
  const trace: string[] = [];
  const actors = new AsyncLocalStorage<string>();
  const counts = new Map<string, number>();

  const wait = (life: Life, name: string, { lag = 0, ms, isSent = false }: WaitOptions = {}): Promise<void> =>
    new Promise((go) => {
      // A dead process does nothing more.
      if (!life.isAlive) return;
      const waiting = { life, name, isSent, nth: nth++, go };
      const { stalled_until = 0 } = life;
      if (!isSent && stalled_until > now + (ms ?? 0)) timers.push({ ...waiting, at: stalled_until });
      else if (ms === undefined) ready.push({ ...waiting, at: steps + lag });
      else timers.push({ ...waiting, at: now + ms });
    });

  /** Lets one thing happen. False: nothing can happen any longer. */
  const step = async (): Promise<boolean> => {
    await othersHadTheirTurn();
    const from = ready.length > 0 ? ready : timers;
    const next = from.reduce<Wait | undefined>(
      (first, it) => (first && (first.at < it.at || (first.at === it.at && first.nth < it.nth)) ? first : it),
      undefined,
    );
    if (next === undefined) return false;
    if (++steps > MOST_STEPS) throw new Error('This run does not come to an end');
    from.splice(from.indexOf(next), 1);
    if (from === timers) now = Math.max(now, next.at);
    note(next.name);
    next.go();
    return true;
  };

  const note = (what: string): void => {
    const line = `${now - 1_700_000_000_000} ${what}`;
    hash.update(line);
    trace.push(line);
  };

  return {
    wait,
    note,
    now: () => now,
    /** Takes steps until `work` is done. */
    until: async <T>(work: Promise<T>): Promise<T> => {
      let isDone = false;
      const watched = work.finally(() => {
        isDone = true;
      });
      watched.catch(() => {});
      while (!isDone)
        if (!(await step()) && !isDone) throw new Error(`Nothing can go on\n${trace.slice(-30).join('\n')}`);
      return watched;
    },
    /** Ends a process. Calls that it has sent still take effect if `survives` says so. Nobody is answered. */
    kill: (life: Life, survives: (name: string) => boolean): void => {
      life.isAlive = false;
      note(`${life.name} dies`);
      const lives = (it: Wait) => it.life !== life || (it.isSent && survives(it.name));
      ready = ready.filter(lives);
      timers = timers.filter(lives);
    },
    /** Stops a process for this long, except for what it has already sent. */
    stall: (life: Life, ms: number): void => {
      const until = now + ms;
      life.stalled_until = until;
      note(`${life.name} stalls for ${ms} ms`);
      const isHeld = (it: Wait) => it.life === life && !it.isSent;
      const held = ready.filter(isHeld).map((it) => ({ ...it, at: until }));
      ready = ready.filter((it) => !isHeld(it));
      timers = [...timers.map((it) => (isHeld(it) ? { ...it, at: Math.max(it.at, until) } : it)), ...held];
    },
    /** Names everything that `work` does after this actor, so that its disturbances have the same names in each replay. */
    as: <T>(actor: string, work: () => T): T => actors.run(actor, work),
    /** Names a call by its actor, its kind and a count. */
    nameOf: (what: string): string => {
      const name = `${actors.getStore() ?? 'somebody'}: ${what}`;
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      return `${name} ${count}`;
    },
    clockOf: (life: Life): Clock => ({
      now: () => now + life.skew_ms,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          const abort = () => reject(signal?.reason);
          if (signal?.aborted) return abort();
          signal?.addEventListener('abort', abort, { once: true });
          void wait(life, `${life.name} wakes`, { ms }).then(() => {
            signal?.removeEventListener('abort', abort);
            resolve();
          });
        }),
    }),
    /** Everything that happened, in order. `digest` is a hash of it. */
    trace: (): readonly string[] => trace,
    digest: (): string => hash.copy().digest('hex'),
  };
};

/** Resolves when nothing can go on by itself any longer. */
const othersHadTheirTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
