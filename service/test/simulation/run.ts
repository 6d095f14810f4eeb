import type { TwilioCredentials } from '@trunkline/contracts';
import { collections } from '../../src/compose/collections.ts';
import { readConfig } from '../../src/config/index.ts';
import { createChance, pick, seedThisProcess } from './chance.ts';
import { faultsOf, freeNumbers, isDegraded, refusedCalls } from './check.ts';
import { type Organization, type Request, runClient, runSidelines } from './clients.ts';
import { createDatabase } from './database.ts';
import { changeByHand } from './hands.ts';
import { openReplica, type Replica, type Settings, type World } from './replica.ts';
import type { Saboteur } from './saboteurs.ts';
import { createScheduler, type Life } from './scheduler.ts';
import { createSeams } from './seams.ts';
import { drawMood, drawScene, drawSettings } from './world.ts';

export interface RunOptions {
  seed: number;
  /** Only these disturbances may happen, while a failing run is shrunk. */
  kept?: ReadonlySet<string> | undefined;
  saboteur?: Saboteur | undefined;
}

export interface Run {
  seed: number;
  /** What was wrong. Empty: everything held. */
  faults: readonly string[];
  /** A hash of everything that happened, in order. */
  digest: string;
  trace: readonly string[];
  disturbances: readonly string[];
}

const HANDS = 3;
const MOST_KILLS = 3;
/** More turns than any record is postponed for. */
const MOST_TURNS = 120;
const TURN_MS = 60_000;
const HALF_AN_HOUR_MS = 30 * 60_000;
const { provider_timeout_ms: PROVIDER_TIMEOUT_MS } = readConfig({ NODE_ENV: 'test' });

