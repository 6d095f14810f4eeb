import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'vitest';
import { collections } from '../../src/compose/collections.ts';
import type { Faults } from '../../src/sandbox/faults.ts';
import { openSandbox } from '../../src/sandbox/server.ts';
import { createMemoryShelf, type Shelf } from '../../src/sandbox/shelf.ts';
import { type OpenedService, openService, uniqueDatabase } from '../open-service.ts';
import { createTurnedClock, type TurnedClock } from '../turned-clock.ts';
import { expectWholeWorld, isSomethingDue, settle } from '../world.ts';
import { type FlowName, flows, forgetTrunk, interleaved } from './flows.ts';
import { type Network, openNetwork } from './network.ts';
import { timeOutWhereSilent } from './silence.ts';
import { isRead, type WayName, ways } from './ways.ts';

/** A call of a run: its name, and its number among the calls of that name, from 1. */
export interface CallOfRun {
  name: string;
  nth: number;
}

export interface FirstFault extends CallOfRun {
  way: WayName;
}

interface SecondFault extends FirstFault {
  /** Whether every later call of that name fails too, until the faults are cleared. */
  forever: boolean;
}

export interface Scenario {
  flow: FlowName;
  first?: FirstFault;
  /** The replica dies as soon as the first fault is met, and another takes over. */
  killed?: boolean;
  second?: SecondFault;
}

export type Pair = Scenario & Required<Pick<Scenario, 'second'>>;

/** The calls of a scenario after its first fault, or all of them. */
export interface Played {
  calls: string[];
  /** How many of these were made before the faults were cleared. */
  troubled: number;
  /** How many calls met the second fault. */
  met: number;
  /** Whether the first fault was met. */
  begun: boolean;
}

export interface Lane {
  /** Plays the scenario, and checks the world once all work is done. */
  play(scenario: Scenario): Promise<Played>;
  close(): Promise<void>;
}

/**
 * Even a slow machine answers sooner. While a provider is silent, the clock is advanced by this time, so nobody waits.
 */
const PROVIDER_TIMEOUT_SECONDS = 4;
const environment = { PROVIDER_TIMEOUT_SECONDS: `${PROVIDER_TIMEOUT_SECONDS}`, IMPORT_DEADLINE_SECONDS: '16' };
const TRANSACTION_SECONDS = 5;
const ALWAYS = 1000;
/** After this many runs the world is emptied, so that no run reads what hundreds have left. */
const RUNS = 25;
/** After this many, a new world with its own database is opened. */
const MOST_RUNS = 500;
/** The number of the reconciler's turns before the faults are cleared. */
const TROUBLED_TURNS = 3;

/** A separate world, in which one scenario after another is played. */
export const openLane = (): Lane => {
  let world: World | undefined;
  let runs = 0;

  const renew = async () => {
    await world?.close();
    world = undefined;
    runs = 0;
  };

  return {
    play: async (scenario) => {
      if (runs >= MOST_RUNS) await renew();
      world ??= await openWorld();
      if (runs++ % RUNS === 0) await world.empty();
      try {
        return await play(world, scenario);
      } catch (error) {
        // A failure here must not affect the next scenario.
        await renew();
        throw error;
      }
    },
    close: renew,
  };
};

/** What a service has when it starts. */
const kept: ReadonlySet<string> = new Set(['installations', 'organizations', 'api_keys']);

interface World {
  service: OpenedService;
  network: Network;
  /** The replica dies; calls it has sent may still take effect. */
  kill(): void;
  /** Another replica takes its place. */
  replace(): Promise<void>;
  /** Removes everything but the organization and its key. */
  empty(): Promise<void>;
  close(): Promise<void>;
}

