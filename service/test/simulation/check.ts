import { isDeepStrictEqual } from 'node:util';
import { authenticationOf } from '../../src/phone-numbers/allowed-addresses.ts';
import type { SipRecord } from '../../src/phone-numbers/record.ts';
import type { Request } from './clients.ts';
import type { Database } from './database.ts';
import type { Account, Providers } from './providers.ts';
import { secrets as seals } from './replica.ts';
import type { OwnedNumber, Scene } from './world.ts';

// A document as it is stored.
type Row = Record<string, any>;

export interface Checked {
  database: Database;
  scene: Scene;
  installation_id: string;
  asked: readonly Request[];
}

/** Everything that is wrong once the world is quiet, in sentences. */
export const faultsOf = async (world: Checked): Promise<string[]> => {
  const found = [
    ...faultsOfRecords(world),
    ...faultsOfLiveKit(world),
    ...faultsOfTrunks(world),
    ...faultsOfEvents(world),
    ...faultsOfAnswers(world),
    ...faultsOfSecrets(world),
    ...(await faultsOfAccounts(world)),
    ...(await faultsOfContent(world)),
    ...(await faultsOfRouting(world)),
  ];
  return [...new Set(found)];
};

const heldIn = (database: Database): Row[] =>
  database.rowsOf('phone_numbers').filter(({ holds }) => holds !== undefined);

const isTouched = ({ owned, sip }: Scene, phone_number: string): boolean =>
  [...owned.map((it) => ({ ...it, phone_number: it.number.phone_number })), ...sip].some(
    (it) => it.phone_number === phone_number && it.isTouched,
  );

/** No fault if somebody changed the number at a provider: it may then stay degraded. */
export const isDegraded = ({ provisioning_state, provisioning }: Row): boolean =>
  provisioning_state === 'degraded' && provisioning.obstacle !== null;

const faultsOfRecords = ({ database, scene }: Checked): string[] =>
  database.rowsOf('phone_numbers').flatMap((row: Row) => {
    const { phone_number_id, provisioning_state, provisioning, holds } = row;
    const name = `${phone_number_id} (${row.phone_number})`;
    const mayBeDegraded = isTouched(scene, row.phone_number) && isDegraded(row);
    return [
      provisioning.lease_token !== null && `${name} is leased still`,
      holds !== undefined && provisioning.change !== null && `${name} has a change under way still`,
      provisioning.due_at && !mayBeDegraded && `${name} is due still`,
      holds !== undefined && provisioning_state !== 'active' && !mayBeDegraded && `${name} is ${provisioning_state}`,
      holds === undefined && provisioning_state !== 'gone' && `${name} is ${provisioning_state}, and holds no number`,
    ].filter((it) => it !== false && it !== undefined);
  });

const doneIn = (row: Row, part: string): string | undefined => {
  const made = row.provisioning.parts?.[part];
  return made?.state === 'done' ? made.resource_id : undefined;
};

/** A record names everything at LiveKit that is ours, and everything that a record names exists. */
const faultsOfLiveKit = ({ database, scene, installation_id }: Checked): string[] => {
  const { inbound, outbound, rules } = scene.providers;
  const parts = { inbound_trunk: inbound, outbound_trunk: outbound, dispatch_rule: rules } as const;
  const held = heldIn(database);
  return Object.entries(parts).flatMap(([part, things]) => {
    const ours = [...things].filter(([, { mark }]) => mark?.installation_id === installation_id);
    const strays = ours.flatMap(([id, { mark }]) => {
      const row = held.find((it) => it.phone_number_id === mark?.phone_number_id);
      return row && doneIn(row, part) === id ? [] : [`${part} ${id} of ${mark?.phone_number_id} is named by no record`];
    });
    const missing = held.flatMap((row) => {
      const id = doneIn(row, part);
      const isThere = id === undefined || things.has(id) || isTouched(scene, row.phone_number);
      return isThere ? [] : [`${part} ${id} of ${row.phone_number_id} is not there`];
    });
    const unmade = held.flatMap((row) => {
      const { supports_inbound, supports_outbound, phone_number } = row;
      const wanted = part === 'outbound_trunk' ? supports_outbound : supports_inbound;
      const isAsWanted = wanted === (doneIn(row, part) !== undefined) || isTouched(scene, phone_number);
      return isAsWanted ? [] : [`${row.phone_number_id} has ${wanted ? 'no' : 'an unwanted'} ${part}`];
    });
    return [...strays, ...missing, ...unmade];
  });
};

