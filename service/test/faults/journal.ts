import { appendFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Played } from './lane.ts';

/** The runs that have passed, by name, in a file, so that a long run can be stopped and continued. */
export interface Journal {
  find(name: string): Played | undefined;
  add(name: string, played: Played): void;
}

export const openJournal = async (file: string | undefined): Promise<Journal> => {
  const text = file ? await readFile(file, 'utf8').catch(() => '') : '';
  // The last line may be incomplete if the run was killed.
  const lines = text.split('\n').filter((line) => line.endsWith(']'));
  const held = new Map(lines.map((line): [string, Played] => JSON.parse(line)));
  return {
    find: (name) => held.get(name),
    add: (name, played) => {
      if (file) appendFileSync(file, `${JSON.stringify([name, played])}\n`);
    },
  };
};
