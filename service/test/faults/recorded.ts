import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cellsOf, type Recording } from './draw.ts';
import type { FlowName } from './flows.ts';

const recordedFile = join(import.meta.dirname, 'recorded.json');

/** The calls of a flow when they were last recorded. A run that makes fewer proves too little. */
export interface Recorded {
  /** By the first call that fails, killed or not: the calls after it. Under 'nothing': the calls without faults. */
  cells: Record<string, string>;
  /** How many cells had a pair that met both its faults. */
  met: number;
  /** The maximum number of pairs. */
  pairs: number;
}

export const readRecorded = async (): Promise<Record<string, Recorded>> =>
  JSON.parse(await readFile(recordedFile, 'utf8'));

export const writeRecorded = async (flow: FlowName, recorded: Recorded): Promise<void> => {
  const all = { ...(await readRecorded()), [flow]: recorded };
  const inOrder = Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  // Other processes read the file in the meantime.
  const unfinished = `${recordedFile}.${process.pid}`;
  await writeFile(unfinished, `${JSON.stringify(inOrder, null, 2)}\n`);
  await rename(unfinished, recordedFile);
};

const NOTHING = 'nothing';

/** The calls of a run without faults, and those after each first call, in the form in which they are stored. */
export const writtenCells = (calls: readonly string[], recordings: readonly Recording[]): Recorded['cells'] =>
  Object.fromEntries(
    [[NOTHING, new Set(calls)] as const, ...cellsOf(recordings)].map(([first, later]) => [
      first,
      [...later].toSorted().join(', '),
    ]),
  );

/** Pairs of a first call and a later call. */
const cellsIn = ({ cells }: Pick<Recorded, 'cells'>) =>
  Object.entries(cells).flatMap(([first, later]) =>
    later
      .split(', ')
      .filter(Boolean)
      .map((name) => ({ first, name })),
  );

/** The number of cells. */
export const countCells = (recorded: Pick<Recorded, 'cells'>): number =>
  cellsIn(recorded).filter(({ first }) => first !== NOTHING).length;

/** These shares of the recording may be missing, because the calls after a fault depend a little on timing. */
const CHANCE = { cells: 0.03, met: 0.05, pairs: 0.1 };

/** A sentence for each way in which this run has less than was recorded. Empty if the difference may be chance. */
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
