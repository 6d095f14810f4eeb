import type { FormerRouting, TwilioCredentials } from '@trunkline/contracts';
import type {
  DispatchRuleContent,
  Found,
  InboundTrunkSettings,
  OutboundTrunkSettings,
  Switchboard,
} from '../../src/phone-numbers/providers.ts';
import { Conflict, ProviderProblem } from '../../src/provisioning/index.ts';
import type { TwilioAccount } from '../../src/vendors/twilio.ts';

// Twilio and LiveKit behind the service's ports, in memory. providers.test.ts compares them with the stand-ins.

/** A trunk that people made has no mark. */
type Theirs<T extends { mark: unknown }> = Omit<T, 'mark'> & { mark: T['mark'] | undefined };

export interface CarrierNumber {
  number_sid: string;
  phone_number: string;
  has_voice: boolean;
  routing: FormerRouting;
}

interface Trunk {
  name: string;
  domain_name: string;
  secure: boolean;
  call_transfers: string;
  permitted: Set<string>;
  urls: Map<string, { name: string; sip_url: string }>;
}

export interface Account {
  sid: string;
  is_suspended: boolean;
  numbers: Map<string, CarrierNumber>;
  trunks: Map<string, Trunk>;
  lists: Map<string, { name: string; credentials: Map<string, { username: string; password: string }> }>;
}

export interface Providers {
  inbound: Map<string, Theirs<InboundTrunkSettings>>;
  outbound: Map<string, OutboundTrunkSettings>;
  rules: Map<string, DispatchRuleContent>;
  accounts: Map<string, Account>;
  /** Domain names that can never be used again. */
  reserved: Set<string>;
  /** Returns a new id. */
  draw(prefix: string): string;
  /** Runs each time the credentials that numbers dial with, or that Twilio accepts, have changed. */
  dialsChanged(): void;
  /** Runs as a call to Twilio begins. */
  begins(call: string, credentials: TwilioCredentials): void;
}

export const createProviders = (): Providers => {
  let drawn = 0;
  return {
    inbound: new Map(),
    outbound: new Map(),
    rules: new Map(),
    accounts: new Map(),
    reserved: new Set(),
    // Scrambled, so that the order of ids is not that of creation.
    draw: (prefix) => prefix + (Math.imul(++drawn, 0x9e3779b1) >>> 0).toString(16).padStart(32, '0'),
    dialsChanged: () => {},
    begins: () => {},
  };
};

export const unrouted: FormerRouting = {
  voice_url: null,
  voice_method: 'POST',
  voice_fallback_url: null,
  voice_fallback_method: 'POST',
  trunk_sid: null,
  voice_application_sid: null,
};

