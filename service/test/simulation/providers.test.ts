import type { FormerRouting } from '@trunkline/contracts';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Switchboard } from '../../src/phone-numbers/providers.ts';
import { Conflict, ProviderProblem } from '../../src/provisioning/index.ts';
import { openSandbox, type Sandbox } from '../../src/sandbox/server.ts';
import { createMemoryShelf, type Shelf } from '../../src/sandbox/shelf.ts';
import { seedAccount } from '../../src/sandbox/twilio-seed.ts';
import { createLogging } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createLiveKit } from '../../src/vendors/livekit.ts';
import { createMeasureCall } from '../../src/vendors/measure-call.ts';
import { createTwilio, type TwilioAccount } from '../../src/vendors/twilio.ts';
import { createTurnedClock } from '../turned-clock.ts';
import { connectAccount, createProviders, createSwitchboard, unrouted } from './providers.ts';

/** One side of the comparison. `ids`: every id that it answered, so that both sides can name things alike. */
interface Side {
  switchboard: Switchboard;
  account: TwilioAccount;
  ids: string[];
}

let memory = createMemoryShelf();
/** Starts empty for each script. */
const shelf: Shelf = {
  list: (kind) => memory.list(kind),
  get: (kind, id) => memory.get(kind, id),
  put: (...args) => memory.put(...args),
  remove: (...args) => memory.remove(...args),
};
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ shelf, clock: createTurnedClock(), port: 0 });
});
afterAll(() => sandbox.close());

/** An account with two numbers at the stand-ins, reached through the vendors' clients, and the same in memory. */
const openSides = async (phone_numbers: string[]): Promise<Side[]> => {
  const { log } = createLogging('silent', { write: () => {} });
  const measure = { metrics: createMetrics(), log };
  const seeded = phone_numbers.map((phone_number, n) => ({ phone_number, voice: n === 0 }));
  const { sid: account_sid, auth_token } = await seedAccount(shelf, seeded);
  const numbers = await shelf.list<{ sid: string; phone_number: string; account_sid: string }>('twilio.number');
  const own = numbers.filter((number) => number.account_sid === account_sid);
  const credentials = { provider: 'twilio', account_sid, auth_token } as const;
  const connect = createTwilio({
    url: sandbox.url,
    timeout_ms: 20_000,
    measureCall: createMeasureCall('twilio', measure),
  });
  const real: Side = {
    switchboard: createLiveKit({
      ...sandbox.livekit,
      timeout_ms: 20_000,
      measureCall: createMeasureCall('livekit', measure),
    }),
    account: connect(credentials),
    ids: own.map(({ sid }) => sid),
  };

  const providers = createProviders();
  const made = own.map(({ phone_number }, n) => ({
    ...{ number_sid: providers.draw('PN'), phone_number, has_voice: n === 0, routing: { ...unrouted } },
  }));
  providers.accounts.set(account_sid, {
    sid: account_sid,
    is_suspended: false,
    numbers: new Map(made.map((number) => [number.number_sid, number])),
    trunks: new Map(),
    lists: new Map(),
  });
  const model: Side = {
    switchboard: createSwitchboard(providers),
    account: connectAccount(providers, { account_sid }),
    ids: made.map(({ number_sid }) => number_sid),
  };
  return [real, model];
};

type Act = (side: Side, world: { phone_numbers: string[] }) => Promise<unknown>;

const which = fc.nat(7);
const letter = fc.constantFrom('a', 'b');
const agent = fc.constantFrom(null, 'reception', 'sales');
const flag = fc.boolean();
/** The nth id of this kind made so far, or an unknown one. */
const idOf = ({ ids }: Side, n: number, prefix: string): string =>
  ids.filter((id) => id.startsWith(prefix))[n] ?? `${prefix}${'0'.repeat(prefix.length === 2 ? 32 : 12)}`;
const mark = { installation_id: 'installation', phone_number_id: 'phon_a1b2c3d4e5f6' } as const;

const lineOf = (phone_number: string, name: string, isGuarded: boolean) => ({
  ...{ phone_number, name, mark, username: isGuarded ? 'user' : null, password: isGuarded ? 'secret' : null },
  ...({ media_encryption: 'allow', transport: 'auto', address: `${name}.example.com`, from_host: null } as const),
  allowed_addresses: isGuarded ? ['198.51.100.7'] : [],
});

