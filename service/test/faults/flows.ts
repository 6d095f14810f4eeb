import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { Sandbox } from '../../src/sandbox/server.ts';
import { putRoute } from '../../src/sandbox/twilio-routes.ts';
import { seedNumber } from '../../src/sandbox/twilio-seed.ts';
import { drawSid } from '../../src/sandbox/twilio-things.ts';
import { type Caller, drawNumber, type OpenedService, type RestAnswer } from '../open-service.ts';
import { readWorld } from '../world.ts';

/** One request of a caller, and what must be true once all work is done. */
export interface Act {
  ask(): Promise<RestAnswer>;
  /** `answer` is undefined if the replica died before it answered. */
  check(service: OpenedService, answer: RestAnswer | undefined): Promise<void>;
}

/** Prepares the world for the request. */
type Flow = (service: OpenedService) => Promise<Act>;

const both = { supports_inbound: true, supports_outbound: true } as const;

/** Values that no answer contains. */
interface Secrets {
  inbound_pin?: string;
  sip_username?: string;
  sip_password?: string;
}

interface Import {
  caller: Caller;
  input: Secrets & { phone_number: string };
}

const importing = ({ caller, input }: Import, numberBefore?: object): Act => {
  const { phone_number } = input;
  const ask = (as: Caller) => as.rest('POST', '/api/phone-numbers', input);
  const kept = async (as: Caller) => (await as.client.phoneNumbers.list.query({ phone_number })).data[0];
  const check: Act['check'] = async (service, answer) => {
    const as = service.as(caller);
    const number = await kept(as);
    if (answer) {
      expect(answer.status, JSON.stringify(answer.body)).not.toBe(500);
      expect(number?.provisioning_state, `answered ${answer.status}`).toBe(
        answer.status === 201 ? 'active' : undefined,
      );
    }
    await checkRouting(service, as, phone_number, numberBefore);
    if (number !== undefined) return;
    expect((await ask(as)).status, 'imported again').toBe(201);
    await checkRouting(service, as, phone_number, numberBefore);
  };
  return { ask: () => ask(caller), check };
};

const routingOf = (number: Record<string, unknown>) => {
  const { voice_url, voice_method, voice_fallback_url, voice_fallback_method, trunk_sid, voice_application_sid } =
    number;
  const fields = {
    voice_url,
    voice_method,
    voice_fallback_url,
    voice_fallback_method,
    trunk_sid,
    voice_application_sid,
  };
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value || null]));
};

/** The routing is the former one, field by field; or ours, and the former one is stored. */
const checkRouting = async (service: OpenedService, as: Caller, phone_number: string, before?: object) => {
  if (before === undefined) return;
  const now = (await readWorld(service)).numbers.find((it) => it.phone_number === phone_number);
  const [kept] = (await as.client.phoneNumbers.list.query({ phone_number })).data;
  if (kept === undefined) return expect({ ...now, date_updated: '' }).toEqual({ ...before, date_updated: '' });
  const { phone_number_id } = kept;
  const { data } = await as.client.phoneNumbers.get.query({ phone_number_id });
  expect(data.provisioning).toMatchObject({ former_routing: routingOf({ ...before }) });
  expect(isDeepStrictEqual(now?.trunk_sid, routingOf({ ...before }).trunk_sid)).toBe(false);
};

const former = {
  voice_url: 'https://example.com/voice',
  voice_method: 'GET',
  voice_fallback_url: 'https://example.com/fallback',
  voice_fallback_method: 'GET',
};

interface Integrated {
  caller: Caller;
  integration_id: `intg_${string}`;
  account_sid: string;
}

interface Elsewhere {
  trunk?: true;
  application?: true;
  inboundOnly?: true;
  region?: 'ie1';
}

const newIntegration = async (service: OpenedService): Promise<Integrated> => {
  const caller = service.admin;
  return { caller, ...(await service.integrate(caller, [])) };
};

/** A number that is routed somewhere, in an integrated account. */
const ofTwilio = async (
  { sandbox: { shelf } }: OpenedService,
  { caller, integration_id, account_sid }: Integrated,
  { trunk, application, inboundOnly, region }: Elsewhere = {},
) => {
  const phone_number = drawNumber();
  const trunk_sid = trunk ? drawSid('TK') : null;
  if (trunk_sid) await shelf.put('twilio.trunk', trunk_sid, { sid: trunk_sid, account_sid, friendly_name: 'Another' });
  const seeded = await seedNumber(shelf, { sid: account_sid }, { phone_number });
  const before = { ...seeded, ...former, trunk_sid, voice_application_sid: application ? drawSid('AP') : '' };
  await shelf.put('twilio.number', seeded.sid, before);
  if (region) await putRoute(shelf, phone_number, region);
  const replaces = trunk || application || region ? { replace_existing_routing: true } : {};
  const directions = inboundOnly ? { supports_inbound: true } : both;
  const input = { phone_number, provider: 'twilio', ...directions, integration_id, ...replaces } as const;
  return { caller, input, before };
};

