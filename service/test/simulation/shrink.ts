import fc from 'fast-check';
import { type Run, type RunOptions, run } from './run.ts';

/** More runs than it takes; it may end before everything is tried. */
const MOST_RUNS = 400;

/** The same run with as few disturbances as still make it fail. */
export const shrink = async (failed: Run, options: RunOptions): Promise<Run> => {
  let smallest = failed;
  let runs = 0;
  const holds = async (kept: readonly string[]): Promise<boolean> => {
    if (runs++ > MOST_RUNS) return true;
    const tried = await run({ ...options, seed: failed.seed, kept: new Set(kept) });
    if (tried.faults.length > 0 && tried.disturbances.length <= smallest.disturbances.length) smallest = tried;
    return tried.faults.length === 0;
  };
  // Whole first, then without whatever it holds without.
  const all = [...failed.disturbances];
  await fc.check(fc.asyncProperty(fc.subarray(all), holds), { examples: [[all]], numRuns: 1 });
  return smallest;
};
