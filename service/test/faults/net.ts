import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allPairs, describeScenario, drawPairs, numbered, type Recording, randomOf } from './draw.ts';
import type { FlowName } from './flows.ts';
import { type FirstFault, type Lane, openLane, type Scenario } from './lane.ts';
import { wayNames } from './ways.ts';

const LANES = 5;
const recordedFile = join(import.meta.dirname, 'recorded.json');

/** What was recorded of a flow when it was last written down: a run that meets less is no proof. */
interface Recorded {
  /** Of a run in which nothing fails. */
  calls: string[];
  /** Of what follows where one of these fails. */
  later: string[];
}

const settings = {
  seed: Number(process.env.TRUNKLINE_PAIRS_SEED ?? 1),
  all: process.env.TRUNKLINE_PAIRS === 'all',
  only: process.env.TRUNKLINE_PAIR,
  update: process.env.TRUNKLINE_PAIRS === 'update',
};

/**
 * Whichever two calls of a flow fail, and however, with or without a kill between them: when all is quiet again the world
 * is whole. First each call fails alone, which also records what is called after it; then pairs are drawn from that.
 */
export const holdsUnderPairs = async (flow: FlowName): Promise<void> => {
  const lanes = Array.from({ length: LANES }, openLane);
  const failures = new Map<string, unknown>();
  const play = (lane: Lane, scenario: Scenario) =>
    lane.play(scenario).catch((error: unknown) => {
      failures.set(describeScenario(scenario), error);
      return [];
    });

  const clean = await play(lanes[0] as Lane, { flow });
  const random = randomOf(settings.seed);
  const firsts = numbered(clean).flatMap((call) => wayNames.map((way): FirstFault => ({ ...call, way })));
  const drawn = numbered(clean).map(
    (call): FirstFault => ({ ...call, way: random() < 0.5 ? 'dropped after acting' : pick(wayNames, random) }),
  );
  const singles = [
    ...firsts.map((first) => ({ flow, first, killed: false })),
    // A kill costs more: by hand with each way, else with one that is drawn.
    ...(settings.all ? firsts : drawn).map((first) => ({ flow, first, killed: true })),
  ];
  const recordings = await spread(lanes, singles, async (lane, single): Promise<Recording> => {
    return { ...single, later: await play(lane, single) };
  });
  const pairs = settings.all ? allPairs(recordings) : drawPairs(recordings, random);
  const chosen = settings.only ? pairs.filter((pair) => describeScenario(pair) === settings.only) : pairs;
  await spread(lanes, chosen, play);
  await Promise.all(lanes.map((lane) => lane.close()));

  describe(`${flow}, under ${chosen.length} pairs of faults (seed ${settings.seed})`, () => {
    it('makes each call that it made when they were last written down', async () => {
      const recorded: Recorded = { calls: clean.toSorted(), later: laterIn(recordings) };
      if (settings.update) await update(flow, recorded);
      const then = (await read())[flow];
      expect(recorded.calls).toEqual(expect.arrayContaining(then?.calls ?? ['nothing is written down']));
      expect(recorded.later).toEqual(expect.arrayContaining(then?.later ?? ['nothing is written down']));
    });
    for (const scenario of [{ flow }, ...singles, ...chosen]) {
      const name = describeScenario(scenario);
      it(`leaves the world whole: ${name}`, () => {
        if (failures.has(name)) throw failures.get(name);
      });
    }
  });
};

/** Has each lane take the next piece of work until none is left. */
const spread = async <T, R>(lanes: readonly Lane[], work: readonly T[], run: (lane: Lane, piece: T) => Promise<R>) => {
  const results: R[] = [];
  let next = 0;
  const takeTurns = async (lane: Lane) => {
    for (let piece = next++; piece < work.length; piece = next++) results[piece] = await run(lane, work[piece] as T);
  };
  await Promise.all(lanes.map(takeTurns));
  return results;
};

const pick = <T>(from: readonly T[], random: () => number): T => from[Math.floor(random() * from.length)] as T;

const laterIn = (recordings: readonly Recording[]): string[] =>
  [...new Set(recordings.flatMap(({ later }) => later))].toSorted();

const read = async (): Promise<Record<string, Recorded>> => JSON.parse(await readFile(recordedFile, 'utf8'));

const update = async (flow: FlowName, recorded: Recorded): Promise<void> => {
  const all = { ...(await read()), [flow]: recorded };
  await writeFile(recordedFile, `${JSON.stringify(all, null, 2)}\n`);
};