/** The integration in each world through which a number was imported before, so it has a trunk. */
const withTrunk = new WeakMap<Sandbox, Promise<Integrated>>();

export const forgetTrunk = (sandbox: Sandbox) => void withTrunk.delete(sandbox);

const newTrunk = async (service: OpenedService): Promise<Integrated> => {
  const integrated = await newIntegration(service);
  const { caller, input } = await ofTwilio(service, integrated);
  expect((await caller.rest('POST', '/api/phone-numbers', input)).status).toBe(201);
  return integrated;
};

const besideAnother = async (service: OpenedService, elsewhere?: Elsewhere) => {
  const made = withTrunk.get(service.sandbox) ?? newTrunk(service);
  withTrunk.set(service.sandbox, made);
  const integrated = await made;
  const caller = service.as(integrated.caller);
  return ofTwilio(service, { ...integrated, caller }, elsewhere);
};

const onExistingTrunk = async (service: OpenedService, elsewhere?: Elsewhere): Promise<Act> => {
  const { caller, input, before } = await besideAnother(service, elsewhere);
  return importing({ caller, input }, before);
};

const onNewTrunk = async (service: OpenedService, elsewhere?: Elsewhere): Promise<Act> => {
  const { caller, input, before } = await ofTwilio(service, await newIntegration(service), elsewhere);
  return importing({ caller, input }, before);
};

/** A number handled in another of Twilio's Regions: it is moved, or stays handled there. */
const fromAnotherRegion = async (service: OpenedService): Promise<Act> => {
  const { caller, input, before } = await besideAnother(service, { region: 'ie1' });
  const { phone_number } = input;
  const { shelf } = service.sandbox;
  const act = importing({ caller, input }, before);
  return {
    ...act,
    check: async (now, answer) => {
      const [kept] = (await now.as(caller).client.phoneNumbers.list.query({ phone_number })).data;
      const route = await shelf.get<{ voice_region: string }>('twilio.route', phone_number);
      // If the routing table could not be read, a warning says so, and nothing is moved.
      const isMoved = kept !== undefined && !kept.warnings?.join().includes('lack the permission to read');
      expect(route?.voice_region).toBe(isMoved ? 'us1' : 'ie1');
      await act.check(now, answer);
    },
  };
};

const ofSip = async (service: OpenedService): Promise<Import> => {
  const caller = service.admin;
  const sip = { sip_server_address: 'sip.example.com', sip_username: 'user', sip_password: 'pass' } as const;
  return { caller, input: { phone_number: drawNumber(), provider: 'sip', ...both, ...sip } as Import['input'] };
};

const agentOf = (rule: object | undefined): string | null => {
  const { roomConfig } = (rule ?? {}) as { roomConfig?: { agents?: { agentName?: string }[] } };
  return roomConfig?.agents?.[0]?.agentName ?? null;
};

const assigning = async (service: OpenedService, from: string | null, to: string | null): Promise<Act> => {
  const { caller, input } = await ofSip(service);
  const { body } = await caller.rest('POST', '/api/phone-numbers', { ...input, ...(from && { agent_id: from }) });
  const { phone_number_id, dispatch_rule_id } = body.data;
  const path = `/api/phone-numbers/${phone_number_id}/${to ? 'assign' : 'unassign'}`;
  return {
    ask: () => caller.rest('POST', path, to ? { agent_id: to } : undefined),
    check: async (now, answer) => {
      const { data } = await now.as(caller).client.phoneNumbers.get.query({ phone_number_id });
      if (answer) {
        expect(answer.status, JSON.stringify(answer.body)).not.toBe(500);
        expect(data.assigned_agent_id, `answered ${answer.status}`).toBe(answer.status === 200 ? to : from);
      }
      const { rules } = await readWorld(now);
      const rule = rules.find(({ sipDispatchRuleId }) => sipDispatchRuleId === dispatch_rule_id);
      expect(agentOf(rule)).toBe(data.assigned_agent_id);
    },
  };
};