const former = fc.tuple(fc.constantFrom('none', 'url', 'application', 'trunk'), which).map(
  ([kind, n]) =>
    (side: Side): FormerRouting => ({
      ...unrouted,
      ...(kind === 'url' && { voice_url: 'https://example.com/voice', voice_method: 'GET' }),
      ...(kind === 'application' && { voice_application_sid: `AP${'1'.repeat(32)}` }),
      ...(kind === 'trunk' && { trunk_sid: idOf(side, n, 'TK') }),
    }),
);

const acts: fc.Arbitrary<Act>[] = [
  fc.tuple(which, letter, flag).map(
    ([n, name, isGuarded]): Act =>
      (side, { phone_numbers }) =>
        side.switchboard.createInboundTrunk(lineOf(phone_numbers[n % 2] ?? '', name, isGuarded)),
  ),
  which.map(
    (n): Act =>
      (side, { phone_numbers }) =>
        side.switchboard.findInboundTrunks(phone_numbers[n % 2] ?? ''),
  ),
  fc.tuple(which, letter, flag).map(
    ([n, name, isGuarded]): Act =>
      (side, { phone_numbers: [number = ''] }) =>
        side.switchboard.changeInboundTrunk(idOf(side, n, 'ST_'), lineOf(number, name, isGuarded)),
  ),
  fc.tuple(which, letter, flag).map(
    ([n, name, isGuarded]): Act =>
      (side, { phone_numbers }) =>
        side.switchboard.createOutboundTrunk(lineOf(phone_numbers[n % 2] ?? '', name, isGuarded)),
  ),
  which.map(
    (n): Act =>
      (side, { phone_numbers }) =>
        side.switchboard.findOutboundTrunks(phone_numbers[n % 2] ?? ''),
  ),
  fc.tuple(which, letter, flag).map(
    ([n, name, isGuarded]): Act =>
      (side, { phone_numbers: [number = ''] }) =>
        side.switchboard.changeOutboundTrunk(idOf(side, n, 'ST_'), lineOf(number, name, isGuarded)),
  ),
  which.map(
    (n): Act =>
      (side) =>
        side.switchboard.removeTrunk(idOf(side, n, 'ST_')),
  ),
  fc.tuple(which, fc.constantFrom('inbound_trunk', 'outbound_trunk', 'dispatch_rule')).map(
    ([n, kind]): Act =>
      (side) =>
        side.switchboard.findById(kind, idOf(side, n, kind === 'dispatch_rule' ? 'SDR_' : 'ST_')),
  ),
  fc.tuple(which, fc.constantFrom(null, '4711'), agent).map(
    ([n, pin, agent_id]): Act =>
      (side) => {
        const rule = {
          name: 'rule',
          inbound_trunk_id: idOf(side, n, 'ST_'),
          room_prefix: 'call',
          pin,
          agent_id,
          agent_metadata: agent_id && '{}',
          mark,
        };
        return side.switchboard.createDispatchRule(rule);
      },
  ),
  which.map(
    (n): Act =>
      (side) =>
        side.switchboard.findDispatchRules(idOf(side, n, 'ST_')),
  ),
  fc
    .tuple(
      which,
      agent,
      fc.constantFrom(null, '4712'),
      fc.subarray(['room_prefix', 'pin', 'agent_id', 'agent_metadata'] as const),
    )
    .map(
      ([n, agent_id, pin, fields]): Act =>
        (side) => {
          const inbound_trunk_id = idOf(side, n, 'ST_');
          const agent_metadata = agent_id && '{"greeting":"Hello"}';
          const answer = {
            name: 'rule',
            inbound_trunk_id,
            room_prefix: 'support',
            pin,
            agent_id,
            agent_metadata,
            mark,
          };
          return side.switchboard.changeDispatchRule(idOf(side, n, 'SDR_'), answer, fields);
        },
    ),
  which.map(
    (n): Act =>
      (side) =>
        side.switchboard.removeDispatchRule(idOf(side, n, 'SDR_')),
  ),

  fc.constant<Act>((side) => side.account.proveCredentials()),
  which.map(
    (n): Act =>
      (side, { phone_numbers }) =>
        side.account.findNumber(phone_numbers[n] ?? '+15550000000'),
  ),
  which.map(
    (n): Act =>
      async (side, { phone_numbers }) => {
        const route = await side.account.readRegion(phone_numbers[n] ?? '+15550000000');
        return { voice_region: route?.voice_region };
      },
  ),
  which.map(
    (n): Act =>
      (side) =>
        side.account.readNumber(idOf(side, n, 'PN')),
  ),
  fc.tuple(which, which).map(
    ([n, m]): Act =>
      (side) =>
        side.account.routeToTrunk(idOf(side, n, 'PN'), idOf(side, m, 'TK')),
  ),
  fc.tuple(which, former).map(
    ([n, routingOf]): Act =>
      (side) =>
        side.account.giveBack(idOf(side, n, 'PN'), routingOf(side)),
  ),
  which.map(
    (n): Act =>
      (side) =>
        side.account.detach(idOf(side, n, 'PN')),
  ),
  fc.tuple(letter, letter, flag).map(
    ([name, domain, secure]): Act =>
      (side) =>
        side.account.createTrunk({ name, domain_name: `${domain}.pstn.twilio.com`, secure }),
  ),
  letter.map(
    (name): Act =>
      (side) =>
        side.account.findTrunks(name),
  ),
  fc.tuple(which, flag).map(
    ([n, secure]): Act =>
      (side) =>
        side.account.changeTrunk(idOf(side, n, 'TK'), { secure }),
  ),
  which.map(
    (n): Act =>
      (side) =>
        side.account.removeTrunk(idOf(side, n, 'TK')),
  ),
  fc.tuple(which, letter).map(
    ([n, name]): Act =>
      (side) =>
        side.account.createOriginationUrl(idOf(side, n, 'TK'), {
          name,
          sip_url: `sip:${name}.example.com;transport=tcp`,
        }),
  ),
  fc.tuple(which, letter).map(
    ([n, name]): Act =>
      (side) =>
        side.account.findOriginationUrls(idOf(side, n, 'TK'), name),
  ),
  letter.map(
    (name): Act =>
      (side) =>
        side.account.createCredentialList(name),
  ),
  letter.map(
    (name): Act =>
      (side) =>
        side.account.findCredentialLists(name),
  ),
  which.map(
    (n): Act =>
      (side) =>
        side.account.removeCredentialList(idOf(side, n, 'CL')),
  ),
  fc.tuple(which, letter).map(
    ([n, username]): Act =>
      (side) =>
        side.account.createCredential(idOf(side, n, 'CL'), { username, password: 'Password-123' }),
  ),
  fc.tuple(which, letter).map(
    ([n, username]): Act =>
      (side) =>
        side.account.findCredentials(idOf(side, n, 'CL'), username),
  ),
  fc.tuple(which, which).map(
    ([n, m]): Act =>
      (side) =>
        side.account.removeCredential(idOf(side, n, 'CL'), idOf(side, m, 'CR')),
  ),
  fc.tuple(which, which).map(
    ([n, m]): Act =>
      (side) =>
        side.account.findPermissions(idOf(side, n, 'TK'), idOf(side, m, 'CL')),
  ),
];

