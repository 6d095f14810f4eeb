import { openSandbox } from '../../src/sandbox/server.ts';
import { createMemoryShelf } from '../../src/sandbox/shelf.ts';
import { type OpenedService, openService } from '../open-service.ts';
import { createTurnedClock } from '../turned-clock.ts';
import { expectWholeWorld, settle } from '../world.ts';
import { type FlowName, flows } from './flows.ts';
import { type Network, openNetwork } from './network.ts';
import { type WayName, ways } from './ways.ts';

/** A call of a run: its name, and which of that name it is, counted from one. */
export interface CallOfRun {
  name: string;
  nth: number;
}

export interface FirstFault extends CallOfRun {
  way: WayName;
}

interface SecondFault extends FirstFault {
  /** Whether each later call of that name fails too, until all is quiet. */
  forever: boolean;
}

export interface Scenario {
  flow: FlowName;
  first?: FirstFault;
  /** The replica dies as soon as the first fault is met, and another goes on. */
  killed?: boolean;
  second?: SecondFault;
}

export interface Lane {
  /** Plays it, and checks the world when all is quiet. Tells the calls that came after the first fault, or all. */
  play(scenario: Scenario): Promise<string[]>;
  close(): Promise<void>;
}

/** A slow machine answers sooner, and one that waits until the end does not take for ever. */
const environment = { PROVIDER_TIMEOUT_SECONDS: '2', IMPORT_DEADLINE_SECONDS: '8' };
const ALWAYS = 1000;
/** After so many runs the world begins anew, so that no run reads through what hundreds have left. */
const RUNS = 25;
/** So often the reconciler meets the second fault before it ends. */
const TROUBLED_TURNS = 3;

/** A world of its own, in which one scenario after another is played. */
export const openLane = (): Lane => {
  let world: World | undefined;
  let runs = 0;

  const renew = async () => {
    await world?.close();
    world = undefined;
  };

  return {
    play: async (scenario) => {
      if (runs++ % RUNS === 0) await renew();
      world ??= await openWorld();
      try {
        return await play(world, scenario);
      } catch (error) {
        // What went wrong here is not the next one's fault.
        await renew();
        runs = 0;
        throw error;
      }
    },
    close: renew,
  };
};

interface World {
  service: OpenedService;
  network: Network;
  /** The replica dies; what it has sent may still act. */
  kill(): void;
  /** Another replica takes its place. */
  replace(): Promise<void>;
  close(): Promise<void>;
}

const openWorld = async (): Promise<World> => {
  const clock = createTurnedClock();
  const sandbox = await openSandbox({ shelf: createMemoryShelf(), clock, port: 0 });
  const network = await openNetwork(sandbox.url);
  const world: World = {
    network,
    service: await openService({ environment, clock, sandbox, providers_url: network.url }),
    kill: () => {
      world.network.cut();
      world.service.kill();
    },
    replace: async () => {
      const { service } = world;
      world.network = await openNetwork(sandbox.url);
      world.service = await service.openReplica({ providers_url: world.network.url });
    },
    close: async () => {
      sandbox.faults.release();
      world.network.cut();
      await world.service.close();
      await sandbox.close();
    },
  };
  return world;
};

const play = async (world: World, { flow, first, killed = false, second }: Scenario): Promise<string[]> => {
  const { faults } = world.service.sandbox;
  const act = await flows[flow](world.service);
  let from = faults.calls.length;
  let met = first === undefined;
  if (first) {
    faults.add({ ...ways[first.way], call: first.name, skip: first.nth - 1 }, () => {
      met = true;
      from = faults.calls.length;
      if (killed) world.kill();
      if (second) {
        const { way, name, nth, forever } = second;
        faults.add({ ...ways[way], call: name, skip: nth - 1, times: forever ? ALWAYS : 1 });
      }
    });
  }
  const answer = await act.ask().catch((error: unknown) => {
    if (killed) return undefined;
    throw error;
  });
  if (!met) throw new Error(`${first?.name} was not called ${first?.nth} times`);
  if (killed) await world.replace();

  const { service } = world;
  for (let turn = 0; turn < TROUBLED_TURNS; turn++) {
    await service.background.idle();
    await service.reconciler.turn();
    service.clock.advance(60_000);
  }
  faults.clear();
  await settle(service);
  const later = faults.calls.slice(from);
  await expectWholeWorld(service);
  await act.check(service, killed ? undefined : answer);
  await settle(service);
  await expectWholeWorld(service);
  return later;
};