/** Plays one run of the whole service, from nothing to quiet, as the seed decides. */
export const run = async ({ seed, kept, saboteur }: RunOptions): Promise<Run> => {
  using _ = seedThisProcess(seed);
  const scheduler = createScheduler();
  const chance = createChance(seed, kept);
  const faults: string[] = [];
  try {
    faults.push(...(await scheduler.until(play({ scheduler, chance, saboteur }))));
  } catch (error) {
    faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return { seed, faults, digest: scheduler.digest(), trace: scheduler.trace(), disturbances: chance.disturbances };
};

type Parts = Pick<World, 'scheduler'> & { chance: ReturnType<typeof createChance>; saboteur: Saboteur | undefined };

const play = async ({ scheduler, chance, saboteur }: Parts): Promise<string[]> => {
  const roll = chance.rollOf('world');
  const scene = drawScene(roll);
  const mood = drawMood(roll);
  const database = createDatabase(collections);
  const network: Life = { name: 'network', isAlive: true, skew_ms: 0 };
  const deaths = new Map<Life, PromiseWithResolvers<void>>();
  const replicas: Replica[] = [];
  const asked: Request[] = [];
  const starting = new Set<Promise<void>>();
  let isTroubled = false;
  let kills = 0;
  let lives = 0;

  const kill = (life: Life): void => {
    kills++;
    scheduler.kill(
      life,
      (name) => chance.disturb(`${name} though its sender is dead`, (roll) => roll() < 0.6 || undefined) === true,
    );
    deaths.get(life)?.resolve();
    replicas.splice(
      replicas.findIndex((it) => it.life === life),
      1,
    );
    const roll = chance.rollOf(`${life.name} is replaced`);
    const after_ms = pick([100, 5000, Math.floor(roll() * 60_000)], roll);
    const settings = roll() < 0.5 ? drawSettings(roll) : undefined;
    const started = scheduler.wait(network, `${life.name} is replaced`, { ms: after_ms }).then(() => start(settings));
    const watched: Promise<void> = started.then(() => void starting.delete(watched));
    starting.add(watched);
  };

  const world: World = {
    ...{ scheduler, database, providers: scene.providers, saboteur },
    seams: createSeams({
      ...{ scheduler, chance, mood, network, kill },
      isTroubled: () => isTroubled,
      mayDie: (life) => life.isAlive && deaths.has(life) && kills < MOST_KILLS,
    }),
  };

  let latest = drawSettings(roll);
  const open = async (settings: Settings = latest): Promise<Replica> => {
    latest = settings;
    const name = `replica ${++lives}`;
    const life = { name, isAlive: true, skew_ms: Math.floor((roll() - 0.5) * 400) };
    return openReplica(world, life, settings);
  };
  const start = async (settings?: Settings): Promise<void> => {
    const replica = await open(settings);
    deaths.set(replica.life, Promise.withResolvers());
    replicas.push(replica);
    scheduler.as(replica.life.name, () => replica.core.reconciler.start());
  };

  const count = roll() < 0.5 ? 2 : 3;
  for (let n = 0; n < count; n++) await start();
  const refused = new Set<string>();
  scene.providers.dialsChanged = () => {
    for (const fault of refusedCalls({ database, scene })) refused.add(fault);
  };
  const organizations = await scheduler.as('set-up', () => makeOrganizations(replicas[0] as Replica, world));
  scene.providers.begins = (call, credentials) => {
    const late_ms = scheduler.now() - (replacedAt(organizations, asked, credentials) ?? scheduler.now());
    if (late_ms > PROVIDER_TIMEOUT_MS)
      refused.add(`${call} begins by credentials that were replaced ${late_ms} ms ago`);
  };

  isTroubled = true;
  const shared = {
    ...{ organizations, scene, database, scheduler, chance, network, asked },
    replicas: () => replicas,
    diedOf: (life: Life) => deaths.get(life)?.promise ?? Promise.resolve(),
  };
  const clients = organizations.flatMap((organization, n) =>
    ['a', 'b'].map((m) => runClient({ ...shared, name: `client ${n + 1}${m}`, organization })),
  );
  const hands = Array.from({ length: HANDS }, async (__, n) => {
    const change = chance.disturb(`hand ${n}`, (roll) => (roll() < 0.2 ? roll : undefined));
    if (change === undefined) return;
    await scheduler.wait(network, `hand ${n}`, { ms: Math.floor(change() * 90_000) });
    scheduler.note(`somebody ${changeByHand(scene, database, change)}`);
  });
  await Promise.all([...clients, runSidelines(shared), ...hands]);

  // From here on nothing is disturbed, and everything comes to rest.
  isTroubled = false;
  for (const account of scene.providers.accounts.values()) account.is_suspended = false;
  await Promise.all(starting);
  for (const { life, core } of replicas) {
    await core.reconciler.stop();
    await core.background.idle();
    life.isAlive = false;
  }
  const last = await open();
  await settle(last, world, network);
  const checked = { database, scene, installation_id: last.core.installation_id, asked };
  const found = await faultsOf(checked);
  if (found.length + refused.size > 0) return [...refused, ...found];
  const unimported = await importAgain(last, world, organizations[0] as Organization, checked);
  await settle(last, world, network);
  return [...unimported, ...refused, ...(await faultsOf(checked))];
};

/** When a caller was told that these credentials are replaced. Undefined: never. */
const replacedAt = (
  organizations: readonly Organization[],
  asked: readonly Request[],
  { account_sid, auth_token }: TwilioCredentials,
): number | undefined => {
  const replaced = asked.filter(({ input }) => input.credentials).filter((it) => revisionOf(it) > 0);
  const own = replaced.find(({ input }) => input.credentials.auth_token === auth_token);
  const first = organizations.find((it) => it.auth_token === auth_token)?.integrations.get(account_sid);
  const integration_id = own?.input.integration_id ?? first;
  return replaced.find(
    (it) => it.input.integration_id === integration_id && revisionOf(it) > (own ? revisionOf(own) : 0),
  )?.at;
};

/** The revision in the answer. 0: the change was not made, or its outcome is unknown. */
const revisionOf = ({ outcome }: Request): number =>
  outcome !== 'lost' && 'data' in outcome ? outcome.data.revision : 0;

const makeOrganizations = async ({ core }: Replica, { database, providers }: World): Promise<Organization[]> => {
  const made: Organization[] = [];
  for (const n of [1, 2]) {
    const name = `organization ${n}`;
    const raw_key = `tl_live_${String(n).repeat(40)}`;
    const { organization_id } = await core.organizations.createOrganization({
      name,
      raw_key,
      actor: { system: 'command_line' },
    });
    const key = database.rowsOf('api_keys').find((row) => row.organization_id === organization_id);
    const key_id = key?.key_id as Organization['key_id'];
    const integrations: Organization['integrations'] = new Map();
    const auth_token = String(n).repeat(32);
    for (const { sid: account_sid } of providers.accounts.values()) {
      const credentials = { provider: 'twilio', account_sid, auth_token };
      const caller = { organization_id, key_id, role: 'admin', request_id: `${name} integrates` } as const;
      const create = core.api.handles.get('integrations.create');
      const answer = (await create?.(caller, { name, credentials })) as any;
      integrations.set(account_sid, answer.data.integration_id);
    }
    made.push({ organization_id, key_id, integrations, auth_token });
  }
  return made;
};

/** Lets the reconciler work until nothing is due any longer, however late that is. */
const settle = async ({ core, life }: Replica, { scheduler, database }: World, network: Life): Promise<void> => {
  // What a person changed by hand is checked once an hour, for ever.
  const isHourly = (row: Record<string, any>) =>
    isDegraded(row) && row.provisioning.due_at - scheduler.now() > HALF_AN_HOUR_MS;
  const isDue = () =>
    [...database.rowsOf('phone_numbers'), ...database.rowsOf('integrations')].some(
      (row: Record<string, any>) => row.provisioning.due_at !== undefined && !isHourly(row),
    );
  for (let turns = 0; turns === 0 || isDue(); turns++) {
    if (turns === MOST_TURNS) return;
    // Everything that was on its way has arrived by then.
    await scheduler.wait(network, 'a minute passes', { ms: TURN_MS });
    await scheduler.as(life.name, () => core.reconciler.turn());
  }
};

/** Imports each number that nobody holds: that must succeed at once. */
const importAgain = async (
  { core }: Replica,
  { scheduler, database }: World,
  { organization_id, key_id, integrations }: Organization,
  checked: Parameters<typeof freeNumbers>[0],
): Promise<string[]> => {
  const refused: string[] = [];
  for (const { number, account } of freeNumbers(checked)) {
    const { phone_number } = number;
    const integration_id = integrations.get(account.sid);
    const isThere = database
      .rowsOf('integrations')
      .some((it) => it.integration_id === integration_id && it.state === 'active');
    if (!isThere) continue;
    const both = { supports_inbound: true, supports_outbound: true, replace_existing_routing: true };
    const caller = { organization_id, key_id, role: 'admin', request_id: `again ${phone_number}` } as const;
    const again = core.api.handles.get('phoneNumbers.import');
    await scheduler
      .as('again', async () => again?.(caller, { provider: 'twilio', phone_number, integration_id, ...both }))
      .catch((error: unknown) => refused.push(`${phone_number} cannot be imported again: ${String(error)}`));
  }
  return refused;
};
