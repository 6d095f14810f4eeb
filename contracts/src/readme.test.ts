import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as contracts from './index.ts';
import { operations } from './router.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
/** The first two cells of each row of a table. */
const rows = [...readme.matchAll(/^\| ([^|]*`[^|]*) \| ([^|]*) \|/gm)].map(([, first = '', second = '']) => [
  first,
  second,
]);
const namesIn = (text = '') => [...text.matchAll(/`([\w.]+)(?:\[\])?`/g)].map(([, name]) => name ?? '');

describe("the package's README", () => {
  it.each([...operations.keys()])('lists %s, by its resource and by what it takes', (name) => {
    const [resource = '', verb] = name.split('.');
    const ofResource = rows.find(([first]) => namesIn(first).join() === resource);
    expect(namesIn(ofResource?.[1])).toEqual(verb === undefined ? [] : expect.arrayContaining([verb]));
    if (verb !== undefined) expect(rows.flatMap(([first]) => namesIn(first))).toContain(name);
  });

  it('names only schemas that the package has', () => {
    const named = rows.filter(([first]) => first?.includes('.')).flatMap(([, second]) => namesIn(second));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !(name in contracts))).toEqual([]);
  });
});