const trunkThingsOf = (account: Account, name: string) => {
  const trunks = [...account.trunks].filter(([, it]) => it.name === name);
  const lists = [...account.lists].filter(([, it]) => it.name === name);
  return {
    trunk: trunks.map(([sid]) => sid),
    credential_list: lists.map(([sid]) => sid),
    origination_url: trunks.flatMap(([, { urls }]) => [...urls.keys()]),
    credential: lists.flatMap(([, { credentials }]) => [...credentials.keys()]),
    permission: trunks.flatMap(([, { permitted }]) => [...permitted]),
  };
};

const faultsOfTrunks = ({ database, scene, installation_id }: Checked): string[] =>
  database.rowsOf('integrations').flatMap((row: Row) => {
    const { integration_id, account_sid, provisioning } = row;
    const account = scene.providers.accounts.get(account_sid);
    if (account === undefined) return [`${integration_id} has no account`];
    const isByHand = scene.owned.some((it) => it.account === account && it.isTouched);
    // A forced deletion leaves what Twilio refused to remove, and reports it.
    const isLeft = row.state === 'gone' && Object.values<Row>(provisioning.parts).some(({ problem }) => problem);
    const things = trunkThingsOf(account, `trunkline ${installation_id} ${integration_id}`);
    return [
      ...(provisioning.lease_token === null ? [] : [`${integration_id} is leased still`]),
      ...(provisioning.due_at ? [`${integration_id} is due still`] : []),
      ...(row.rotation ? [`${integration_id} is rotated still`] : []),
      ...(row.state === 'deleting' ? [`${integration_id} is being deleted still`] : []),
      ...(row.state === 'gone' && heldIn(database).some((it) => it.integration_id === integration_id)
        ? [`${integration_id} is gone, and numbers refer to it`]
        : []),
      ...Object.entries(things).flatMap(([part, sids]) => {
        const recorded = [doneIn(row, part)].filter((sid) => sid !== undefined);
        const isWhole = isDeepStrictEqual(sids, recorded) || (isByHand && sids.length === 0) || isLeft;
        return isWhole
          ? []
          : [`${integration_id} has ${part} ${sids.join()} but ${recorded.join() || 'none'} recorded`];
      }),
    ];
  });

/** Numbers that dial with credentials that Twilio does not accept. Checked during disturbances too. */
export const refusedCalls = ({ database, scene }: Pick<Checked, 'database' | 'scene'>): string[] =>
  heldIn(database).flatMap(({ provider, phone_number_id, integration_id, provisioning }) => {
    const dial = scene.providers.outbound.get(provisioning.parts?.outbound_trunk?.resource_id);
    if (provider !== 'twilio' || dial === undefined) return [];
    const integration = database.rowsOf('integrations').find((it) => it.integration_id === integration_id);
    const account = scene.providers.accounts.get(String(integration?.account_sid));
    const taken = [...(account?.lists.values() ?? [])].flatMap(({ credentials }) => [...credentials.values()]);
    const isTaken = taken.some(({ username, password }) => username === dial.username && password === dial.password);
    return isTaken ? [] : [`${phone_number_id} dials by ${dial.username}, which Twilio does not take`];
  });

const open = async (row: Row, field: string): Promise<string | null> =>
  row[field] ? seals.open(row[field], `phone_numbers/${row.phone_number_id}/${field}`) : null;