/** Imports the number before the faults. On a busy machine one of its calls may time out, so it is retried. */
const imported = async ({ caller, input }: Import): Promise<RestAnswer> => {
  for (let tries = 1; ; tries++) {
    const answer = await caller.rest('POST', '/api/phone-numbers', input);
    if (answer.status === 201 || tries === 10) {
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
      return answer;
    }
  }
};

/** A successful update is in force here and at LiveKit; a refused one changed no field. */
const updating = async ({ caller, input }: Import, patch: object, before?: object): Promise<Act> => {
  const { body } = await imported({ caller, input });
  const path = `/api/phone-numbers/${body.data.phone_number_id}`;
  const settings = Object.keys(patch).filter((name) => name in body.data);
  const among = (number: object) => Object.fromEntries(settings.map((name) => [name, Reflect.get(number, name)]));
  return {
    ask: () => caller.rest('PATCH', path, patch),
    check: async (now, answer) => {
      const { data } = (await now.as(caller).rest('GET', path)).body;
      if (answer) {
        const said = JSON.stringify(answer.body);
        expect(answer.status, said).not.toBe(500);
        expect(among(data), said).toEqual(answer.status === 200 ? among(answer.body.data) : among(body.data));
        expect(data.revision, said).toBe(answer.status === 200 ? 2 : 1);
      }
      const { inbound, outbound, rules, numbers } = await readWorld(now);
      const named = (things: object[], field: string) => things.find((it) => Object.values(it).includes(data[field]));
      const { supports_inbound, supports_outbound } = data;
      const given: Secrets = { ...input, ...(data.revision === 2 && patch) };
      const user = { authUsername: given.sip_username, authPassword: given.sip_password };
      if (data.provider === 'sip' && supports_inbound) {
        expect(named(inbound, 'inbound_trunk_id')).toMatchObject({ name: `${data.sip_trunk_name}-in`, ...user });
      }
      if (data.provider === 'sip' && supports_outbound) {
        expect(named(outbound, 'outbound_trunk_id')).toMatchObject({ address: data.sip_server_address, ...user });
      }
      if (supports_inbound) {
        const rule = { dispatchRuleIndividual: { roomPrefix: data.inbound_room_name, pin: given.inbound_pin } };
        expect(Object(named(rules, 'dispatch_rule_id')).rule).toEqual(rule);
      }
      if (!before) return;
      const number = numbers.find((it) => it.phone_number === input.phone_number);
      if (!supports_inbound) expect(routingOf({ ...number })).toEqual(routingOf({ ...before }));
      else expect(number?.trunk_sid).not.toBe(routingOf({ ...before }).trunk_sid);
    },
  };
};

/** The former routing is restored field by field, and the number can be imported again; or nothing has changed. */
const releasing = async ({ caller, input }: Import, before?: object): Promise<Act> => {
  const { body } = await imported({ caller, input });
  const { phone_number_id } = body.data;
  return {
    ask: () => caller.rest('DELETE', `/api/phone-numbers/${phone_number_id}`),
    check: async (now, answer) => {
      const as = now.as(caller);
      const { status: found } = await as.rest('GET', `/api/phone-numbers/${phone_number_id}`);
      expectFound(found, answer);
      if (answer?.status === 200) expect(answer.body.data.provisioning_state).toBe('released');
      if (answer?.status === 202) expect(answer.body.data.provisioning_state).toBe('releasing');
      if (found !== 404) return;
      if (before) {
        const number = (await readWorld(now)).numbers.find((it) => it.phone_number === input.phone_number);
        expect({ ...number, date_updated: '' }).toEqual({ ...before, date_updated: '' });
      }
      expect((await as.rest('POST', '/api/phone-numbers', input)).status, 'imported again').toBe(201);
    },
  };
};

/**
 * The credentials that Twilio accepts for the account's trunk, and those with which LiveKit dials for these numbers.
 */
const credentialsOf = (service: OpenedService, account_sid: string) => ({
  taken: async () =>
    (await service.sandbox.shelf.list<Record<string, string>>('twilio.credential'))
      .filter((it) => it.account_sid === account_sid)
      .map(({ username, password }) => ({ username, password })),
  dialing: async (numbers: string[]) =>
    (await readWorld(service)).outbound
      .filter((it) => it.numbers?.some((one) => numbers.includes(one)))
      .map((it) => Object(it))
      .map((it) => ({ username: it.authUsername, password: it.authPassword })),
});

