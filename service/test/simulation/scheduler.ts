import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import type { Clock } from '../../src/clock.ts';

/** One process, from its start to its end. What does not die, such as the network and the callers, has one too. */
export interface Life {
  name: string;
  isAlive: boolean;
  /** How far its clock is off. */
  skew_ms: number;
  /** Until then it does nothing, as a process that is swapped out. */
  stalled_until?: number;
}

interface Wait {
  life: Life;
  name: string;
  /** Its place in the order: among those that can go on, or, in milliseconds, among those that wait for a time. */
  at: number;
  nth: number;
  /** Something that has been sent already: it may still act though its sender is dead. */
  isSent: boolean;
  go(): void;
}

export interface WaitOptions {
  /** Lets so many others go first. */
  lag?: number | undefined;
  /** Waits for so long. */
  ms?: number | undefined;
  isSent?: boolean;
}

export type Scheduler = ReturnType<typeof createScheduler>;

/** More steps than the longest run takes. */
const MOST_STEPS = 300_000;

/**
 * Decides what happens next, one thing at a time, and moves time when nothing else can happen. Everything that is awaited
 * in a run is settled by it, or by what it let go on.
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
      // What is dead does nothing more.
      if (!life.isAlive) return;
      const waiting = { life, name, isSent, nth: nth++, go };
      const { stalled_until = 0 } = life;
      if (!isSent && stalled_until > now + (ms ?? 0)) timers.push({ ...waiting, at: stalled_until });
      else if (ms === undefined) ready.push({ ...waiting, at: steps + lag });
      else timers.push({ ...waiting, at: now + ms });
    });

  /** Lets one thing happen. False: nothing can, nor will. */
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
    if (process.env.DBG) console.log(line);
  };

  return {
    wait,
    note,
    now: () => now,
    /** Goes on until work is done. */
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
    /** Ends a process. What it has sent acts where `survives` says so, and nobody is answered. */
    kill: (life: Life, survives: (name: string) => boolean): void => {
      life.isAlive = false;
      note(`${life.name} dies`);
      const lives = (it: Wait) => it.life !== life || (it.isSent && survives(it.name));
      ready = ready.filter(lives);
      timers = timers.filter(lives);
    },
    /** Nothing of a process goes on for so long, but what it has sent already. */
    stall: (life: Life, ms: number): void => {
      const until = now + ms;
      life.stalled_until = until;
      note(`${life.name} stalls for ${ms} ms`);
      const isHeld = (it: Wait) => it.life === life && !it.isSent;
      const held = ready.filter(isHeld).map((it) => ({ ...it, at: until }));
      ready = ready.filter((it) => !isHeld(it));
      timers = [...timers.map((it) => (isHeld(it) ? { ...it, at: Math.max(it.at, until) } : it)), ...held];
    },
    /** Whatever work does bears this name, so that a disturbance of it has the same name in each replay. */
    as: <T>(actor: string, work: () => T): T => actors.run(actor, work),
    /** Names a call: who makes it, and how many of its kind came before. */
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
    /** What happened, in order, and one text that names all of it. */
    trace: (): readonly string[] => trace,
    digest: (): string => hash.copy().digest('hex'),
  };
};

/** Resolves when nothing can go on by itself any more. */
const othersHadTheirTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