export const createSwitchboard = (providers: Providers): Switchboard => {
  const { inbound, outbound, rules, draw } = providers;
  const put = <T>(things: Map<string, T>, prefix: string, thing: T): string => {
    const id = draw(prefix);
    things.set(id, thing);
    return id;
  };
  /** Leaves what cannot be changed in place. */
  const change = <T extends object>(things: Map<string, T>, id: string, changes: Partial<T>): boolean => {
    const thing = things.get(id);
    if (thing) things.set(id, { ...thing, ...changes });
    return thing !== undefined;
  };
  const pairsOf = <T>(things: Map<string, T>, isIt: (thing: T) => boolean) =>
    [...things].filter(([, thing]) => isIt(thing)).toSorted(([a], [b]) => (a < b ? -1 : 1));

  const inboundOf = (phone_number: string) =>
    pairsOf(inbound, (trunk) => trunk.phone_number === phone_number).map(([resource_id, { mark }]) => ({
      ...{ resource_id, mark, written: [phone_number], has_other_numbers: false },
    }));

  /** LiveKit names the other rule only if it checked that one first. */
  const refuseClash = (
    { inbound_trunk_id, pin }: Pick<DispatchRuleContent, 'inbound_trunk_id' | 'pin'>,
    own_id = '',
  ) => {
    const others = pairsOf(rules, (rule) => rule.inbound_trunk_id === inbound_trunk_id).filter(([id]) => id !== own_id);
    const at = others.findIndex(([, rule]) => rule.pin === pin);
    if (at >= 0)
      throw new Conflict('LiveKit has such a rule', { resource_ids: at === 0 ? [others[0]?.[0] ?? ''] : [] });
  };

  return {
    createInboundTrunk: async (line) => {
      const [other] = pairsOf(inbound, ({ phone_number }) => phone_number === line.phone_number);
      if (other) throw new Conflict('LiveKit has a trunk for this number', { resource_ids: [other[0]] });
      return put(inbound, 'ST_', line);
    },
    findInboundTrunks: async (phone_number) => inboundOf(phone_number),
    listInboundTrunks: async (phone_numbers) => new Map(phone_numbers.map((number) => [number, inboundOf(number)])),
    changeInboundTrunk: async (trunk_id, { phone_number: _, mark: __, ...line }) => change(inbound, trunk_id, line),
    createOutboundTrunk: async (line) => put(outbound, 'ST_', line),
    changeOutboundTrunk: async (trunk_id, { phone_number: _, mark: __, from_host, ...line }, differences = []) => {
      const isOther = differences.includes('from_host');
      const isThere = change(outbound, trunk_id, { ...line, ...(isOther && { from_host }) });
      providers.dialsChanged();
      return isThere;
    },
    findOutboundTrunks: async (phone_number) =>
      pairsOf(outbound, (trunk) => trunk.phone_number === phone_number).map(foundOf),
    findById: async (kind, id) => {
      const mark = { inbound_trunk: inbound, outbound_trunk: outbound, dispatch_rule: rules }[kind].get(id)?.mark;
      return mark && { resource_id: id, mark };
    },
    removeTrunk: async (trunk_id) => {
      inbound.delete(trunk_id);
      outbound.delete(trunk_id);
    },
    createDispatchRule: async (rule) => {
      refuseClash(rule);
      return put(rules, 'SDR_', { ...rule, agent_metadata: rule.agent_id && rule.agent_metadata });
    },
    findDispatchRules: async (inbound_trunk_id) =>
      pairsOf(rules, (rule) => rule.inbound_trunk_id === inbound_trunk_id).map((pair) => {
        const { room_prefix, agent_id } = pair[1];
        return { ...foundOf(pair), content: { inbound_trunk_id, room_prefix, agent_id } };
      }),
    changeDispatchRule: async (dispatch_rule_id, answer, fields) => {
      const { agent_id } = answer;
      const before = rules.get(dispatch_rule_id);
      const lacksAgent = agent_id !== null && before?.agent_id === null;
      const ofAgent = fields.includes('agent_id') || fields.includes('agent_metadata') || lacksAgent;
      if (before) refuseClash({ ...before, ...(fields.includes('pin') && { pin: answer.pin }) }, dispatch_rule_id);
      const isKnown = before?.agent_id === agent_id && !fields.includes('agent_metadata');
      return change(rules, dispatch_rule_id, {
        ...(fields.includes('room_prefix') && { room_prefix: answer.room_prefix }),
        ...(fields.includes('pin') && { pin: answer.pin }),
        ...(ofAgent && { agent_id }),
        // The metadata goes with the agent.
        ...(ofAgent && !isKnown && { agent_metadata: agent_id === null ? null : answer.agent_metadata }),
      });
    },
    removeDispatchRule: async (dispatch_rule_id) => void rules.delete(dispatch_rule_id),
  };
};

const foundOf = ([resource_id, { mark }]: [string, Pick<OutboundTrunkSettings, 'mark'>]): Found => ({
  resource_id,
  mark,
});

