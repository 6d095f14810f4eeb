import type { Caller, IntegrationId, KeyId, OrganizationId } from '@trunkline/contracts';
import { Problem } from '@trunkline/contracts';
import { type Chance, pick, type Roll } from './chance.ts';
import type { Database } from './database.ts';
import type { Replica } from './replica.ts';
import type { Life, Scheduler } from './scheduler.ts';
import type { Scene } from './world.ts';

export interface Organization {
  organization_id: OrganizationId;
  key_id: KeyId;
  /** By account SID. */
  integrations: Map<string, IntegrationId>;
  /** The token that each integration was created with. */
  auth_token: string;
}

/** One request and its outcome. */
export interface Request {
  operation: string;
  input: Record<string, any>;
  caller: Caller;
  outcome: { data: any; message: string } | { problem: Problem } | { error: unknown } | 'lost';
  /** What the database held when it was answered. */
  seen: { events: Record<string, any>[]; row: Record<string, any> | undefined };
  /** When it was answered. */
  at: number;
}

interface Command {
  operation: string;
  input: Record<string, any>;
  /** Whether the caller sends the request again, with an Idempotency-Key, if the outcome is unknown. */
  insists: boolean;
  gap_ms: number;
}

export interface ClientOptions {
  name: string;
  organization: Organization;
  organizations: Organization[];
  scene: Scene;
  database: Database;
  scheduler: Scheduler;
  chance: Chance;
  network: Life;
  /** The replicas that serve now. */
  replicas(): Replica[];
  diedOf(life: Life): Promise<void>;
  /** All requests, in the order of their answers. */
  asked: Request[];
}

const COMMANDS = 5;
const MOST_TRIES = 3;

/** Sends one request. It is lost if the replica dies before it answers. */
const createAsk =
  ({ name, scheduler, network, database, replicas, diedOf, asked }: ClientOptions) =>
  async (actor: string, operation: string, input: Command['input'], caller: Caller, roll: Roll) => {
    while (replicas().length === 0) await scheduler.wait(network, `${name} waits for a replica`, { ms: 500 });
    const { core, life } = pick(replicas(), roll);
    const answer = core.api.handles.get(operation);
    if (answer === undefined) throw new Error(`There is no ${operation}`);
    scheduler.note(`${actor} asks ${life.name} for ${operation} ${JSON.stringify(input)}`);
    const answered = scheduler
      .as(actor, () => answer(caller, input))
      .then(
        (it) => it as { data: any; message: string },
        (error: unknown) => (error instanceof Problem ? { problem: error } : { error }),
      );
    const outcome = await Promise.race([answered, diedOf(life).then(() => 'lost' as const)]);
    scheduler.note(`${actor} is told ${tell(outcome)}`);
    const events = database.rowsOf('events');
    const id = subjectOf(outcome, input);
    const row = database.rowsOf('phone_numbers').find((it) => it.phone_number_id === id);
    asked.push({ operation, input, caller, outcome, seen: { events, row }, at: scheduler.now() });
    return outcome;
  };

/** A program that calls the API, one request after another. */
export const runClient = async (options: ClientOptions): Promise<void> => {
  const { name, organization, scheduler, chance, network } = options;
  const ask = createAsk(options);

  for (let n = 1; n <= COMMANDS; n++) {
    const actor = `${name}.${n}`;
    const command = chance.disturb(actor, (roll) => drawCommand(options, roll));
    if (command === undefined) continue;
    const { operation, insists, gap_ms } = command;
    const roll = chance.rollOf(`${actor} asks`);
    await scheduler.wait(network, `${actor} begins`, { ms: gap_ms });
    // The number is chosen only now: it may have been imported meanwhile.
    const input =
      command.input.phone_number_id === undefined ? command.input : nameNumber(options, operation, command.input, roll);
    const { organization_id, key_id } = organization;
    for (let tries = 1; tries <= (insists ? MOST_TRIES : 1); tries++) {
      const request_id = `${actor}.${tries}`;
      const caller = { organization_id, key_id, role: 'admin', request_id } as const;
      const outcome = await ask(
        request_id,
        operation,
        input,
        insists ? { ...caller, idempotency_key: actor } : caller,
        roll,
      );
      const isOver = outcome !== 'lost' && !('problem' in outcome && isPassing(outcome.problem));
      if (isOver) break;
      await scheduler.wait(network, `${actor} goes on`, { ms: 1000 + Math.floor(roll() * 30_000) });
    }
  }
};

interface Sideline {
  name: string;
  /** The share of runs that have it. */
  likely: number;
  most: number;
  /** Draws the request. It is about this integration, or about a number. */
  actOf(roll: Roll, of: { scene: Scene; account_sid: string; integration_id: IntegrationId }): Act;
}
type Act = Pick<Command, 'operation' | 'input'>;