/** LiveKit has what the record says, and it matches Twilio. */
const faultsOfContent = async ({ database, scene }: Checked): Promise<string[]> => {
  const { inbound, outbound, rules, accounts } = scene.providers;
  const found: string[] = [];
  for (const row of heldIn(database)) {
    if (isTouched(scene, row.phone_number)) continue;
    const expect = (what: string, is: unknown, wanted: unknown) => {
      if (!isDeepStrictEqual(is, wanted))
        found.push(`${row.phone_number_id}: ${what} is ${JSON.stringify(is)} instead of ${JSON.stringify(wanted)}`);
    };
    const { parts } = row.provisioning;
    const rule = rules.get(doneIn(row, 'dispatch_rule') ?? '');
    if (rule) {
      expect('agent', rule.agent_id, row.assigned_agent_id);
      expect('trunk of the rule', rule.inbound_trunk_id, doneIn(row, 'inbound_trunk'));
      expect('metadata', rule.agent_metadata, row.assigned_agent_id && row.agent_metadata);
      expect('prefix', rule.room_prefix, row.inbound_room_name);
      expect('PIN', rule.pin, await open(row, 'inbound_pin'));
    }
    const trunk = inbound.get(doneIn(row, 'inbound_trunk') ?? '');
    if (trunk) {
      const sent = parts.inbound_trunk.sent ?? {};
      const told = row.provider === 'sip' ? row : sent;
      expect('addresses', trunk.allowed_addresses, told.allowed_addresses ?? trunk.allowed_addresses);
      expect('encryption', trunk.media_encryption, told.media_encryption ?? trunk.media_encryption);
      if (row.provider === 'sip') expect('inbound name', trunk.name, `${row.sip_trunk_name}-in`);
      const isDigest = row.provider === 'sip' && authenticationOf(row as SipRecord) === 'digest';
      expect('inbound password', trunk.password, isDigest ? await open(row, 'sip_password') : null);
    }
    const dial = outbound.get(doneIn(row, 'outbound_trunk') ?? '');
    if (dial && row.provider === 'sip') {
      expect('address', dial.address, row.sip_server_address);
      expect('outbound password', dial.password, await open(row, 'sip_password'));
      const { name, transport, media_encryption, from_host } = dial;
      const { sip_transport, sip_from_host, sip_trunk_name } = row;
      const wanted = { name: `${sip_trunk_name}-out`, transport: sip_transport, from_host: sip_from_host };
      const is = { name, transport, media_encryption, from_host };
      expect('outbound trunk', is, { ...wanted, media_encryption: row.media_encryption });
    }
    if (row.provider !== 'twilio') continue;
    const integration = database.rowsOf('integrations').find((it) => it.integration_id === row.integration_id) as Row;
    const account = accounts.get(integration.account_sid);
    const carrier = account?.trunks.get(doneIn(integration, 'trunk') ?? '');
    if (dial && account && carrier) {
      const [list = ''] = carrier.permitted;
      const known = [...(account.lists.get(list)?.credentials.values() ?? [])];
      expect('credential', { username: dial.username, password: dial.password }, known[0]);
      expect('address', dial.address, carrier.domain_name);
    }
    if (carrier) {
      const [url] = carrier.urls.values();
      const { secure, sip_host } = integration.carrier.made_for;
      expect('origination', url?.sip_url, `sip:${sip_host};transport=${secure ? 'tls' : 'tcp'}`);
      expect('Secure Trunking', carrier.secure, secure);
      const { call_transfers } = integration;
      if (call_transfers !== null) expect('call transfers', carrier.call_transfers, call_transfers);
      if (dial) expect('encryption', dial.media_encryption, secure ? 'require' : 'disable');
    }
  }
  return found;
};

