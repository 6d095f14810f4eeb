import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ImportAsked } from './import-side.ts';
import { median, quantile, report } from './quantile.ts';
import { load, type OpenedServer, openServer, type Protocol } from './reads.ts';

const ROUNDS = 20;
const SECONDS = 2;
const WARM_UP = 20;
const WARM_UP_READS = 2;
/** Linux's clock tick. */
const MICROSECONDS_A_TICK = 10_000;
const here = resolve(import.meta.dirname, '../..');

/**
 * Compares this checkout with another, whose packages are installed. Both do the same work in turns, in one run. Above
 * 1 means more throughput, or more time.
 */
export const measureBefore = async (checkout: string, database: (name: string) => string): Promise<void> => {
  const before = resolve(checkout);
  await compareReads(before, database);
  await compareImports(before, database);
};

const compareReads = async (before: string, database: (name: string) => string): Promise<void> => {
  const script = 'service/bench/read-server.ts';
  const sides = {
    now: await openServer(join(here, script), 'trunkline', database('now')),
    before: await openServer(join(before, script), 'trunkline', database('before')),
  };
  try {
    console.log(`\nReading one number, now ÷ before, ${ROUNDS} pairs of ${SECONDS} s`);
    for (const protocol of ['rest', 'trpc'] as const) {
      const now = () => measureReading(sides.now, protocol);
      const formerly = () => measureReading(sides.before, protocol);
      await inTurns(WARM_UP_READS, now, formerly);
      const pairs = await inTurns(ROUNDS, now, formerly);
      tell(`${protocol}: requests a second`, pairs, ({ per_second }) => per_second);
      tell(`${protocol}: processor time of a request`, pairs, ({ cpu_us }) => cpu_us);
    }
  } finally {
    for (const { close } of Object.values(sides)) await close();
  }
};

const measureReading = async ({ ready, pid }: OpenedServer, protocol: Protocol) => {
  const begun = await cpuTicks(pid);
  const { answered, seconds } = await load(ready, protocol, SECONDS);
  const cpu_us = (((await cpuTicks(pid)) - begun) * MICROSECONDS_A_TICK) / answered;
  return { per_second: answered / seconds, cpu_us };
};

/** A process's processor time, in user and kernel mode. Other load on the machine affects it less than wall time. */
const cpuTicks = async (pid: number): Promise<number> => {
  const [, fields = ''] = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ');
  const [user, kernel] = fields.split(' ').slice(11, 13);
  return Number(user) + Number(kernel);
};

const compareImports = async (before: string, database: (name: string) => string): Promise<void> => {
  const sides = {
    now: await openSide(here, database('imports_now')),
    before: await openSide(before, database('imports_before')),
  };
  for (const delay_ms of [0, 50, 200]) {
    console.log(`\nAn import with ${delay_ms} ms at each call to a provider, now ÷ before, ${ROUNDS} pairs`);
    for (const kind of ['existing', 'first', 'sip'] as const) {
      const now = () => importOn(sides.now, { kind, delay_ms });
      const formerly = () => importOn(sides.before, { kind, delay_ms });
      if (delay_ms === 0) await inTurns(WARM_UP, now, formerly);
      tell(`${kind}: wall time`, await inTurns(ROUNDS, now, formerly), (took_ms) => took_ms);
    }
  }
  for (const side of Object.values(sides)) side.kill();
};

const openSide = async (checkout: string, mongodb_uri: string): Promise<ChildProcess> => {
  const side = fork(new URL('./import-side.ts', import.meta.url), [checkout, mongodb_uri]);
  await messageOf(side);
  return side;
};

const importOn = async (side: ChildProcess, asked: ImportAsked): Promise<number> => {
  side.send(asked);
  return (await messageOf(side)) as number;
};

/** The next message. Throws if the process ends instead; its own error is printed above. */
const messageOf = async (side: ChildProcess): Promise<unknown> => {
  const heard = new AbortController();
  const message = once(side, 'message', heard).then(([first]) => first);
  const ended = once(side, 'exit', heard).then(([code]) => {
    throw new Error(`A side of the comparison ended with ${code} instead of answering`);
  });
  return Promise.race([message, ended]).finally(() => heard.abort());
};

/** Runs both in pairs. The side that goes first alternates. */
const inTurns = async <T>(count: number, now: () => Promise<T>, before: () => Promise<T>): Promise<Pair<T>[]> => {
  const pairs: Pair<T>[] = [];
  for (let n = 0; n < count; n++) {
    if (n % 2 === 0) pairs.push({ now: await now(), before: await before() });
    else {
      const first = await before();
      pairs.push({ now: await now(), before: first });
    }
  }
  return pairs;
};

interface Pair<T> {
  now: T;
  before: T;
}

/** With 20 pairs, the median of many more would lie in the middle half 19 times in 20. */
const tell = <T>(what: string, pairs: readonly Pair<T>[], figure: (of: T) => number): void => {
  const ratios = pairs.map(({ now, before }) => figure(now) / figure(before));
  const [low, high] = [0.25, 0.75].map((part) => quantile(ratios, part).toFixed(2));
  report(what, `${median(ratios).toFixed(2)} (middle half ${low} to ${high})`);
};
