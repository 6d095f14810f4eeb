import { describe, expect, it } from 'vitest';
import { allPairs, cellOf, describeScenario, drawCells, numbered, type Recording, randomOf } from './draw.ts';
import type { FlowName } from './flows.ts';
import { openJournal } from './journal.ts';
import { type FirstFault, type Lane, openLane, type Pair, type Played, type Scenario } from './lane.ts';
import { countCells, missingOf, type Recorded, readRecorded, writeRecorded, writtenCells } from './recorded.ts';
import { type WayName, waysOf, waysToDieAt } from './ways.ts';

const LANES = 8;
/** How many times a single fault is tried if its call does not come in every run. */
const TRIES = 5;

const { TRUNKLINE_PAIRS: mode, TRUNKLINE_PAIRS_SEED, TRUNKLINE_PAIRS_JOURNAL, TRUNKLINE_PAIR: only } = process.env;
const seed = Number(TRUNKLINE_PAIRS_SEED ?? 1);

/** Plays scenarios in several worlds concurrently, and collects the results. */
interface Players {
  play(scenario: Scenario): Promise<Played>;
  /** Runs every piece of work, several at once. */
  each<T, R>(work: readonly T[], run: (piece: T) => Promise<R>): Promise<R[]>;
  failures: ReadonlyMap<string, unknown>;
  counts: { played: number; unmet: number };
}

/**
 * Whichever two calls of a flow fail, and however, with or without a kill between them: the world is whole once all
 * work is done. First each call fails alone, which also records the calls after it; then pairs are drawn from those.
 */
export const holdsUnderPairs = async (flow: FlowName): Promise<void> => {
  const lanes = Array.from({ length: LANES }, openLane);
  const players = await openPlayers(lanes);
  const { failures, counts } = players;
  const recorded = only === undefined ? await playFlow(flow, players) : undefined;
  const alone = only === undefined ? undefined : await playAlone(flow, only, players);
  await Promise.all(lanes.map((lane) => lane.close()));

  describe(`${flow}, under pairs of faults (seed ${seed})`, () => {
    it.runIf(recorded && mode !== 'count')('makes the recorded calls', async () => {
      const then = (await readRecorded())[flow];
      expect(then, 'recorded.json has no such flow: run with --update.').toBeDefined();
      if (recorded === undefined || then === undefined) return;
      expect(missingOf(recorded, then)).toEqual([]);
    });
    it.runIf(only !== undefined)('has the pair that was named', () => {
      expect(alone, `No pair of this flow has the name '${only}'.`).toBeDefined();
    });
    it(`leaves the world whole after each of ${counts.played} runs`, () => {
      expect([...failures.keys()]).toEqual([]);
    });
    it.skipIf(failures.size === 0).for([...failures])('leaves the world whole: %s', ([, error]) => {
      throw error;
    });
  });
};

const openPlayers = async (lanes: readonly Lane[]): Promise<Players> => {
  const journal = await openJournal(TRUNKLINE_PAIRS_JOURNAL);
  const free = [...lanes];
  const failures = new Map<string, unknown>();
  const counts = { played: 0, unmet: 0 };
  return {
    failures,
    counts,
    play: async (scenario) => {
      const name = describeScenario(scenario);
      const lane = free.pop();
      if (lane === undefined) throw new Error('More is played at once than there are lanes');
      try {
        const found = journal.find(name);
        const played = found ?? (await lane.play(scenario));
        if (!found) journal.add(name, played);
        if (scenario.second && played.met === 0) counts.unmet++;
        return played;
      } catch (error) {
        failures.set(name, error);
        return { calls: [], troubled: 0, met: 0, begun: true };
      } finally {
        counts.played++;
        free.push(lane);
      }
    },
    each: async (work, run) => {
      const results: Awaited<ReturnType<typeof run>>[] = [];
      let next = 0;
      const takeTurns = async () => {
        for (let n = next++; n < work.length; n = next++) results[n] = await run(work[n] as (typeof work)[number]);
      };
      await Promise.all(lanes.map(takeTurns));
      return results;
    },
  };
};