/** A number that is not on our trunk has its former routing; for one that is, that routing is stored. */
const faultsOfRouting = async ({ database, scene }: Checked): Promise<string[]> => {
  const found: string[] = [];
  for (const { number, own, account } of scene.owned) {
    // If Twilio refused to restore the routing, a forced release goes on anyway, and any other takes the number off our trunk.
    const isLeft = database.rowsOf('phone_numbers').some((it: Row) => {
      const { carrier_routing } = it.provisioning.parts;
      const isRefused = /^former_routing_(refused|gone)$/.test(carrier_routing?.problem?.code);
      return it.phone_number === number.phone_number && isRefused;
    });
    if (own === undefined || isLeft) continue;
    const row = heldIn(database).find((it) => it.phone_number === number.phone_number && it.supports_inbound);
    const integration = row && database.rowsOf('integrations').find((it) => it.integration_id === row.integration_id);
    const trunk_sid = integration && doneIn(integration, 'trunk');
    const isOurs = trunk_sid !== undefined && number.routing.trunk_sid === trunk_sid;
    const say = (what: string, is: unknown) =>
      found.push(
        `${number.phone_number} of ${account.sid} ${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(own)}`,
      );
    if (!isOurs) {
      if (!isDeepStrictEqual(number.routing, own)) say('is not routed as it was', number.routing);
      if (row && !isTouched(scene, number.phone_number)) say('is not on the trunk', number.routing);
      continue;
    }
    const sealed = row?.former_routing;
    const place = `phone_numbers/${row?.phone_number_id}/former_routing` as const;
    const former = sealed ? JSON.parse(await seals.open(sealed, place)) : null;
    if (!isDeepStrictEqual(former, own)) say('is remembered otherwise', former);
  }
  return found;
};

/** A number's events tell its life in order, each change once, and match its present state. */
const faultsOfEvents = ({ database }: Checked): string[] => {
  const found: string[] = [];
  const events = database.rowsOf('events').filter(({ type }) => String(type).startsWith('phone_number.'));
  for (const row of database.rowsOf('phone_numbers') as Row[]) {
    const own = events.filter(({ subject_id }) => subject_id === row.phone_number_id);
    const told = own.map(({ type }) => String(type).slice('phone_number.'.length)).join(' ');
    const isAlive = row.holds !== undefined;
    const life = isAlive
      ? /^imported( assigned| unassigned| updated)*$/
      : /^(imported( assigned| unassigned| updated)* released|import_failed( import_undone| released)?)$/;
    // After a lost answer, the undoing has an event even if nothing was made, since that was not known.
    const isUntold =
      told === 'import_failed' && Object.values<Row>(row.provisioning.parts).some((it) => it.resource_id);
    if (!life.test(told) || isUntold)
      found.push(`The events of ${row.phone_number_id}, ${isAlive ? 'held' : 'gone'}, are: ${told}`);
    const agent = own.reduce<unknown>(
      (now, { changes }: Row) => changes.assigned_agent_id ?? (changes.assigned_agent_id === null ? null : now),
      null,
    );
    if (isAlive && agent !== row.assigned_agent_id)
      found.push(`${row.phone_number_id} has the agent ${row.assigned_agent_id}, and its events tell ${agent}`);
    const changes = own.filter(({ type }) => /\.(assigned|unassigned|updated)$/.test(String(type))).length;
    if (isAlive && row.revision !== 1 + changes)
      found.push(`${row.phone_number_id} is at revision ${row.revision} after ${changes} changes`);
    if (isAlive && (row.assigned_agent_id === null) !== (row.status === 'free'))
      found.push(`${row.phone_number_id} is ${row.status} with the agent ${row.assigned_agent_id}`);
  }
  const once = new Set<string>();
  for (const { subject_id, request_id, type } of database.rowsOf('events') as Row[]) {
    const name = `${subject_id} ${type} by ${request_id}`;
    if (request_id !== null && once.has(name)) found.push(`It is told twice: ${name}`);
    once.add(name);
  }
  return found;
};

