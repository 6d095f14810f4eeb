import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Recording } from './draw.ts';
import { flows } from './flows.ts';
import { countCells, missingOf, type Recorded, readRecorded, writtenCells } from './recorded.ts';

const folder = import.meta.dirname;
const first = { name: 'twilio.createTrunk', nth: 1, way: 'away' } as const;
const recordings: Recording[] = [
  { flow: 'assign', first, killed: false, later: ['twilio.createTrunk', 'twilio.listTrunks', 'twilio.listTrunks'] },
  { flow: 'assign', first: { ...first, way: 'busy' }, killed: false, later: ['twilio.createTrunk'] },
];
const recorded = (calls: string[], of: Recording[], more: Partial<Recorded> = {}): Recorded => ({
  ...{ cells: writtenCells(calls, of), met: 2, pairs: 50 },
  ...more,
});
const whole = recorded(['twilio.createTrunk'], recordings);
const less = recorded([], recordings.slice(1), { met: 1 });

describe('The recorded calls', () => {
  it('include every flow, each with a file that plays it and a line in the README', async () => {
    const files = (await readdir(folder)).filter((file) => file.endsWith('.pairs.ts'));
    const played = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
    const readme = await readFile(join(folder, 'README.md'), 'utf8');
    const written = await readRecorded();
    for (const flow of Object.keys(flows)) {
      expect(Object.keys(written)).toContain(flow);
      expect(
        played.filter((text) => text.includes(`holdsUnderPairs('${flow}')`)),
        flow,
      ).toHaveLength(1);
      expect(readme).toContain(`\n| ${flow} `);
    }
  });

  it('have at least 300 cells with a pair that met both its faults', async () => {
    const all = Object.values(await readRecorded());
    expect(all.map(({ met }) => met)).not.toContain(0);
    expect(all.reduce((sum, { met }) => sum + met, 0)).toBeGreaterThanOrEqual(300);
    for (const one of all) expect(countCells(one)).toBeGreaterThanOrEqual(one.met);
  });
});

describe('A run that calls less than recorded', () => {
  it('gets a sentence for each call that is missing', () => {
    expect(missingOf(less, whole)).toEqual([
      'After nothing failed, twilio.createTrunk was called, and is no longer.',
      'After twilio.createTrunk#1 failed, twilio.listTrunks was called, and is no longer.',
      'There were 2 met, and are 1.',
    ]);
    expect(missingOf({ ...whole, pairs: 40 }, whole)).toEqual(['There were 50 pairs, and are 40.']);
  });

  it('gets none if it calls more, or only a little less', () => {
    expect(missingOf(whole, less)).toEqual([]);
    const many = Array.from({ length: 40 }, (_, n) => `twilio.call${n}`);
    const of = (later: string[]) => recorded([], [{ flow: 'assign', first, killed: false, later }]);
    expect(missingOf(of(many.slice(1)), of(many))).toEqual([]);
    expect(missingOf(of(many.slice(2)), of(many))).toHaveLength(2);
  });

  it('is counted in cells', () => {
    expect(countCells(whole)).toBe(2);
  });
});