const sidelines: readonly Sideline[] = [
  {
    ...{ name: 'rotation', likely: 0.4, most: 4 },
    actOf: (_, { integration_id }) => ({
      operation: 'integrations.update',
      input: { integration_id, rotate_trunk_password: true },
    }),
  },
  {
    ...{ name: 'deletion', likely: 0.3, most: 3 },
    actOf: (roll, { integration_id }) => ({
      operation: 'integrations.delete',
      input: { integration_id, force: roll() < 0.3 },
    }),
  },
  {
    ...{ name: 'replacement', likely: 0.4, most: 4 },
    actOf: (roll, { scene, account_sid, integration_id }) => {
      const auth_token = `Hidden-${Math.floor(roll() * 1e9)}`.padEnd(32, '0');
      scene.secrets.add(auth_token);
      const changes = {
        name: `Account ${Math.floor(roll() * 1e9)}`,
        ...(roll() < 0.5 && { call_transfers: pick(['disabled', 'sip', 'all'], roll) }),
        ...(roll() < 0.7 && { credentials: { provider: 'twilio', account_sid, auth_token } }),
      };
      return { operation: 'integrations.update', input: { integration_id, ...changes } };
    },
  },
  {
    ...{ name: 'SIP settings', likely: 0.4, most: 5 },
    actOf: (roll) => {
      const settings = {
        sip_trunk_name: pick(['main', 'other'], roll),
        sip_transport: pick(['auto', 'udp', 'tcp', 'tls'], roll),
        sip_from_host: pick([null, 'one.example.com', 'two.example.com'], roll),
        media_encryption: pick(['disable', 'allow', 'require'], roll),
        allowed_addresses: pick([['198.51.100.7'], ['198.51.100.8', '203.0.113.0/24']], roll),
      };
      const given = Object.entries(settings).filter(() => roll() < 0.5);
      const input = {
        phone_number_id: LATER,
        label: `Label ${Math.floor(roll() * 1e9)}`,
        ...Object.fromEntries(given),
      };
      return { operation: 'phoneNumbers.update', input };
    },
  },
  {
    ...{ name: 'reading', likely: 0.3, most: 5 },
    actOf: (roll, { integration_id }) =>
      pick(
        [
          { operation: 'phoneNumbers.list', input: { page_size: 20 } },
          { operation: 'integrations.list', input: { page_size: 20 } },
          { operation: 'integrations.get', input: { integration_id } },
        ],
        roll,
      ),
  },
];

/**
 * What only some runs do besides: rotate trunk passwords, replace credentials, delete integrations that may be in use,
 * and so on. Each is one decision of its own, so seeds without it play as they did before it was added.
 */
export const runSidelines = async (options: Omit<ClientOptions, 'name' | 'organization'>) => {
  await Promise.all(sidelines.map((sideline) => runSideline(options, sideline)));
};

const runSideline = async (
  { organizations, ...options }: Omit<ClientOptions, 'name' | 'organization'>,
  { name: kind, likely, most, actOf }: Sideline,
) => {
  const { chance, scheduler, network } = options;
  const roll = chance.disturb(`the ${kind}`, (it) => (it() < likely ? it : undefined));
  if (roll === undefined) return;
  const acts = Array.from({ length: 1 + Math.floor(roll() * most) }, (_, n) => {
    const organization = pick(organizations, roll);
    const [account_sid, integration_id] = pick([...organization.integrations], roll);
    const command = actOf(roll, { scene: options.scene, account_sid, integration_id });
    return { name: `${kind} ${n + 1}`, organization, command, ms: Math.floor(roll() * 90_000) };
  });
  const act = async ({ name, organization, command: { operation, input }, ms }: (typeof acts)[number]) => {
    await scheduler.wait(network, `${name} begins`, { ms });
    const { organization_id, key_id } = organization;
    const caller = { organization_id, key_id, role: 'admin', request_id: name } as const;
    const ask = createAsk({ ...options, organizations, organization, name });
    const isOfNumber = input.phone_number_id === LATER;
    const sip = options.database
      .rowsOf('phone_numbers')
      .filter((row) => row.organization_id === organization_id && row.holds !== undefined && row.provider === 'sip');
    if (isOfNumber && sip.length === 0) return;
    const named = isOfNumber ? { ...input, phone_number_id: pick(sip, roll).phone_number_id } : input;
    await ask(name, operation, named, caller, roll);
  };
  await Promise.all(acts.map(act));
};

const isPassing = ({ status, members }: Problem) => status >= 500 || members.retry_after_seconds !== undefined;

const tell = (outcome: Request['outcome']): string => {
  if (outcome === 'lost') return 'nothing';
  if ('problem' in outcome) return `${outcome.problem.code}: ${outcome.problem.detail}`;
  return 'error' in outcome ? String(outcome.error) : (outcome.message ?? 'what was asked');
};

const subjectOf = (outcome: Request['outcome'], input: Command['input']): string | undefined =>
  outcome !== 'lost' && 'data' in outcome ? outcome.data?.phone_number_id : input.phone_number_id;

const drawCommand = (options: ClientOptions, roll: Roll): Command => {
  const verb = pick(verbs, roll);
  return {
    ...verb(options, roll),
    insists: roll() < 0.5,
    gap_ms: pick([0, 0, 1, Math.floor(roll() * 3000), Math.floor(roll() * 45_000)], roll),
  };
};

