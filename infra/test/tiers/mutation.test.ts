import { describe, expect, inject, it } from 'vitest';
import { rules } from '../../policies/rules.ts';
import { evaluate } from './evaluate.ts';
import { MUTANTS } from './mutants/mutants.ts';
import { PROMISES } from './promises/promises.ts';
import type { Run } from './run-program.ts';

const recorded = inject('recorded');

/** All that is wrong with a stack, by the names of the policies and promises that say so. */
const broken = (run: Run): string[] => [
  ...new Set(evaluate(run).map(({ rule }) => rule)),
  ...Object.entries(PROMISES).flatMap(([name, breaches]) => (breaches(run).length > 0 ? [name] : [])),
];

describe('the policies', () => {
  it.each(Object.entries(recorded))('let the stack %s pass', (_name, { update }) => {
    expect(evaluate(update)).toEqual([]);
  });
});

/** Each mutant is a recorded stack with one thing made wrong: what the program would do if that were its mistake. */
describe('a stack', () => {
  it.each(MUTANTS)('that $wrong is caught by: $caughtBy', ({ caughtBy, stack = 'prod', type, name, change }) => {
    const run = structuredClone(recorded[stack].update);
    const resource = run.resources.find((one) => one.type === type && (name === undefined || name === one.name));
    if (!resource) throw new Error(`the stack has no ${type} ${name ?? ''}`);
    change(resource, run);
    expect(broken(run)).toContain(caughtBy);
  });

  it('has a mutant for each policy and each promise', () => {
    const named = [...rules.map((rule) => rule.name), ...Object.keys(PROMISES)];
    expect([...new Set(MUTANTS.map(({ caughtBy }) => caughtBy))].toSorted()).toEqual(named.toSorted());
  });
});