/** The same for an integration. Its `refused` and `accepted` events alternate. */
const faultsOfAccounts = async ({ database, asked }: Checked): Promise<string[]> => {
  const found: string[] = [];
  for (const row of database.rowsOf('integrations') as Row[]) {
    const own = (database.rowsOf('events') as Row[]).filter(({ subject_id }) => subject_id === row.integration_id);
    const told = own.map(({ type }) => String(type).slice('integration.'.length));
    const life = told.filter((type) => !['refused', 'accepted'].includes(type)).join(' ');
    const isAlive = row.state === 'active';
    const lives = isAlive
      ? /^created( updated| trunk_password_rotated)*$/
      : /^created( updated| trunk_password_rotated)* deleted$/;
    if (!lives.test(life)) found.push(`The events of ${row.integration_id}, ${row.state}, are: ${life}`);
    const turns = told.filter((type) => ['refused', 'accepted'].includes(type));
    const isInTurns = turns.every((type, n) => type === (n % 2 === 0 ? 'refused' : 'accepted'));
    const status = turns.length % 2 === 0 ? 'active' : 'refused';
    if (!isInTurns || (isAlive && row.status !== status))
      found.push(`${row.integration_id} is ${row.status}, and its events tell: ${turns.join(' ')}`);
    const updates = own.filter(({ type }) => type === 'integration.updated');
    if (row.revision !== 1 + updates.length)
      found.push(`${row.integration_id} is at revision ${row.revision} after ${updates.length} changes`);
    const last = (name: string) => updates.findLast(({ changes }) => changes[name] !== undefined);
    for (const name of ['name', 'call_transfers'])
      if (last(name) && last(name)?.changes[name] !== row[name])
        found.push(`${row.integration_id} has ${name} ${row[name]}, and its events tell ${last(name)?.changes[name]}`);
    const replaced = asked.find(({ caller }) => caller.request_id === last('credentials')?.request_id);
    if (!isAlive || replaced === undefined) continue;
    const kept = JSON.parse(await seals.open(row.credentials, `integrations/${row.integration_id}/credentials`));
    if (kept.auth_token !== replaced.input.credentials.auth_token)
      found.push(`${row.integration_id} does not keep the credentials of ${replaced.caller.request_id}`);
  }
  return found;
};

/** Requests whose outcome the caller does not know; the last two answers say so. */
const isUnknown = ({ outcome }: Request): boolean =>
  outcome === 'lost' ||
  ('problem' in outcome &&
    (outcome.problem.code === 'service_unavailable' ||
      outcome.problem.detail.startsWith('The import is still in progress')));

const changing = /^phone_number\.(imported|assigned|unassigned|updated|released)$/;

