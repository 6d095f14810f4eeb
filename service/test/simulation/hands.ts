import { pick, type Roll } from './chance.ts';
import type { Database } from './database.ts';
import { unrouted } from './providers.ts';
import type { OwnedNumber, Scene } from './world.ts';

type Row = Record<string, any>;

/** Whether the service is working on this number, or has work due on it. */
const isAtIt = (database: Database, phone_number: string): boolean =>
  database
    .rowsOf('phone_numbers')
    .some((row: Row) => row.phone_number === phone_number && (row.provisioning.due_at || row.provisioning.lease_token));

const reroute = ({ owned }: Scene, database: Database, roll: Roll): string => {
  const it = pick(owned, roll);
  const { number, account } = it;
  it.isTouched = true;
  const isRaced = isAtIt(database, number.phone_number);
  const to = pick(['nowhere', 'url', 'application', 'away'], roll);
  if (to === 'away') {
    account.numbers.delete(number.number_sid);
    it.own = undefined;
    return `sells ${number.phone_number}`;
  }
  number.routing = {
    ...unrouted,
    ...(to === 'url' && { voice_url: 'https://example.com/by-hand' }),
    ...(to === 'application' && { voice_application_sid: `AP${'2'.repeat(32)}` }),
  };
  it.own = isRaced ? undefined : { ...number.routing };
  return `routes ${number.phone_number} to ${to}`;
};

/** Somebody deletes something at LiveKit. */
const removeAtLiveKit = (scene: Scene, _database: Database, roll: Roll): string => {
  const { inbound, outbound, rules } = scene.providers;
  const things: Map<string, { mark: unknown; phone_number?: string; name: string }> = pick(
    [inbound, outbound, rules],
    roll,
  );
  const ids = [...things.keys()];
  if (ids.length === 0) return 'finds nothing to remove';
  const id = pick(ids, roll);
  const thing = things.get(id);
  things.delete(id);
  touch(scene, thing?.phone_number ?? thing?.name);
  return `removes ${id}`;
};

const touch = ({ owned, sip }: Scene, phone_number: string | undefined): void => {
  for (const it of owned) if (it.number.phone_number === phone_number) it.isTouched = true;
  for (const it of sip) if (it.phone_number === phone_number) it.isTouched = true;
};

/** Somebody else answers the number, with a trunk that takes only chosen callers. */
const answerElsewhere = (scene: Scene, _database: Database, roll: Roll): string => {
  const phone_number = pick([...scene.owned.map((it) => it.number), ...scene.sip], roll).phone_number;
  touch(scene, phone_number);
  const { inbound, draw } = scene.providers;
  const media_encryption = 'disable' as const;
  const nobody = { username: null, password: null, allowed_addresses: [], media_encryption };
  inbound.set(draw('ST_'), { name: 'Theirs', phone_number, mark: undefined, ...nobody });
  return `answers ${phone_number} by another trunk`;
};

const setAgent = (scene: Scene, _database: Database, roll: Roll): string => {
  const { rules } = scene.providers;
  const ids = [...rules.keys()];
  if (ids.length === 0) return 'finds no rule';
  const id = pick(ids, roll);
  const rule = rules.get(id);
  if (rule) rules.set(id, { ...rule, agent_id: 'by-hand' });
  touch(scene, rule?.name);
  return `has ${id} dispatch another agent`;
};

/** As in Twilio's console: the trunk's numbers are unrouted, and its domain name is never free again. */
const removeCarrierTrunk = (
  { providers: { accounts, reserved }, owned }: Scene,
  _database: Database,
  roll: Roll,
): string => {
  const account = pick([...accounts.values()], roll);
  const ours = [...account.trunks].filter(([, { name }]) => name.startsWith('trunkline'));
  const [sid, trunk] = ours[Math.floor(roll() * ours.length)] ?? [];
  if (sid === undefined || trunk === undefined) return 'finds no carrier trunk';
  account.trunks.delete(sid);
  reserved.add(trunk.domain_name);
  const ofAccount = (it: OwnedNumber) => it.account === account;
  for (const it of owned.filter(ofAccount)) {
    it.isTouched = true;
    it.own = undefined;
    if (it.number.routing.trunk_sid === sid) it.number.routing = { ...it.number.routing, trunk_sid: null };
  }
  return `removes the carrier trunk ${sid}`;
};

const suspend = ({ providers: { accounts } }: Scene, _database: Database, roll: Roll): string => {
  const account = pick([...accounts.values()], roll);
  account.is_suspended = !account.is_suspended;
  return `${account.is_suspended ? 'suspends' : 'takes back'} ${account.sid}`;
};

const acts = [reroute, reroute, removeAtLiveKit, setAgent, answerElsewhere, removeCarrierTrunk, suspend, suspend];

/** Makes one change that a person might make at a provider. Returns what it was. */
export const changeByHand = (scene: Scene, database: Database, roll: Roll): string =>
  pick(acts, roll)(scene, database, roll);