type Verb = (options: ClientOptions, roll: Roll) => Pick<Command, 'operation' | 'input'>;

const directions = (roll: Roll) =>
  pick(
    [{ supports_inbound: true, supports_outbound: true }, { supports_inbound: true }, { supports_outbound: true }],
    roll,
  );
const agent = (roll: Roll) => pick(['reception', 'sales'], roll);

const importTwilio: Verb = ({ organization, organizations, scene }, roll) => {
  const { account, number } = pick(scene.owned, roll);
  // Sometimes the wrong one.
  const of = roll() < 0.95 ? organization : pick(organizations, roll);
  const integration_id = roll() < 0.95 ? of.integrations.get(account.sid) : pick([...of.integrations.values()], roll);
  const input = {
    ...{ provider: 'twilio', phone_number: number.phone_number, integration_id, ...directions(roll) },
    ...(roll() < 0.5 && { replace_existing_routing: true }),
    ...(roll() < 0.3 && { agent_id: agent(roll) }),
    ...(roll() < 0.3 && withPin(scene, roll)),
  };
  return { operation: 'phoneNumbers.import', input };
};

const importSip: Verb = ({ scene }, roll) => {
  const { phone_number } = pick(scene.sip, roll);
  const password = `Hidden-${Math.floor(roll() * 1e9)}`;
  scene.secrets.add(password);
  const credentials = { sip_username: 'user', sip_password: password };
  const addresses = { allowed_addresses: ['198.51.100.7'] };
  const input = {
    ...{ provider: 'sip', phone_number, ...directions(roll), sip_server_address: 'sip.example.com' },
    ...(roll() < 0.7 && credentials),
    ...(roll() < 0.5 && addresses),
    ...(roll() < 0.3 && { agent_id: agent(roll) }),
    ...(roll() < 0.3 && withPin(scene, roll)),
  };
  return { operation: 'phoneNumbers.import', input };
};

const withPin = ({ secrets }: Scene, roll: Roll) => {
  const inbound_pin = `77${String(Math.floor(roll() * 1e8)).padStart(8, '0')}`;
  secrets.add(inbound_pin);
  return { inbound_pin };
};

const update: Verb = ({ scene }, roll) => {
  const now_and_then = <T>(value: T) => (roll() < 0.3 ? value : undefined);
  const password = `Hidden-${Math.floor(roll() * 1e9)}`;
  scene.secrets.add(password);
  const fields = {
    supports_inbound: now_and_then(roll() < 0.5),
    supports_outbound: now_and_then(roll() < 0.5),
    agent_id: now_and_then(pick([null, 'reception', 'sales'], roll)),
    agent_metadata: now_and_then({ greeting: 'Hello' }),
    inbound_room_name: now_and_then(pick(['support', 'call'], roll)),
    inbound_pin: now_and_then(roll() < 0.5 ? null : withPin(scene, roll).inbound_pin),
    replace_existing_routing: now_and_then(true),
    label: now_and_then('A label'),
    // Only valid for SIP numbers.
    ...(roll() < 0.3 && { sip_username: 'user', sip_password: password }),
    ...(roll() < 0.2 && { sip_server_address: 'other.example.com' }),
  };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { operation: 'phoneNumbers.update', input: { phone_number_id: LATER, ...Object.fromEntries(given) } };
};

/** A placeholder: the number is chosen when the request is sent. */
const LATER = 'phon_000000000000';

const verbs: Verb[] = [
  ...[importTwilio, importTwilio, importTwilio, importTwilio, importSip, importSip],
  (_, roll) => ({ operation: 'phoneNumbers.assign', input: { phone_number_id: LATER, agent_id: agent(roll) } }),
  (_, roll) => ({ operation: 'phoneNumbers.assign', input: { phone_number_id: LATER, agent_id: agent(roll) } }),
  ...[update, update, update],
  () => ({ operation: 'phoneNumbers.unassign', input: { phone_number_id: LATER } }),
  (_, roll) => ({ operation: 'phoneNumbers.release', input: { phone_number_id: LATER, force: roll() < 0.7 } }),
  (_, roll) => ({ operation: 'phoneNumbers.release', input: { phone_number_id: LATER, force: roll() < 0.7 } }),
  () => ({ operation: 'phoneNumbers.get', input: { phone_number_id: LATER } }),
];

/** Mostly a number of this organization, sometimes another organization's or a released one. */
const nameNumber = (
  { database, organization }: ClientOptions,
  operation: string,
  input: Command['input'],
  roll: Roll,
) => {
  const rows = database.rowsOf('phone_numbers');
  const own = rows.filter((row) => row.organization_id === organization.organization_id && row.holds !== undefined);
  const among = roll() < 0.9 && own.length > 0 ? own : rows;
  if (among.length === 0) return input;
  const { phone_number_id, revision } = pick(among, roll);
  const isCareful = operation !== 'phoneNumbers.get' && roll() < 0.2;
  return { ...input, phone_number_id, ...(isCareful && { if_revision: revision }) };
};