/** A request stores the rotation; the reconciler makes its calls. */
const rotating = async (service: OpenedService): Promise<Act> => {
  const integrated = await newIntegration(service);
  const { caller, integration_id, account_sid } = integrated;
  const numbers: string[] = [];
  for (const directions of [both, { supports_outbound: true }]) {
    const { phone_number } = (await ofTwilio(service, integrated)).input;
    const input = { provider: 'twilio', phone_number, integration_id, ...directions };
    await imported({ caller, input });
    numbers.push(phone_number);
  }
  const path = `/api/integrations/${integration_id}`;
  const former = await credentialsOf(service, account_sid).taken();
  return {
    ask: async () => {
      await caller.rest('PUT', path, { rotate_trunk_password: true });
      await takeTurns(service);
      return caller.rest('GET', path);
    },
    check: async (now) => {
      const { body } = await now.as(caller).rest('GET', path);
      expect(body.data.trunk_password_rotation).toBeNull();
      const { taken, dialing } = credentialsOf(now, account_sid);
      const credentials = await taken();
      expect(credentials).toHaveLength(1);
      expect(credentials).not.toEqual(former);
      expect(await dialing(numbers)).toEqual([...credentials, ...credentials]);
    },
  };
};

/** Both are requested at the same moment; then the reconciler continues the rotation. */
const rotatingWhileImported = async (service: OpenedService): Promise<Act> => {
  const integrated = await newIntegration(service);
  const { caller, integration_id, account_sid } = integrated;
  const first = await ofTwilio(service, integrated);
  await imported(first);
  const second = await ofTwilio(service, integrated);
  const importOfSecond = importing(second, second.before);
  const path = `/api/integrations/${integration_id}`;
  const former = await credentialsOf(service, account_sid).taken();
  const answers: { rotated?: RestAnswer; imported?: RestAnswer } = {};
  return {
    ask: async () => {
      await Promise.all([
        caller.rest('PUT', path, { rotate_trunk_password: true }).then((it) => Object.assign(answers, { rotated: it })),
        importOfSecond.ask().then((it) => Object.assign(answers, { imported: it })),
      ]);
      await takeTurns(service);
      return caller.rest('GET', path);
    },
    check: async (now, answer) => {
      const { body } = await now.as(caller).rest('GET', path);
      expect(body.data.trunk_password_rotation).toBeNull();
      if (answer) expect(answers.rotated?.status, JSON.stringify(answers.rotated?.body)).toBe(200);
      const { taken, dialing } = credentialsOf(now, account_sid);
      const credentials = await taken();
      expect(credentials).toHaveLength(1);
      if (answers.rotated?.status === 200) expect(credentials).not.toEqual(former);
      const { data: kept } = await now.as(caller).client.phoneNumbers.list.query({ integration_id });
      const active = kept.map(({ phone_number }) => phone_number);
      expect(active).toContain(first.input.phone_number);
      expect(await dialing(active)).toEqual(active.flatMap(() => credentials));
      // If it is gone, it is imported again.
      await importOfSecond.check(now, answers.imported);
      const all = [first.input.phone_number, second.input.phone_number];
      expect(await dialing(all)).toEqual([...credentials, ...credentials]);
    },
  };
};

/** Enough turns for a rotation or a deletion without failures. */
const TURNS = 4;

const takeTurns = async ({ reconciler, clock }: OpenedService) => {
  for (let turns = 0; turns < TURNS; turns++) {
    await reconciler.turn();
    clock.advance(6000);
  }
};

/** Nothing is left of its trunk, or of the trunk's parts. */
const expectNothingLeft = async (now: OpenedService, { account_sid }: Integrated) => {
  const { trunks, lists, credentials, urls, permissions } = await readWorld(now);
  const left = [trunks, lists, credentials, urls, permissions].flat();
  expect(left.filter((it) => it.account_sid === account_sid)).toEqual([]);
};

/** Nothing of it is left; or it is as it was, and numbers can be imported with it. */
const deleting = async (service: OpenedService): Promise<Act> => {
  const integrated = await newIntegration(service);
  const { caller, input } = await ofTwilio(service, integrated);
  const { body } = await imported({ caller, input });
  expect((await caller.rest('DELETE', `/api/phone-numbers/${body.data.phone_number_id}`)).status).toBe(200);
  const path = `/api/integrations/${integrated.integration_id}`;
  return {
    ask: () => caller.rest('DELETE', path),
    check: async (now, answer) => {
      const as = now.as(caller);
      const { status: found, body: kept } = await as.rest('GET', path);
      expectFound(found, answer);
      if (found === 404) await expectNothingLeft(now, integrated);
      else {
        expect(kept.data.state).toBe('active');
        expect((await as.rest('POST', '/api/phone-numbers', input)).status).toBe(201);
      }
    },
  };
};