const openWorld = async (): Promise<World> => {
  const clock = createOwnClock();
  const { shelf, empty, watch } = createWatchedShelf(() => clock.advance(1000 * PROVIDER_TIMEOUT_SECONDS));
  const sandbox = await openSandbox({ shelf, clock, port: 0 });
  watch(sandbox.faults);
  const network = await openNetwork(sandbox.url);
  const world: World = {
    network,
    service: await openService({
      environment,
      clock,
      sandbox,
      log_level: 'silent',
      // A replica that takes over opens only as many connections as it needs.
      mongodb_uri: `${uniqueDatabase()}&maxPoolSize=4`,
      providers_url: network.url,
    }),
    kill: () => {
      world.network.cut();
      world.service.kill();
    },
    replace: async () => {
      const { service } = world;
      world.network = await openNetwork(sandbox.url);
      world.service = await service.openReplica({ providers_url: world.network.url, admin: service.admin });
    },
    empty: async () => {
      const { connection } = world.service;
      empty();
      forgetTrunk(sandbox);
      const emptied = collections.filter(({ name }) => !kept.has(name));
      await Promise.all(emptied.map(({ name }) => connection.collection(name).deleteMany()));
    },
    close: async () => {
      sandbox.faults.release();
      world.network.cut();
      // A killed replica can do none of this, and the test must fail with the earlier error.
      const { service } = world;
      for (const end of [() => service.connection.dropDatabase(), service.close, sandbox.close]) {
        await end().catch(() => undefined);
      }
    },
  };
  // A dead replica's open transaction blocks writes, by default for a minute.
  const database = world.service.connection.getClient().db('admin');
  await database.command({ setParameter: 1, transactionLifetimeLimitSeconds: TRANSACTION_SECONDS });
  return world;
};

/**
 * After a wait, the clock has advanced by at least that time, so a provider that is always busy soon meets a deadline.
 */
const createOwnClock = (): TurnedClock => {
  const clock = createTurnedClock();
  const sleep: TurnedClock['sleep'] = async (ms, signal) => {
    const until = clock.now() + ms;
    await clock.sleep(ms, signal);
    clock.advance(Math.max(0, until - clock.now()));
  };
  return { ...clock, sleep };
};

/** Can be emptied, and fails if a call that counts as a read changes a provider. */
const createWatchedShelf = (waitForSilence: () => void) => {
  const calls = new AsyncLocalStorage<string>();
  let memory = createMemoryShelf();
  const checkCall = () => {
    const call = calls.getStore();
    if (call !== undefined && isRead(call)) throw new Error(`${call} changes something: it is no read`);
  };
  const shelf: Shelf = {
    list: (kind) => memory.list(kind),
    get: (kind, id) => memory.get(kind, id),
    put: async (...args) => {
      checkCall();
      await memory.put(...args);
    },
    remove: async (...args) => {
      checkCall();
      return memory.remove(...args);
    },
  };
  return {
    shelf,
    empty: () => {
      memory = createMemoryShelf();
    },
    watch: (faults: Faults) => {
      timeOutWhereSilent(faults, waitForSilence);
      const { take } = faults;
      faults.take = (call) => {
        calls.enterWith(call);
        return take(call);
      };
    },
  };
};

const play = async (world: World, { flow, first, killed = false, second }: Scenario): Promise<Played> => {
  const { faults } = world.service.sandbox;
  const act = await flows[flow](world.service);
  let from = faults.calls.length;
  let met = 0;
  let begun = first === undefined;
  if (first) {
    faults.add({ ...ways[first.way], call: first.name, skip: first.nth - 1 }, () => {
      begun = true;
      from = faults.calls.length;
      if (killed) world.kill();
      if (second) {
        const { way, name, nth, forever } = second;
        faults.add({ ...ways[way], call: name, skip: nth - 1, times: forever ? ALWAYS : 1 }, () => {
          met++;
        });
      }
    });
  }
  const answer = await act.ask().catch((error: unknown) => {
    if (killed && begun) return undefined;
    throw error;
  });
  if (!begun && !interleaved.has(flow)) throw new Error(`${first?.name} was not called ${first?.nth} times`);
  const died = killed && begun;
  // A dead replica receives no answers, so how its last call failed makes no difference.
  if (died) expect(answer, 'the dead replica answered').toBeUndefined();
  if (died) await world.replace();

  const { service } = world;
  for (let turn = 0; turn < TROUBLED_TURNS; turn++) {
    await service.background.idle();
    if (!(await isSomethingDue(service))) break;
    await service.reconciler.turn();
    service.clock.advance(60_000);
  }
  faults.clear();
  const troubled = faults.calls.length - from;
  await settle(service);
  const calls = faults.calls.slice(from);
  await expectWholeWorld(service);
  await act.check(service, died ? undefined : answer);
  await settle(service);
  await expectWholeWorld(service);
  return { calls, troubled, met, begun };
};