/** The outcome with ids replaced by their positions, and of a problem only what the engine depends on. */
const outcomeOf = async (side: Side, work: Promise<unknown>): Promise<string> => {
  const answered = await work.catch((error: unknown) => {
    if (!(error instanceof ProviderProblem)) throw error;
    const { passing, doubtful, code, members } = error;
    // Which of two rules LiveKit checks first depends on their ids, which are random.
    if (error instanceof Conflict) return { conflict: error.resource_ids.filter((id) => !id.startsWith('SDR_')) };
    return { passing, doubtful, isRefused: code !== 'provider_credentials_refused', status: members.provider?.status };
  });
  if (typeof answered === 'string' && !side.ids.includes(answered)) side.ids.push(answered);
  const tell = (it: unknown) =>
    side.ids.reduce((all, id, n) => all.replaceAll(id, `#${n}`), JSON.stringify(it ?? null));
  // Lists are in the order of ids, which are random.
  return Array.isArray(answered) ? answered.map(tell).toSorted().join() : tell(answered);
};

it('the providers of the simulation do what the stand-ins do', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(...acts), { minLength: 10, maxLength: 60, size: 'max' }), async (script) => {
      memory = createMemoryShelf();
      const phone_numbers = ['+15550000001', '+15550000002'];
      const [real, model] = (await openSides(phone_numbers)) as [Side, Side];
      for (const act of script) {
        const world = { phone_numbers };
        expect(await outcomeOf(model, act(model, world))).toBe(await outcomeOf(real, act(real, world)));
      }
    }),
    { numRuns: 15 },
  );
});
