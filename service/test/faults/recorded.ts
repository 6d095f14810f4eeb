import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cellsOf, type Recording } from './draw.ts';
import type { FlowName } from './flows.ts';

const recordedFile = join(import.meta.dirname, 'recorded.json');

/** What was recorded of a flow when it was last written down: a run that meets less is no proof. */
export interface Recorded {
  /** By the first call that fails, with or without a kill: what is called after it. Where nothing fails, what is called at all. */
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
export const writtenCells = (calls: readonly string[], recordings: readonly Recording[]): Recorded['cells'] =>
  Object.fromEntries(
    [[NOTHING, new Set(calls)] as const, ...cellsOf(recordings)].map(([first, later]) => [
      first,
      [...later].toSorted().join(', '),
    ]),
  );

/** Each a first call and a later one. */
const cellsIn = ({ cells }: Pick<Recorded, 'cells'>) =>
  Object.entries(cells).flatMap(([first, later]) =>
    later
      .split(', ')
      .filter(Boolean)
      .map((name) => ({ first, name })),
  );

/** How many cells these are. */
export const countCells = (recorded: Pick<Recorded, 'cells'>): number =>
  cellsIn(recorded).filter(({ first }) => first !== NOTHING).length;

/** So much of what was written down may be missing: what is called after a fault depends a little on time. */
const CHANCE = { cells: 0.03, met: 0.05, pairs: 0.1 };

/** A sentence for each way in which it is less than what was written down. None: it differs by chance at the most. */
export const missingOf = (now: Recorded, then: Recorded): string[] => {
  const found = new Set(cellsIn(now).map(({ first, name }) => `${first} / ${name}`));
  const lost = cellsIn(then).filter(({ first, name }) => !found.has(`${first} / ${name}`));
  const always = lost.filter(({ first }) => first === NOTHING);
  const told = lost.length > CHANCE.cells * countCells(then) ? lost : always;
  return [
    ...told.map(({ first, name }) => `After ${first} failed, ${name} was called, and is no longer.`),
    ...(['met', 'pairs'] as const).flatMap((what) =>
      now[what] < (1 - CHANCE[what]) * then[what] ? [`There were ${then[what]} ${what}, and are ${now[what]}.`] : [],
    ),
  ];
};
