import type { FlowName } from './flows.ts';
import type { CallOfRun, FirstFault, Scenario } from './lane.ts';
import { waysOf } from './ways.ts';

/** The calls recorded after a first fault. */
export interface Recording {
  flow: FlowName;
  first: FirstFault;
  killed: boolean;
  /** Only the calls made while faults are still active: later ones cannot fail. */
  later: string[];
}

/** Each call of a run, counted by name. */
export const numbered = (calls: readonly string[]): CallOfRun[] => {
  const counts = new Map<string, number>();
  return calls.map((name) => {
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    return { name, nth };
  });
};

/** Every pair: each later call of each recording, in each distinct way, forever and once. */
export const allPairs = (recordings: readonly Recording[]): Scenario[] =>
  recordings.flatMap(({ flow, first, killed, later }) =>
    numbered(later).flatMap((call) =>
      waysOf(call.name).flatMap((way) =>
        [true, false].map((forever) => ({ flow, first, killed, second: { ...call, way, forever } })),
      ),
    ),
  );

/** How many pairs of a cell are tried until one meets both its faults. */
const TRIES = 10;

/**
 * For each cell (a first call × a later call, with or without a kill between them): some of its pairs, in the order to
 * try. Half of the cells begin with the most harmful kind: a call acted but its answer was lost, and then the very next
 * call with the later name fails forever.
 */
export const drawCells = (recordings: readonly Recording[], random: () => number): Scenario[][] =>
  [...Map.groupBy(allPairs(recordings), cellOf).values()].map((pairs) => {
    const harmful = pairs.filter(
      ({ first, second }) => first?.way.endsWith('after acting') && second?.forever && second.nth === 1,
    );
    const [first] = random() < 0.5 ? inAnyOrder(harmful, random) : [];
    const others = inAnyOrder(pairs, random).filter((pair) => pair !== first);
    return [...(first ? [first] : []), ...others].slice(0, TRIES);
  });

const inAnyOrder = <T>(from: readonly T[], random: () => number): T[] =>
  from
    .map((it) => ({ it, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ it }) => it);

/** By first call and kill: the names of the calls made after it, however it fails. */
export const cellsOf = (recordings: readonly Recording[]): Map<string, Set<string>> => {
  const cells = new Map<string, Set<string>>();
  for (const { first, killed, later } of recordings) {
    const key = `${callText(first)}${killed ? ' killed' : ''}`;
    if (later.length > 0) cells.set(key, new Set([...(cells.get(key) ?? []), ...later]));
  }
  return cells;
};

const callText = ({ name, nth }: CallOfRun) => `${name}#${nth}`;

export const cellOf = ({ flow, first, killed, second }: Scenario): string =>
  [flow, first && callText(first), killed, second?.name].join(' / ');

/** The name of a scenario, as `--pair` takes it. */
export const describeScenario = ({ flow, first, killed, second }: Scenario): string =>
  [
    flow,
    ...(first ? [`${callText(first)} ${first.way}`] : []),
    ...(killed ? ['killed'] : []),
    ...(second ? [`${callText(second)} ${second.way} ${second.forever ? 'for ever' : 'once'}`] : []),
  ].join(' / ');

/** Random numbers determined by the seed (mulberry32). */
export const randomOf = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};
