import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cellsOf, type Recording } from './draw.ts';
import type { FlowName } from './flows.ts';

const recordedFile = join(import.meta.dirname, 'recorded.json');

/** What was recorded of a flow when it was last written down: a run that meets less is no proof. Each is the least that was seen. */
export interface Recorded {
  /**
   * By the first call that fails, with or without a kill: what is called after it, and how often over all ways in which
   * the first fails. Where nothing fails, what is called at all.
   */
  cells: Record<string, string>;
  /** How many cells had a pair that met both its faults. */
  met: number;
  /** How many pairs there are at most. */
  pairs: number;
}

export const readRecorded = async (): Promise<Record<string, Recorded>> =>
  JSON.parse(await readFile(recordedFile, 'utf8'));

export const writeRecorded = async (flow: FlowName, recorded: Recorded): Promise<void> => {
  const all = { ...(await readRecorded()), [flow]: recorded };
  const inOrder = Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  // Others read it meanwhile.
  const unfinished = `${recordedFile}.${process.pid}`;
  await writeFile(unfinished, `${JSON.stringify(inOrder, null, 2)}\n`);
  await rename(unfinished, recordedFile);
};

const NOTHING = 'nothing';

/** What is called where nothing fails, and what follows each first call, in the form in which it is written down. */
export const writtenCells = (calls: readonly string[], recordings: readonly Recording[]): Recorded['cells'] => {
  const clean = new Map([...Map.groupBy(calls, (it) => it)].map(([name, all]) => [name, all.length]));
  return Object.fromEntries(
    [[NOTHING, clean] as const, ...cellsOf(recordings)].map(([first, later]) => [
      first,
      [...later].map(([name, count]) => `${name} ${count}`).join(', '),
    ]),
  );
};

/** Each with its first call, what is called later, and how often. */
const cellsIn = ({ cells }: Pick<Recorded, 'cells'>) =>
  Object.entries(cells).flatMap(([first, later]) =>
    later
      .split(', ')
      .map((it) => it.split(' '))
      .map(([name = '', count]) => ({ first, name, count: Number(count) })),
  );

type Cell = ReturnType<typeof cellsIn>[number];

const isSame = (one: Cell) => (other: Cell) => one.first === other.first && one.name === other.name;

const written = (cells: readonly Cell[]): Recorded['cells'] =>
  Object.fromEntries(
    [...Map.groupBy(cells, ({ first }) => first)].map(([first, later]) => [
      first,
      later.map(({ name, count }) => `${name} ${count}`).join(', '),
    ]),
  );

/** How many cells these are. */
export const countCells = (recorded: Pick<Recorded, 'cells'>): number =>
  cellsIn(recorded).filter(({ first }) => first !== NOTHING).length;

/** What both have. */
export const leastOf = (one: Recorded, other: Recorded): Recorded => {
  const others = cellsIn(other);
  const both = cellsIn(one).flatMap((cell) => {
    const too = others.find(isSame(cell));
    return too ? [{ ...cell, count: Math.min(cell.count, too.count) }] : [];
  });
  return { cells: written(both), met: Math.min(one.met, other.met), pairs: Math.max(one.pairs, other.pairs) };
};

/** What either has. */
export const mostOf = (one: Recorded, other: Recorded): Recorded => {
  const [ones, others] = [cellsIn(one), cellsIn(other)];
  const more = ones.map((cell) => ({ ...cell, count: Math.max(cell.count, others.find(isSame(cell))?.count ?? 0) }));
  const either = [...more, ...others.filter((cell) => !ones.some(isSame(cell)))];
  return { cells: written(either), met: Math.max(one.met, other.met), pairs: Math.max(one.pairs, other.pairs) };
};

/** A sentence for each call that was there when it was written down, and is not now, or not as often. */
export const missingOf = (now: Recorded, then: Recorded): string[] => {
  const found = cellsIn(now);
  return cellsIn(then).flatMap((cell) => {
    const { first, name, count } = cell;
    const left = found.find(isSame(cell))?.count ?? 0;
    return left < count ? [`After ${first} failed, ${name} was called ${count} times at least, and now ${left}.`] : [];
  });
};