/** A refusal changes nothing. Whatever was begun has completed by now. */
const expectFound = (found: number, answer: RestAnswer | undefined) => {
  if (answer === undefined) return;
  const said = JSON.stringify(answer.body);
  expect(answer.status, said).not.toBe(500);
  expect(found, said).toBe(answer.status < 300 ? 404 : 200);
};

/** Both are requested at the same moment, and the deletion again if the number was still in use. */
const deletingWhileReleased = async (service: OpenedService): Promise<Act> => {
  const integrated = await newIntegration(service);
  const { caller, input, before } = await ofTwilio(service, integrated);
  const { body } = await imported({ caller, input });
  const path = `/api/integrations/${integrated.integration_id}`;
  const pathOfNumber = `/api/phone-numbers/${body.data.phone_number_id}`;
  const answers: { released?: RestAnswer; deleted?: RestAnswer | undefined } = {};
  const remove = () => caller.rest('DELETE', path).then((it) => Object.assign(answers, { deleted: it }));
  return {
    ask: async () => {
      await Promise.all([
        caller.rest('DELETE', pathOfNumber).then((it) => Object.assign(answers, { released: it })),
        remove(),
      ]);
      await takeTurns(service);
      if (answers.deleted?.status === 409) {
        answers.deleted = undefined;
        await remove();
        await takeTurns(service);
      }
      return caller.rest('GET', path);
    },
    check: async (now, answer) => {
      if (answer) expect(answer.status, JSON.stringify(answer.body)).not.toBe(500);
      const as = now.as(caller);
      const { status: number } = await as.rest('GET', pathOfNumber);
      const { status: integration, body: kept } = await as.rest('GET', path);
      expectFound(number, answers.released);
      expectFound(integration, answers.deleted);
      if (number === 404) await checkRouting(now, as, input.phone_number, before);
      if (integration === 404) {
        expect(number).toBe(404);
        await expectNothingLeft(now, integrated);
      } else {
        expect(kept.data.state).toBe('active');
        if (number === 404) expect((await as.rest('POST', '/api/phone-numbers', input)).status).toBe(201);
      }
    },
  };
};

export const flows = {
  'first import of an integration': (service) => onNewTrunk(service),
  'first import of an integration, inbound only': (service) => onNewTrunk(service, { inboundOnly: true }),
  'later import of an integration': (service) => onExistingTrunk(service),
  'import of a number on a foreign trunk': (service) => onExistingTrunk(service, { trunk: true }),
  'import of a number on an application': (service) => onExistingTrunk(service, { application: true }),
  'import of a number from another Region': fromAnotherRegion,
  'import of a SIP number': async (service) => importing(await ofSip(service)),
  assign: (service) => assigning(service, null, 'reception'),
  unassign: (service) => assigning(service, 'reception', null),
  'update of a SIP number': async (service) => {
    const patch = { inbound_room_name: 'sales', sip_trunk_name: 'main', sip_server_address: 'sip.example.net' };
    const { caller, input } = await ofSip(service);
    const secrets = { inbound_pin: '4711', sip_username: 'another', sip_password: 'other' };
    return updating({ caller, input: { ...input, inbound_pin: '1111' } }, { ...patch, ...secrets });
  },
  'update that turns inbound off': async (service) => {
    const { before, ...first } = await ofTwilio(service, await newIntegration(service));
    return updating(first, { supports_inbound: false }, before);
  },
  'update that turns inbound on': async (service) => {
    const { before, caller, input } = await ofTwilio(service, await newIntegration(service));
    const outbound = { ...input, supports_inbound: false };
    return updating(
      { caller, input: outbound },
      { ...{ supports_inbound: true, inbound_room_name: 'sales' }, inbound_pin: '4711' },
      before,
    );
  },
  'release of a number': async (service) => {
    const { before, ...first } = await ofTwilio(service, await newIntegration(service));
    return releasing(first, before);
  },
  'rotation of the trunk password': rotating,
  'rotation of the trunk password while a number is imported': rotatingWhileImported,
  'deletion of an integration': (service) => deleting(service),
  'deletion of an integration while its number is released': deletingWhileReleased,
  'release of a SIP number': async (service) => releasing(await ofSip(service)),
} as const satisfies Record<string, Flow>;

export type FlowName = keyof typeof flows;

/** Flows whose requests run concurrently: the order of their calls varies, so the nth call of a name may not come. */
export const interleaved: ReadonlySet<FlowName> = new Set([
  'rotation of the trunk password while a number is imported',
  'deletion of an integration while its number is released',
]);