/** What was acknowledged was in force by then, and what was refused did not happen. */
const faultsOfAnswers = ({ database, asked }: Checked): string[] => {
  const events = database.rowsOf('events') as Row[];
  return asked.flatMap((request) => {
    const { operation, input, caller, outcome, seen } = request;
    if (isUnknown(request) || outcome === 'lost') return [];
    const name = `${caller.request_id}, ${operation},`;
    if ('error' in outcome)
      return [`${name} ended in ${outcome.error instanceof Error ? outcome.error.stack : outcome.error}`];
    if ('problem' in outcome) {
      if (outcome.problem.code === 'internal') return [`${name} was answered internal: ${outcome.problem.detail}`];
      const done = events.find(({ request_id, type }) => request_id === caller.request_id && changing.test(type));
      return done ? [`${name} was refused by ${outcome.problem.code}, and is done: ${done.type}`] : [];
    }
    const { data } = outcome;
    if (operation === 'integrations.delete') {
      const row = database.rowsOf('integrations').find((it) => it.integration_id === input.integration_id) as Row;
      const told = events.filter(
        ({ subject_id, type }) => subject_id === input.integration_id && type === 'integration.deleted',
      );
      return row.state === 'gone' && told.length === 1
        ? []
        : [`${name} was answered ${data.state}, and it is ${row.state}`];
    }
    if (operation === 'integrations.update') {
      const isTold = seen.events.some((it) => it.request_id === caller.request_id);
      const isRotated = !input.rotate_trunk_password || data.trunk_password_rotation;
      const isAsAsked = ['name', 'call_transfers'].every((it) => !input[it] || input[it] === data[it]);
      return isTold && isRotated && isAsAsked ? [] : [`${name} was answered before it was stored`];
    }
    if (operation.endsWith('.list') || operation === 'integrations.get') {
      const rows = [...database.rowsOf('phone_numbers'), ...database.rowsOf('integrations')] as Row[];
      const others = rows.filter((it) => it.organization_id !== caller.organization_id);
      const ids = [data].flat().map((it) => it.phone_number_id ?? it.integration_id);
      const shown = others.find((it) => ids.includes(it.phone_number_id ?? it.integration_id));
      return shown || new Set(ids).size < ids.length ? [`${name} was answered ${ids.join()}`] : [];
    }
    const id = data?.phone_number_id ?? input.phone_number_id;
    const before = seen.events.filter(({ subject_id }) => subject_id === id);
    const isTold = (type: string) => before.some((it) => it.type === type);
    const agents = new Set(before.flatMap(({ changes }: Row) => changes.assigned_agent_id ?? null));
    if (operation === 'phoneNumbers.import' && !isTold('phone_number.imported'))
      return [`${name} was answered before ${id} was imported`];
    if (
      operation === 'phoneNumbers.release' &&
      data.provisioning_state === 'released' &&
      seen.row &&
      seen.row.provisioning_state !== 'gone'
    )
      return [`${name} was answered before ${id} was released`];
    if (operation === 'phoneNumbers.release' && heldIn(database).some((row) => row.phone_number_id === id))
      return [`${name} was answered ${data.provisioning_state}, and ${id} is there`];
    const isChange = /assign|get|update/.test(operation);
    if (isChange && !agents.has(data.assigned_agent_id) && ['active', 'degraded'].includes(data.provisioning_state))
      return [`${name} was answered ${data.assigned_agent_id} before ${id} had that agent`];
    // If another replica finished the change, the number may already be being released again.
    // Assigning the agent that it had already changes nothing, and writes no event.
    const isDone =
      before.some(({ request_id }) => request_id === caller.request_id) ||
      (operation === 'phoneNumbers.assign' && agents.has(input.agent_id));
    if (/assign|update/.test(operation) && data.provisioning_state !== 'active' && !isDone)
      return [`${name} was answered a number that is ${data.provisioning_state}`];
    if (operation === 'phoneNumbers.update') {
      const asked = ['supports_inbound', 'supports_outbound', 'inbound_room_name', 'label', 'sip_transport'] as const;
      const other = asked.find((name) => input[name] !== undefined && input[name] !== data[name]);
      if (other) return [`${name} was answered ${other} ${data[other]} instead of ${input[other]}`];
    }
    if (operation === 'phoneNumbers.assign' && data.assigned_agent_id !== input.agent_id)
      return [`${name} was answered the agent ${data.assigned_agent_id}`];
    return [];
  });
};

const collections = ['phone_numbers', 'integrations', 'events', 'idempotency_keys', 'queues', 'removals'];

const faultsOfSecrets = ({ database, scene, asked }: Checked): string[] => {
  const texts = [
    ...collections.map((name) => [name, JSON.stringify(database.rowsOf(name))] as const),
    ...asked.map(({ caller, outcome }) => [`the answer to ${caller.request_id}`, textOf(outcome)] as const),
  ];
  const secret = [...scene.secrets, ...passwordsIn(scene.providers)];
  return texts.flatMap(([where, text]) => {
    const shown = secret.find((it) => text.includes(it));
    return shown === undefined ? [] : [`${where} shows the secret ${shown}`];
  });
};

const textOf = (outcome: Request['outcome']): string =>
  outcome !== 'lost' && 'problem' in outcome
    ? `${outcome.problem.detail} ${JSON.stringify(outcome.problem.members)}`
    : JSON.stringify(outcome);

const passwordsIn = ({ accounts }: Providers): string[] =>
  [...accounts.values()].flatMap(({ lists }) =>
    [...lists.values()].flatMap(({ credentials }) => [...credentials.values()].map(({ password }) => password)),
  );

/** Numbers that nobody holds and nobody changed at a provider: they can be imported. */
export const freeNumbers = ({ database, scene }: Pick<Checked, 'database' | 'scene'>): OwnedNumber[] =>
  scene.owned.filter(
    ({ number, account, isTouched: touched }) =>
      !touched &&
      !account.is_suspended &&
      number.has_voice &&
      !heldIn(database).some(({ phone_number }) => phone_number === number.phone_number),
  );
