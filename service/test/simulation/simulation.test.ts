import { describe, expect, it } from 'vitest';
import { run } from './run.ts';
import { saboteurs } from './saboteurs.ts';
import { shrink } from './shrink.ts';

const LONG = { timeout: 900_000 };

/** What a run has found once, by the seed that found it. */
const found: Record<number, string> = {};

describe('The service, simulated', () => {
  it.each([1, 2, 3, 4, 5, 6])('holds what it promises with the seed %i', LONG, async (seed) => {
    expect((await run({ seed })).faults).toEqual([]);
  });

  it.each(Object.entries(found))('seed %s: %s', LONG, async (seed) => {
    expect((await run({ seed: Number(seed) })).faults).toEqual([]);
  });

  it.each([7, 8])('is played again exactly by the same seed', LONG, async (seed) => {
    const first = await run({ seed });
    const second = await run({ seed });
    expect(first.trace.length).toBeGreaterThan(100);
    expect(second.trace).toEqual(first.trace);
    expect(second.digest).toBe(first.digest);
    expect((await run({ seed: seed + 1 })).digest).not.toBe(first.digest);
  });
});

describe('A saboteur at a seam', () => {
  const RUNS = 1000;
  it.each(Object.entries(saboteurs))(`is found within ${RUNS} runs: %s`, LONG, async (_name, saboteur) => {
    let runs = 0;
    for (let seed = 1; runs < RUNS; seed++, runs++) if ((await run({ seed, saboteur })).faults.length > 0) break;
    expect(runs).toBeLessThan(RUNS);
  });

  it('is found by fewer disturbances than the run had', LONG, async () => {
    const saboteur = saboteurs['an answer trusted too early'];
    const failed = await run({ seed: 1, saboteur });
    expect(failed.faults).not.toEqual([]);
    const smallest = await shrink(failed, { seed: 1, saboteur });
    expect(smallest.faults).not.toEqual([]);
    expect(smallest.disturbances.length).toBeLessThan(failed.disturbances.length / 4);
    // What is left makes it fail each time.
    expect((await run({ seed: 1, saboteur, kept: new Set(smallest.disturbances) })).digest).toBe(smallest.digest);
  });
});
