import fc from 'fast-check';
import { type Run, type RunOptions, run } from './run.ts';

/** Shrinking stops after this many runs, even if not everything was tried. */
const MOST_RUNS = 400;

/** Finds the same run with the fewest disturbances that still make it fail. */
export const shrink = async (failed: Run, options: RunOptions): Promise<Run> => {
  let smallest = failed;
  let runs = 0;
  const holds = async (kept: readonly string[]): Promise<boolean> => {
    if (runs++ > MOST_RUNS) return true;
    const tried = await run({ ...options, seed: failed.seed, kept: new Set(kept) });
    if (tried.faults.length > 0 && tried.disturbances.length <= smallest.disturbances.length) smallest = tried;
    return tried.faults.length === 0;
  };
  // First with all disturbances, then without those that are not needed to fail.
  const all = [...failed.disturbances];
  await fc.check(fc.asyncProperty(fc.subarray(all), holds), { examples: [[all]], numRuns: 1 });
  return smallest;
};
