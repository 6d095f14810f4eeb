import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'docs/security.md'), 'utf8');
const rows = text
  .split('\n')
  .filter((line) => /^\| API\d/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()));

it('says for each of the ten risks what is done, and which test proves it', () => {
  expect(rows.map(([, risk = '']) => /^API\d+/.exec(risk)?.[0])).toEqual(
    Array.from({ length: 10 }, (_, n) => `API${n + 1}`),
  );
  for (const [, , done, heldBy] of rows) {
    expect(done).not.toBe('');
    expect(heldBy).toMatch(/`[\w/.-]+\.test\.ts`/);
  }
});

const named = [...new Set(text.match(/(?<=`)(?:service|contracts)\/[\w/.-]+\.test\.ts(?=`)/g))];
it.each(named)('names an existing test: %s', (path) => {
  expect(existsSync(join(root, path))).toBe(true);
});
