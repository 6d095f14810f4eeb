import { styleText } from 'node:util';
import type { Finding } from './run-checks.ts';

const words = { ok: 'ok', warning: 'warning', failed: 'failed' } as const;
const colours = { ok: 'green', warning: 'yellow', failed: 'red' } as const;
const GAP = 2;
const NARROWEST = 30;

/** The findings as a table for a terminal of this width: state, check, what was found, and below it what to do. */
export const tableOf = (findings: readonly Finding[], columns: number): string => {
  const widthOf = (texts: string[]) => Math.max(...texts.map((text) => text.length)) + GAP;
  const state_width = widthOf(findings.map(({ state }) => words[state]));
  const check_width = widthOf(findings.map(({ check }) => check));
  const before = state_width + check_width;
  const rest = Math.max(NARROWEST, columns - before);
  const rows = findings.map(({ state, check, said, advice }) => {
    const lines = [...wrap(said, rest), ...(advice ? wrap(`→ ${advice}`, rest) : [])];
    const head = styleText(colours[state], words[state].padEnd(state_width)) + check.padEnd(check_width);
    return lines.map((line, n) => (n === 0 ? head : ' '.repeat(before)) + line).join('\n');
  });
  return rows.join('\n');
};

/** Breaks lines at spaces. A word that is longer than a line gets its own. */
const wrap = (text: string, width: number): string[] => {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
};