export const connectAccount = (
  providers: Providers,
  { account_sid }: Pick<TwilioCredentials, 'account_sid'>,
): TwilioAccount => {
  const { accounts, reserved, draw } = providers;
  const account = (): Account => {
    const found = accounts.get(account_sid);
    if (found === undefined || found.is_suspended)
      throw new ProviderProblem(
        'provider_credentials_refused',
        `Twilio rejected the credentials of ${account_sid}`,
        {},
      );
    return found;
  };
  const trunkOf = (sid: string) => account().trunks.get(sid) ?? refuseMissing();
  const listOf = (sid: string) => account().lists.get(sid) ?? refuseMissing();
  const add = <T>(things: Map<string, T>, prefix: string, thing: T): string => {
    const sid = draw(prefix);
    things.set(sid, thing);
    return sid;
  };
  const route = (number_sid: string, to: Partial<FormerRouting>): void => {
    const number = account().numbers.get(number_sid) ?? refuseMissing();
    const { trunk_sid = null, voice_application_sid, ...voice } = to;
    if (!voice_application_sid && trunk_sid) trunkOf(trunk_sid);
    const given = Object.entries(voice).flatMap(([name, value]) => {
      if (name.endsWith('_method')) return value ? [[name, value]] : [];
      return [[name, value]];
    });
    number.routing = {
      ...number.routing,
      ...Object.fromEntries(given),
      // Each removes the other.
      ...(voice_application_sid ? { voice_application_sid, trunk_sid: null } : { trunk_sid }),
      ...(trunk_sid && !voice_application_sid && { voice_application_sid: null }),
    };
  };
  const unlessMissing = (run: () => void): boolean => {
    try {
      run();
      return true;
    } catch (error) {
      if (error instanceof Missing) return false;
      throw error;
    }
  };
  const show = ({ phone_number: _, routing, ...number }: CarrierNumber) => ({
    ...{ ...number, conditions: [], routing: { ...routing } },
  });
  const seen = <T>(things: Map<string, T>, isIt: (thing: T) => boolean) => [...things].filter(([, it]) => isIt(it));

  return {
    proveCredentials: async () => void account(),
    findNumber: async (phone_number) => {
      const number = [...account().numbers.values()].find((it) => it.phone_number === phone_number);
      return number && show(number);
    },
    readNumber: async (number_sid) => {
      const number = account().numbers.get(number_sid);
      return number && show(number);
    },
    isTrunkThere: async (trunk_sid) => account().trunks.has(trunk_sid),
    isTrial: async () => false,
    seeTrunks: async () => void account(),
    seeCredentialLists: async () => void account(),
    findCallerId: async () => {
      account();
      return undefined;
    },
    listCallerIds: async () => {
      account();
      return new Set();
    },
    // All on one page.
    listNumbers: async () => ({
      numbers: [...account().numbers.values()].map(({ number_sid, phone_number, has_voice, routing }) => ({
        ...{ number_sid, phone_number, label: phone_number, routing: { ...routing } },
        capabilities: { voice: has_voice, sms: false, mms: false, fax: false },
      })),
      next: null,
    }),
    // No number is in another Region in the simulation.
    readRegion: async (phone_number) => {
      const isOwned = [...account().numbers.values()].some((it) => it.phone_number === phone_number);
      return isOwned ? { resource_id: `QQ${'0'.repeat(32)}`, voice_region: 'us1' } : undefined;
    },
    seeRegion: notAsked('seeRegion'),
    readTrunkRegion: notAsked('readTrunkRegion'),
    setTrunkRegion: notAsked('setTrunkRegion'),
    setRegion: notAsked('setRegion'),
    routeToTrunk: async (number_sid, trunk_sid) => route(number_sid, { trunk_sid }),
    giveBack: async (number_sid, former_routing) => {
      account();
      return unlessMissing(() => route(number_sid, former_routing));
    },
    detach: async (number_sid) => {
      account();
      unlessMissing(() => route(number_sid, { trunk_sid: null }));
    },

    createTrunk: async ({ name, domain_name, secure, call_transfers = 'disabled' }) => {
      account();
      const isTaken = [...accounts.values()].some(({ trunks }) =>
        [...trunks.values()].some((trunk) => trunk.domain_name === domain_name),
      );
      if (isTaken || reserved.has(domain_name)) throw new Conflict('Twilio has this domain name already');
      return add(account().trunks, 'TK', {
        ...{ name, domain_name, secure, call_transfers },
        ...{ permitted: new Set<string>(), urls: new Map() },
      });
    },
    findTrunks: async (name) =>
      seen(account().trunks, (trunk) => trunk.name === name).map(([resource_id, { secure, call_transfers }]) => ({
        ...{ resource_id, content: { secure, call_transfers } },
      })),
    changeTrunk: async (trunk_sid, { secure, call_transfers }) => {
      const trunk = account().trunks.get(trunk_sid);
      if (trunk) Object.assign(trunk, { secure, ...(call_transfers && { call_transfers }) });
      return trunk !== undefined;
    },
    removeTrunk: async (trunk_sid) => {
      const trunk = account().trunks.get(trunk_sid);
      if (trunk) reserved.add(trunk.domain_name);
      account().trunks.delete(trunk_sid);
    },
    createOriginationUrl: async (trunk_sid, { name, sip_url }) => add(trunkOf(trunk_sid).urls, 'OU', { name, sip_url }),
    findOriginationUrls: async (trunk_sid, name) =>
      seen(account().trunks.get(trunk_sid)?.urls ?? new Map(), (url) => url.name === name).map(
        ([resource_id, { sip_url }]) => ({
          ...{ resource_id, content: { sip_url } },
        }),
      ),
    pointOriginationUrl: async (trunk_sid, sid, sip_url) => {
      const url = account().trunks.get(trunk_sid)?.urls.get(sid);
      if (url) url.sip_url = sip_url;
      return url !== undefined;
    },
    removeOriginationUrl: async (trunk_sid, sid) => void account().trunks.get(trunk_sid)?.urls.delete(sid),
    createCredentialList: async (name) => add(account().lists, 'CL', { name, credentials: new Map() }),
    findCredentialLists: async (name) => seen(account().lists, (list) => list.name === name).map(([sid]) => sid),
    removeCredentialList: async (sid) => void account().lists.delete(sid),
    createCredential: async (list_sid, credential) => {
      const { credentials } = listOf(list_sid);
      if (seen(credentials, ({ username }) => username === credential.username).length > 0)
        throw new ProviderProblem('provider_error', 'The user name is taken', answerOf(400, '20001'));
      return add(credentials, 'CR', { ...credential });
    },
    findCredentials: async (list_sid, username) =>
      seen(account().lists.get(list_sid)?.credentials ?? new Map(), (it) => it.username === username).map(
        ([sid]) => sid,
      ),
    removeCredential: async (list_sid, sid) => {
      account().lists.get(list_sid)?.credentials.delete(sid);
      providers.dialsChanged();
    },
    permit: async (trunk_sid, list_sid) => {
      listOf(list_sid);
      trunkOf(trunk_sid).permitted.add(list_sid);
      return list_sid;
    },
    findPermissions: async (trunk_sid, list_sid) =>
      [...(account().trunks.get(trunk_sid)?.permitted ?? [])].filter((sid) => sid === list_sid),
    revoke: async (trunk_sid, list_sid) => void account().trunks.get(trunk_sid)?.permitted.delete(list_sid),
  };
};

/** For calls that nothing in the simulation leads to. */
const notAsked = (call: string) => async (): Promise<never> => {
  throw new Error(`The simulation knows no ${call}`);
};

class Missing extends ProviderProblem {}

const answerOf = (status: number, code: string) => ({
  provider: { name: 'twilio', status, code, message: null, request_id: null, more_info: null } as const,
});

const refuseMissing = (): never => {
  throw new Missing('provider_refused', 'Twilio does not find it', answerOf(404, '20404'));
};
