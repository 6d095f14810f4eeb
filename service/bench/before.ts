import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import type { ImportAsked } from './import-side.ts';
import { median, quantile, report } from './quantile.ts';
import { type OpenedServer, openServer, throughput } from './reads.ts';

const ROUNDS = 20;
const SECONDS = 2;
const WARM_UP = 20;
const here = resolve(import.meta.dirname, '../..');

/**
 * This checkout against another one, with its packages installed: the same work, in turns, in one run. Above 1 is more
 * throughput, or more time.
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
  console.log(`\nReading one number, now ÷ before, ${ROUNDS} pairs of ${SECONDS} s`);
  for (const protocol of ['rest', 'trpc'] as const) {
    const measure = ({ ready }: OpenedServer) => throughput(ready, protocol, SECONDS);
    const ratios = await inTurns(
      ROUNDS,
      () => measure(sides.now),
      () => measure(sides.before),
    );
    tell(`${protocol}: requests a second`, ratios);
  }
  for (const { close } of Object.values(sides)) await close();
};

const compareImports = async (before: string, database: (name: string) => string): Promise<void> => {
  const sides = {
    now: await openSide(here, database('imports_now')),
    before: await openSide(before, database('imports_before')),
  };
  for (const delay_ms of [0, 50, 200]) {
    console.log(`\nAn import with ${delay_ms} ms at each call to a provider, now ÷ before, ${ROUNDS} pairs`);
    for (const kind of ['existing', 'first', 'sip'] as const) {
      const ask = (side: ChildProcess) => importOn(side, { kind, delay_ms });
      if (delay_ms === 0)
        await inTurns(
          WARM_UP,
          () => ask(sides.now),
          () => ask(sides.before),
        );
      tell(
        `${kind}: wall time`,
        await inTurns(
          ROUNDS,
          () => ask(sides.now),
          () => ask(sides.before),
        ),
      );
    }
  }
  for (const side of Object.values(sides)) side.kill();
};

const openSide = async (checkout: string, mongodb_uri: string): Promise<ChildProcess> => {
  const side = fork(new URL('./import-side.ts', import.meta.url), [checkout, mongodb_uri]);
  await once(side, 'message');
  return side;
};

const importOn = async (side: ChildProcess, asked: ImportAsked): Promise<number> => {
  const answered = once(side, 'message');
  side.send(asked);
  const [took_ms] = (await answered) as [number];
  return took_ms;
};

/** The one that goes first changes with each pair. */
const inTurns = async (pairs: number, now: () => Promise<number>, before: () => Promise<number>): Promise<number[]> => {
  const ratios: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) {
      const first = await now();
      ratios.push(first / (await before()));
    } else {
      const first = await before();
      ratios.push((await now()) / first);
    }
  }
  return ratios;
};

const tell = (what: string, ratios: readonly number[]): void => {
  const [low, high] = [0.25, 0.75].map((part) => quantile([...ratios], part).toFixed(2));
  report(what, `${median([...ratios]).toFixed(2)} (middle half ${low} to ${high})`);
};