/** The run without faults, each single fault, and then as many pairs as requested. */
const playFlow = async (flow: FlowName, players: Players): Promise<Recorded> => {
  const { recordings, recorded } = await playSingles(flow, players);
  if (mode === 'count') return recorded;
  const met = mode === 'all' ? await playAll(flow, recordings, players) : await playSample(recordings, players);
  console.log(`${flow}: ${met} cells had a pair that met both its faults, ${countCells(recorded) - met} had none`);
  const whole = { ...recorded, met };
  if (mode === 'update') await writeRecorded(flow, whole);
  return whole;
};

const playSingles = async (flow: FlowName, players: Players) => {
  const { calls } = await players.play({ flow });
  const singles = singleFaults(flow, calls);
  const recordings = await players.each(singles, (single) => record(single, players));
  const pairs = allPairs(recordings).length;
  const recorded: Recorded = { cells: writtenCells(calls, recordings), met: 0, pairs };
  console.log(`${flow}: ${singles.length} single faults, ${countCells(recorded)} cells, at most ${pairs} pairs`);
  return { recordings, recorded };
};

/** One pair of each cell; if it does not meet both its faults, the next. Returns how many cells have one that did. */
const playSample = async (recordings: readonly Recording[], { play, each, failures }: Players): Promise<number> => {
  const hasMet = await each(drawCells(recordings, randomOf(seed)), async (pairs) => {
    for (const pair of pairs) {
      const { met } = await play(pair);
      if (met > 0 || failures.has(describeScenario(pair))) return true;
    }
    return false;
  });
  return hasMet.filter(Boolean).length;
};

const singleFaults = (flow: FlowName, calls: readonly string[]) => {
  const firsts = (waysAt: (call: string) => readonly WayName[]) =>
    numbered(calls).flatMap((call) => waysAt(call.name).map((way): FirstFault => ({ ...call, way })));
  return [
    ...firsts(waysOf).map((first) => ({ flow, first, killed: false })),
    ...firsts(waysToDieAt).map((first) => ({ flow, first, killed: true })),
  ];
};

type Single = ReturnType<typeof singleFaults>[number];

const record = async (single: Single, { play }: Players): Promise<Recording> => {
  for (let tries = 1; ; tries++) {
    const { calls, troubled, begun } = await play(single);
    if (begun || tries === TRIES) return { ...single, later: calls.slice(0, troubled) };
  }
};

/** Every distinct pair. Returns how many cells have one that met both its faults. */
const playAll = async (flow: FlowName, recordings: readonly Recording[], players: Players): Promise<number> => {
  const { play, each, failures, counts } = players;
  const every = allPairs(recordings);
  const met = new Set<string>();
  const said = new Set<number>();
  let begun = 0;
  await each(every.filter(isForever), async (pair) => {
    const playPair = async (one: Scenario) => {
      begun++;
      const played = await play(one);
      if (played.met > 0) met.add(cellOf(one));
      return played;
    };
    const { met: often } = await playPair(pair);
    // A call made once fails once, whether forever or not.
    const isOther = often > 1 || failures.has(describeScenario(pair));
    if (isOther) await playPair({ ...pair, second: { ...pair.second, forever: false } });
    const done = Math.floor((20 * begun) / every.length);
    if (!said.has(done)) console.log(`${flow}: ${begun} of at most ${every.length} pairs`);
    said.add(done);
  });
  console.log(`${flow}: ${counts.played} runs, of which ${counts.unmet} met no second fault`);
  return met.size;
};

/** Only the scenario of this name, after the single fault at its beginning. Undefined if there is none. */
const playAlone = async (flow: FlowName, name: string, players: Players): Promise<Scenario | undefined> => {
  const { calls } = await players.play({ flow });
  const named = singleFaults(flow, calls).filter((single) => `${name} / `.startsWith(`${describeScenario(single)} / `));
  const recordings = await players.each(named, (single) => record(single, players));
  const found = [...named, ...allPairs(recordings)].find((scenario) => describeScenario(scenario) === name);
  if (found && 'second' in found) await players.play(found);
  return found;
};

const isForever = (pair: Scenario): pair is Pair => pair.second?.forever === true;
