import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allPairs, describeScenario, drawPairs, numbered, type Recording, randomOf } from './draw.ts';
import type { FlowName } from './flows.ts';
import { openJournal } from './journal.ts';
import { type FirstFault, type Lane, openLane, type Pair, type Played, type Scenario } from './lane.ts';
import { type WayName, waysOf, waysToDieAt } from './ways.ts';

const LANES = 8;
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
  journal: process.env.TRUNKLINE_PAIRS_JOURNAL,
  only: process.env.TRUNKLINE_PAIR,
  update: process.env.TRUNKLINE_PAIRS === 'update',
};

/**
 * Whichever two calls of a flow fail, and however, with or without a kill between them: when all is quiet again the world
 * is whole. First each call fails alone, which also records what is called after it; then pairs are drawn from that.
 */
export const holdsUnderPairs = async (flow: FlowName): Promise<void> => {
  const lanes = Array.from({ length: LANES }, openLane);
  const journal = await openJournal(settings.journal);
  const failures = new Map<string, unknown>();
  const counts = { held: 0, unmet: 0 };
  const play = async (lane: Lane, scenario: Scenario): Promise<Played> => {
    const name = describeScenario(scenario);
    try {
      const found = journal.find(name);
      const played = found ?? (await lane.play(scenario));
      if (!found) journal.add(name, played);
      counts.held++;
      if (scenario.second && played.met === 0) counts.unmet++;
      return played;
    } catch (error) {
      failures.set(name, error);
      return { calls: [], troubled: 0, met: 0 };
    }
  };

  const { calls } = await play(lanes[0] as Lane, { flow });
  const clean = numbered(calls);
  const random = randomOf(settings.seed);
  const firsts = (waysAt: (call: string) => readonly WayName[]) =>
    clean.flatMap((call) => waysAt(call.name).map((way): FirstFault => ({ ...call, way })));
  const drawn = clean.map((call): FirstFault => ({ ...call, way: pick(waysToDieAt(call.name), random) }));
  const singles = [
    ...firsts(waysOf).map((first) => ({ flow, first, killed: false })),
    ...(settings.all ? firsts(waysToDieAt) : drawn).map((first) => ({ flow, first, killed: true })),
  ];
  const later = new Set<string>();
  const recordings = await spread(lanes, singles, async (lane, single): Promise<Recording> => {
    const played = await play(lane, single);
    for (const call of played.calls) later.add(call);
    return { ...single, later: played.calls.slice(0, played.troubled) };
  });

  const every = allPairs(recordings);
  const pairs = settings.all ? every : drawPairs(recordings, random);
  const chosen = settings.only ? every.filter((pair) => describeScenario(pair) === settings.only) : pairs;
  if (settings.all) console.log(`${flow}: ${singles.length} single faults, at most ${chosen.length} pairs`);
  const said = new Set<string>();
  let begun = 0;
  await spread(lanes, settings.all ? chosen.filter(isForever) : chosen, async (lane, pair) => {
    const { met } = await play(lane, pair);
    const done = Math.floor((20 * ++begun) / chosen.length);
    if (settings.all && !said.has(`${done}`)) console.log(`${flow}: ${begun} of at most ${chosen.length} pairs`);
    said.add(`${done}`);
    // A call that comes once fails once, for ever or not.
    if (settings.all && isForever(pair) && (met > 1 || failures.has(describeScenario(pair)))) {
      await play(lane, { ...pair, second: { ...pair.second, forever: false } });
      begun++;
    }
  });
  await Promise.all(lanes.map((lane) => lane.close()));
  const played = counts.held + failures.size;

  describe(`${flow}, under ${chosen.length} pairs of faults (seed ${settings.seed})`, () => {
    it('makes each call that it made when they were last written down', async () => {
      const recorded: Recorded = { calls: calls.toSorted(), later: [...later].toSorted() };
      if (settings.update) await update(flow, recorded);
      const then = (await read())[flow];
      expect(recorded.calls).toEqual(expect.arrayContaining(then?.calls ?? ['nothing is written down']));
      expect(recorded.later).toEqual(expect.arrayContaining(then?.later ?? ['nothing is written down']));
    });
    it(`leaves the world whole after each of ${played} runs (${counts.unmet} met no second fault)`, () => {
      expect([...failures.keys()]).toEqual([]);
    });
    it.skipIf(failures.size === 0).for([...failures])('leaves the world whole: %s', ([, error]) => {
      throw error;
    });
  });
};

const isForever = (pair: Scenario): pair is Pair => pair.second?.forever === true;

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

const read = async (): Promise<Record<string, Recorded>> => JSON.parse(await readFile(recordedFile, 'utf8'));

const update = async (flow: FlowName, recorded: Recorded): Promise<void> => {
  const all = { ...(await read()), [flow]: recorded };
  await writeFile(recordedFile, `${JSON.stringify(all, null, 2)}\n`);
};
