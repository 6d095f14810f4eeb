import { isIPv6 } from 'node:net';
import {
  CreateSIPDispatchRuleRequest,
  CreateSIPInboundTrunkRequest,
  CreateSIPOutboundTrunkRequest,
  DeleteSIPDispatchRuleRequest,
  DeleteSIPTrunkRequest,
  ListSIPDispatchRuleRequest,
  ListSIPDispatchRuleResponse,
  ListSIPInboundTrunkRequest,
  ListSIPInboundTrunkResponse,
  ListSIPOutboundTrunkRequest,
  ListSIPOutboundTrunkResponse,
  ListUpdate,
  RoomAgentDispatch,
  RoomConfiguration,
  SIPDispatchRule,
  SIPDispatchRuleIndividual,
  SIPDispatchRuleInfo,
  SIPInboundTrunkInfo,
  SIPInboundTrunkUpdate,
  SIPMediaConfig,
  SIPMediaEncryption,
  SIPOutboundTrunkInfo,
  SIPOutboundTrunkUpdate,
  SIPTransport,
  SIPTrunkInfo,
  UpdateSIPInboundTrunkRequest,
  UpdateSIPOutboundTrunkRequest,
} from '@livekit/protocol';
import { Problem, type ProviderAnswer } from '@trunkline/contracts';
import { z } from 'zod';
import type { FindForAll } from '../checks/livekit-project.ts';
import type {
  DispatchRuleContent,
  Found,
  FoundInboundTrunk,
  Mark,
  MediaEncryption,
  OutboundTrunkSettings,
  RuleField,
  Switchboard,
  SwitchboardKind,
} from '../phone-numbers/providers.ts';
import { Conflict } from '../provisioning/index.ts';
import { afterUndoing, requireAsAsked } from './as-asked.ts';
import { NOTHING_CHANGED, quote, quoteText, translateSilence, translateStatus, type VendorCall } from './failure.ts';
import type { MeasureCall } from './measure-call.ts';
import { createTwirp, TwirpRefusal } from './twirp.ts';

export interface LiveKitOptions {
  url: string;
  api_key: string;
  api_secret: string;
  timeout_ms: number;
  measureCall: MeasureCall;
}

/** The switchboard on LiveKit's SIP API. Facts about the server: livekit/livekit v1.13.5, pkg/service/sip.go. */
export const createLiveKit = ({
  url,
  api_key,
  api_secret,
  timeout_ms,
  measureCall,
}: LiveKitOptions): Switchboard & { findForAll: FindForAll } => {
  const twirp = createTwirp({ url, api_key, api_secret, timeout_ms });
  const ask = async (method: string, request: Message): Promise<JsonValue> =>
    Json.parse(await twirp(method, request.toJson()));

  const call = <T>(
    name: LiveKitCall,
    run: (problemOf: (error: unknown) => Error) => Promise<T>,
    ...secrets: (string | null)[]
  ): Promise<T> =>
    measureCall(name, () => {
      const stays = name === 'listInboundTrunks' ? NOTHING_CHANGED : undefined;
      const called = { vendor: 'LiveKit', act: acts[name], secrets: [api_secret, ...secrets], stays };
      const problemOf = (error: unknown) => translate(called, error);
      return run(problemOf).catch((error: unknown) => {
        throw problemOf(error);
      });
    });

  const readInboundTrunks = async (phone_numbers: readonly string[]): Promise<SIPInboundTrunkInfo[]> => {
    const request = new ListSIPInboundTrunkRequest({ numbers: [...phone_numbers] });
    return ListSIPInboundTrunkResponse.fromJson(await ask('ListSIPInboundTrunk', request), lenient).items;
  };
  /** LiveKit may list what it does not find as null. */
  const askForIds = async (method: string, request: Message): Promise<JsonValue> => {
    const { items, ...rest } = ListedById.parse(await ask(method, request));
    return Json.parse({ ...rest, items: (items ?? []).filter((item) => item !== null) });
  };
  const listById: Record<SwitchboardKind, (id: string) => Promise<Found[]>> = {
    inbound_trunk: async (id) => {
      const listed = await askForIds('ListSIPInboundTrunk', new ListSIPInboundTrunkRequest({ trunkIds: [id] }));
      return ListSIPInboundTrunkResponse.fromJson(listed, lenient).items.map(foundTrunk);
    },
    outbound_trunk: async (id) => {
      const listed = await askForIds('ListSIPOutboundTrunk', new ListSIPOutboundTrunkRequest({ trunkIds: [id] }));
      return ListSIPOutboundTrunkResponse.fromJson(listed, lenient).items.map(foundTrunk);
    },
    dispatch_rule: async (id) => {
      const listed = await askForIds('ListSIPDispatchRule', new ListSIPDispatchRuleRequest({ dispatchRuleIds: [id] }));
      return ListSIPDispatchRuleResponse.fromJson(listed, lenient).items.map(foundRule);
    },
  };
  const removeTrunk = async (trunk_id: string): Promise<void> => {
    const removed = await ask('DeleteSIPTrunk', new DeleteSIPTrunkRequest({ sipTrunkId: trunk_id }));
    SIPTrunkInfo.fromJson(removed, lenient);
  };
  const removeRule = async (dispatch_rule_id: string): Promise<void> => {
    const request = new DeleteSIPDispatchRuleRequest({ sipDispatchRuleId: dispatch_rule_id });
    SIPDispatchRuleInfo.fromJson(await ask('DeleteSIPDispatchRule', request), lenient);
  };

  /**
   * LiveKit's field updates cannot change a rule's agents, so this reads the rule and replaces it: as raw JSON, so that
   * fields survive that the SDK does not know. Changes that others make between the two calls are lost. Returns the
   * changed rule; undefined if LiveKit lists no such rule.
   */
  const changeRule = async (
    dispatch_rule_id: string,
    answer: DispatchRuleContent,
    differences: readonly RuleField[],
    former_agent_id?: string | null,
  ): Promise<SIPDispatchRuleInfo | undefined> => {
    const listed = await ask(
      'ListSIPDispatchRule',
      new ListSIPDispatchRuleRequest({ dispatchRuleIds: [dispatch_rule_id] }),
    );
    const found = RawRules.parse(listed).items.find((it) => it?.sip_dispatch_rule_id === dispatch_rule_id);
    if (!found) return undefined;
    // LiveKit Cloud reportedly dropped room configurations: any change also restores a missing agent.
    const lacksAgent = answer.agent_id !== null && !found.room_config?.agents?.length;
    const fields = lacksAgent ? ([...differences, 'agent_id', 'agent_metadata'] as const) : differences;
    const replace = withAnswer(found, answer, fields, former_agent_id);
    const replaced = { sip_dispatch_rule_id: dispatch_rule_id, replace };
    const is = SIPDispatchRuleInfo.fromJson(Json.parse(await twirp('UpdateSIPDispatchRule', replaced)), lenient);
    const compared = compareRule(answer, is, replace.room_config?.agents?.map(nameOf));
    const among = ([name]: [string, unknown]) => fields.some((field) => comparedAs[field] === name);
    const asked = Object.fromEntries(Object.entries(compared.asked).filter(among));
    await requireAsAsked({ vendor: 'LiveKit', act: acts.changeDispatchRule, ...compared, asked });
    return is;
  };

  return {
    createInboundTrunk: (line) =>
      call(
        'createInboundTrunk',
        async () => {
          const { name, phone_number, allowed_addresses, username, password, media_encryption, mark } = line;
          const trunk = new SIPInboundTrunkInfo({
            name,
            numbers: [phone_number],
            allowedAddresses: [...allowed_addresses],
            ...(username !== null && { authUsername: username }),
            ...(password !== null && { authPassword: password }),
            ...encryptionOf(media_encryption),
            metadata: writeMark(mark),
          });
          const answered = await ask('CreateSIPInboundTrunk', new CreateSIPInboundTrunkRequest({ trunk }));
          const made = SIPInboundTrunkInfo.fromJson(answered, lenient);
          const trunk_id = Id.parse(made.sipTrunkId);
          await requireAsAsked({
            ...{ vendor: 'LiveKit', act: acts.createInboundTrunk },
            asked: { numbers: [phone_number], allowed_addresses, username, media_encryption },
            is: {
              ...encryptionIn(made, media_encryption),
              numbers: made.numbers.map(normalise),
              allowed_addresses: made.allowedAddresses,
              username: made.authUsername,
            },
            undo: () => removeTrunk(trunk_id),
          });
          return trunk_id;
        },
        line.password,
      ),

    changeInboundTrunk: (trunk_id, { name, allowed_addresses, username, password, media_encryption }) =>
      call(
        'changeInboundTrunk',
        () =>
          unlessMissing(async () => {
            const value = new SIPInboundTrunkUpdate({
              name,
              allowedAddresses: new ListUpdate(
                allowed_addresses.length > 0 ? { set: [...allowed_addresses] } : { clear: true },
              ),
              authUsername: username ?? '',
              authPassword: password ?? '',
              ...encryptionOf(media_encryption),
            });
            const action = { case: 'update', value } as const;
            const request = new UpdateSIPInboundTrunkRequest({ sipTrunkId: trunk_id, action });
            const is = SIPInboundTrunkInfo.fromJson(await ask('UpdateSIPInboundTrunk', request), lenient);
            Id.parse(is.sipTrunkId);
            await requireAsAsked({
              ...{ vendor: 'LiveKit', act: acts.changeInboundTrunk },
              asked: { allowed_addresses, username, media_encryption },
              is: {
                allowed_addresses: is.allowedAddresses,
                username: is.authUsername,
                ...encryptionIn(is, media_encryption),
              },
            });
          }),
        password,
      ),

    findInboundTrunks: (phone_number) =>
      call('findInboundTrunks', async () => withNumber(phone_number, await readInboundTrunks([phone_number]))),

    listInboundTrunks: (phone_numbers) =>
      call('listInboundTrunks', async () => {
        const trunks = await readInboundTrunks(phone_numbers);
        return new Map(phone_numbers.map((phone_number) => [phone_number, withNumber(phone_number, trunks)]));
      }),

    createOutboundTrunk: (line) =>
      call(
        'createOutboundTrunk',
        async () => {
          const { name, phone_number, address, from_host, username, password, media_encryption, mark } = line;
          const trunk = new SIPOutboundTrunkInfo({
            name,
            address: inUri(address),
            fromHost: inUri(from_host ?? ''),
            numbers: [phone_number],
            transport: transportOf(line),
            ...(username !== null && { authUsername: username }),
            ...(password !== null && { authPassword: password }),
            ...encryptionOf(media_encryption),
            metadata: writeMark(mark),
          });
          const answered = await ask('CreateSIPOutboundTrunk', new CreateSIPOutboundTrunkRequest({ trunk }));
          const made = SIPOutboundTrunkInfo.fromJson(answered, lenient);
          const trunk_id = Id.parse(made.sipTrunkId);
          await requireAsAsked({
            ...{ vendor: 'LiveKit', act: acts.createOutboundTrunk },
            // Servers that do not know from_host drop it: calls would then leave with another From host.
            asked: { ...wayOf(trunk), numbers: [phone_number], username, media_encryption },
            is: {
              ...{ ...wayOf(made), numbers: made.numbers.map(normalise), username: made.authUsername },
              ...encryptionIn(made, media_encryption),
            },
            undo: () => removeTrunk(trunk_id),
          });
          return trunk_id;
        },
        line.password,
      ),

    changeOutboundTrunk: (trunk_id, line, differences = []) =>
      call(
        'changeOutboundTrunk',
        () =>
          unlessMissing(async () => {
            const { name, username, password, media_encryption } = line;
            const address = inUri(line.address);
            // Without a change, keeps the trunk's From host, which somebody may have set at LiveKit.
            const from = differences.includes('from_host') ? { fromHost: inUri(line.from_host ?? '') } : {};
            const value = new SIPOutboundTrunkUpdate({
              name,
              address,
              ...from,
              transport: transportOf(line),
              authUsername: username ?? '',
              authPassword: password ?? '',
              ...encryptionOf(media_encryption),
            });
            const action = { case: 'update', value } as const;
            const request = new UpdateSIPOutboundTrunkRequest({ sipTrunkId: trunk_id, action });
            const is = SIPOutboundTrunkInfo.fromJson(await ask('UpdateSIPOutboundTrunk', request), lenient);
            Id.parse(is.sipTrunkId);
            await requireAsAsked({
              ...{ vendor: 'LiveKit', act: acts.changeOutboundTrunk },
              asked: {
                ...wayOf({ address, fromHost: from.fromHost ?? is.fromHost, transport: transportOf(line) }),
                ...{ username, media_encryption },
              },
              is: { ...wayOf(is), username: is.authUsername, ...encryptionIn(is, media_encryption) },
            });
          }),
        line.password,
      ),

    findOutboundTrunks: (phone_number) =>
      call('findOutboundTrunks', async () => {
        const listed = await ask('ListSIPOutboundTrunk', new ListSIPOutboundTrunkRequest({ numbers: [phone_number] }));
        const { items: trunks } = ListSIPOutboundTrunkResponse.fromJson(listed, lenient);
        const exact = trunks.filter(({ numbers }) => numbers.includes(phone_number));
        return exact.map(foundTrunk);
      }),

    findById: (kind, resource_id) =>
      call('findById', async () => (await listById[kind](resource_id)).find((it) => it.resource_id === resource_id)),

    removeTrunk: (trunk_id) => call('removeTrunk', () => unlessGone(() => removeTrunk(trunk_id))),

    createDispatchRule: (answer) =>
      call(
        'createDispatchRule',
        async (problemOf) => {
          const { room_prefix, pin, inbound_trunk_id, name, mark } = answer;
          const individual = new SIPDispatchRuleIndividual({ roomPrefix: room_prefix, pin: pin ?? '' });
          // Always bound to a trunk: a rule without one admits calls that no trunk has checked (livekit/sip#460).
          const request = new CreateSIPDispatchRuleRequest({
            rule: new SIPDispatchRule({ rule: { case: 'dispatchRuleIndividual', value: individual } }),
            name,
            trunkIds: [inbound_trunk_id],
            metadata: writeMark(mark),
            ...roomConfigOf(answer),
          });
          const made = SIPDispatchRuleInfo.fromJson(await ask('CreateSIPDispatchRule', request), lenient);
          const rule_id = Id.parse(made.sipDispatchRuleId);
          const undo = () => removeRule(rule_id);
          // LiveKit Cloud has dropped the room configuration of a new rule (docs.churchwiseai.com): sets it again.
          const lacksAgent = answer.agent_id !== null && agentsOf(made.roomConfig).length === 0;
          const changed = lacksAgent
            ? await changeRule(rule_id, answer, ['agent_id', 'agent_metadata']).catch(async (error: unknown) => {
                throw await afterUndoing(undo, problemOf(error));
              })
            : undefined;
          const compared = compareRule(answer, changed ?? made);
          await requireAsAsked({ vendor: 'LiveKit', act: acts.createDispatchRule, ...compared, undo });
          return rule_id;
        },
        answer.pin,
      ),

    findDispatchRules: (inbound_trunk_id) =>
      call('findDispatchRules', async () => {
        const listed = await ask(
          'ListSIPDispatchRule',
          new ListSIPDispatchRuleRequest({ trunkIds: [inbound_trunk_id] }),
        );
        const { items: rules } = ListSIPDispatchRuleResponse.fromJson(listed, lenient);
        const bound = rules.filter(({ trunkIds }) => trunkIds.includes(inbound_trunk_id));
        return bound.map((rule) => ({
          ...foundRule(rule),
          content: { inbound_trunk_id, ...contentOf(rule) },
        }));
      }),

    changeDispatchRule: (dispatch_rule_id, answer, fields, former_agent_id) =>
      call(
        'changeDispatchRule',
        async () => (await changeRule(dispatch_rule_id, answer, fields, former_agent_id)) !== undefined,
        answer.pin,
      ),

    removeDispatchRule: (dispatch_rule_id) =>
      call('removeDispatchRule', () => unlessGone(() => removeRule(dispatch_rule_id))),

    // A filtered list also has what is for all: with a filter that matches nothing else, these lists stay short.
    findForAll: () =>
      call('findForAll', async () => {
        const [trunks, rules] = await Promise.all([
          ask('ListSIPInboundTrunk', new ListSIPInboundTrunkRequest({ numbers: [NOBODYS_NUMBER] })),
          ask('ListSIPDispatchRule', new ListSIPDispatchRuleRequest({ trunkIds: [NO_TRUNK] })),
        ]);
        return {
          trunks: ListSIPInboundTrunkResponse.fromJson(trunks, lenient)
            .items.filter(({ numbers }) => numbers.length === 0)
            .map(foundTrunk),
          rules: ListSIPDispatchRuleResponse.fromJson(rules, lenient)
            .items.filter(({ trunkIds }) => trunkIds.length === 0)
            .map(foundRule),
        };
      }),
  };
};

/** What each call does, in the words of its error messages. */
const acts = {
  createInboundTrunk: 'create an inbound trunk',
  changeInboundTrunk: 'update an inbound trunk',
  findInboundTrunks: 'list the inbound trunks of a phone number',
  listInboundTrunks: 'list the inbound trunks of phone numbers',
  createOutboundTrunk: 'create an outbound trunk',
  changeOutboundTrunk: 'update an outbound trunk',
  findOutboundTrunks: 'list the outbound trunks of a phone number',
  findById: 'read a trunk or dispatch rule',
  removeTrunk: 'delete a trunk',
  createDispatchRule: 'create a dispatch rule',
  changeDispatchRule: 'update a dispatch rule',
  findDispatchRules: 'list the dispatch rules of an inbound trunk',
  removeDispatchRule: 'delete a dispatch rule',
  findForAll: 'list the trunks and dispatch rules that take all calls',
} as const;

type LiveKitCall = keyof typeof acts;

/** LiveKit also lists trunks for all numbers, and compares numbers without spaces, dashes and brackets. */
const withNumber = (phone_number: string, trunks: SIPInboundTrunkInfo[]): FoundInboundTrunk[] =>
  trunks.flatMap(({ sipTrunkId, metadata, numbers }) => {
    const written = numbers.filter((number) => normalise(number) === phone_number);
    const has_other_numbers = written.length < numbers.length;
    return written.length === 0 ? [] : [{ ...found(sipTrunkId, metadata), written, has_other_numbers }];
  });

const Id = z.string().min(1);

/** No country has such a number, and no trunk such an id. */
const NOBODYS_NUMBER = '+0';
const NO_TRUNK = 'ST_none';

/** With the field names that LiveKit's server writes: those of the protocol, in snake_case. */
const RawAgent = z.looseObject({ agent_name: z.string().optional() });
const RawRule = z.looseObject({
  sip_dispatch_rule_id: z.string(),
  rule: z.looseObject({ dispatch_rule_individual: z.looseObject({}).nullish() }).nullish(),
  room_config: z.looseObject({ agents: z.array(RawAgent).nullish() }).nullish(),
});
const ListedById = z.looseObject({ items: z.array(z.unknown()).nullish() });
const RawRules = z.looseObject({ items: z.array(RawRule.nullable()).default([]) });

type RawRule = z.infer<typeof RawRule>;

const withAnswer = (
  rule: RawRule,
  answer: DispatchRuleContent,
  fields: readonly RuleField[],
  former_agent_id: string | null | undefined,
) => ({
  ...rule,
  ...((fields.includes('room_prefix') || fields.includes('pin')) && { rule: withRoom(rule.rule, answer, fields) }),
  ...((fields.includes('agent_id') || fields.includes('agent_metadata')) && {
    room_config: withAgent(rule.room_config, answer, fields, former_agent_id),
  }),
});

/** Turns a rule of another kind, which somebody changed at LiveKit, back into an individual one. */
const withRoom = (rule: RawRule['rule'], { room_prefix, pin }: DispatchRuleContent, fields: readonly RuleField[]) => {
  const { dispatch_rule_individual } = rule ?? {};
  if (!dispatch_rule_individual) return { dispatch_rule_individual: { room_prefix, pin: pin ?? '' } };
  const changed = {
    ...(fields.includes('room_prefix') && { room_prefix }),
    ...(fields.includes('pin') && { pin: pin ?? '' }),
  };
  return { dispatch_rule_individual: { ...dispatch_rule_individual, ...changed } };
};

/**
 * Puts this agent first, in the place of the former one. Keeps its present settings, if any, and the agents that people
 * added. Null if the configuration would be empty.
 */
const withAgent = (
  room_config: RawRule['room_config'],
  { agent_id, agent_metadata }: DispatchRuleContent,
  fields: readonly RuleField[],
  former_agent_id: string | null | undefined,
): RawRule['room_config'] => {
  const { agents: listed, ...others } = room_config ?? {};
  const agents = listed ?? [];
  const named = (name: string | null | undefined) => agents.find((agent) => nameOf(agent) === name);
  const known = named(agent_id);
  const former = former_agent_id === null ? undefined : (named(former_agent_id) ?? known ?? agents[0]);
  const added = agents.filter((agent) => agent !== known && agent !== former);
  if (agent_id === null) {
    if (added.length > 0) return { ...others, agents: added };
    return isSet(others) ? others : null;
  }
  const metadata = agent_metadata ?? '';
  const own = known && !fields.includes('agent_metadata') ? known : { ...known, agent_name: agent_id, metadata };
  return { ...others, agents: [own, ...added] };
};

const nameOf = ({ agent_name = '' }: z.infer<typeof RawAgent>): string => agent_name;

/** Whether anything is set: LiveKit's server also writes unset fields. */
const isSet = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.values(value).some(isSet) : Boolean(value) && value !== '0';

const Json = z.json();
type JsonValue = z.infer<typeof Json>;
interface Message {
  toJson(): unknown;
}

/** A newer server may send fields that the SDK does not know. */
const lenient = { ignoreUnknownFields: true };

/** Puts an IPv6 address in brackets: its last part would be read as a port. */
const inUri = (host: string): string => (isIPv6(host) ? `[${host}]` : host);

/** Hosts in lower case, since host names ignore case. */
const wayOf = ({ address, fromHost, transport }: Pick<SIPOutboundTrunkInfo, 'address' | 'fromHost' | 'transport'>) => ({
  transport: SIPTransport[transport],
  address: address.toLowerCase(),
  from_host: fromHost.toLowerCase(),
});

const encryptions = {
  disable: SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE,
  allow: SIPMediaEncryption.SIP_MEDIA_ENCRYPT_ALLOW,
  require: SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE,
} as const;

/** Sets both fields: servers before 1.12 know only the old one, and without it use no encryption. */
const encryptionOf = (media_encryption: MediaEncryption) => {
  const encryption = encryptions[media_encryption];
  return { media: new SIPMediaConfig({ encryption }), mediaEncryption: encryption };
};

/** A server without encryption ignores the field, and shows none: then `allow` is as good as carried out. */
const encryptionIn = (
  { media, mediaEncryption }: Pick<SIPInboundTrunkInfo, 'media' | 'mediaEncryption'>,
  wanted: MediaEncryption,
) => {
  const [is] = Object.entries(encryptions).find(([, it]) => it === (media?.encryption ?? mediaEncryption)) ?? [];
  return { media_encryption: is === 'disable' && wanted === 'allow' ? wanted : is };
};

const transports = {
  auto: SIPTransport.SIP_TRANSPORT_AUTO,
  udp: SIPTransport.SIP_TRANSPORT_UDP,
  tcp: SIPTransport.SIP_TRANSPORT_TCP,
  tls: SIPTransport.SIP_TRANSPORT_TLS,
} as const;

/** Replaces `auto` where the transport is clear: with `auto`, some servers drop the port (livekit/livekit#3907). */
const transportOf = ({ transport, address, media_encryption }: OutboundTrunkSettings): SIPTransport => {
  if (transport !== 'auto') return transports[transport];
  const [, port] = /^[^:]+:([0-9]+)$|\]:([0-9]+)$/.exec(address)?.filter(Boolean) ?? [];
  if (port === '5061' || media_encryption === 'require') return transports.tls;
  return port === undefined ? transports.auto : transports.udp;
};

const roomConfigOf = ({ agent_id, agent_metadata }: DispatchRuleContent) => {
  if (agent_id === null) return {};
  const agent = new RoomAgentDispatch({ agentName: agent_id, metadata: agent_metadata ?? '' });
  return { roomConfig: new RoomConfiguration({ agents: [agent] }) };
};

/** Compares which calls the rule answers, and with which room and agents. */
const compareRule = (
  { inbound_trunk_id, room_prefix, agent_id, agent_metadata }: DispatchRuleContent,
  { trunkIds, rule, roomConfig }: SIPDispatchRuleInfo,
  agents = agent_id === null ? [] : [agent_id],
) => ({
  asked: {
    trunk_ids: [inbound_trunk_id],
    room_prefix,
    agents,
    agent_metadata: agent_id === null ? null : agent_metadata,
  },
  is: {
    trunk_ids: trunkIds,
    room_prefix: roomPrefixOf(rule),
    agents: agentsOf(roomConfig),
    agent_metadata: agent_id === null ? null : (roomConfig?.agents[0]?.metadata ?? null),
  },
});

/** Without the PIN: it is not documented that every server returns it. */
const comparedAs: Readonly<Partial<Record<RuleField, string>>> = {
  room_prefix: 'room_prefix',
  agent_id: 'agents',
  agent_metadata: 'agent_metadata',
};

const roomPrefixOf = (rule: SIPDispatchRuleInfo['rule']): string | null =>
  rule?.rule.case === 'dispatchRuleIndividual' ? rule.rule.value.roomPrefix : null;

const agentsOf = (roomConfig: SIPDispatchRuleInfo['roomConfig']): string[] =>
  roomConfig?.agents.map(({ agentName }) => agentName) ?? [];

/** What is read of a rule. Leaves out the PIN, which LiveKit returns in full. */
const contentOf = ({ rule, roomConfig }: SIPDispatchRuleInfo) => ({
  room_prefix: roomPrefixOf(rule),
  agent_id: agentsOf(roomConfig)[0] ?? null,
});

/** Numbers as LiveKit compares them: livekit/protocol, NormalizeNumber. */
const normalise = (number: string): string => {
  if (!/^\+?[0-9 ()-]+$/.test(number)) return number;
  const bare = number.replace(/[ ()-]/g, '');
  return bare.startsWith('+') ? bare : `+${bare}`;
};

const Metadata = z.object({
  trunkline: z.object({ installation_id: z.string(), phone_number_id: z.templateLiteral(['phon_', z.string()]) }),
});

const writeMark = (mark: Mark): string => JSON.stringify({ trunkline: mark });

const readMark = (metadata: string): Mark | undefined => {
  try {
    return Metadata.parse(JSON.parse(metadata)).trunkline;
  } catch {
    return undefined;
  }
};

const found = (resource_id: string, metadata: string): Found => ({ resource_id, mark: readMark(metadata) });
const foundTrunk = ({ sipTrunkId, metadata }: SIPInboundTrunkInfo | SIPOutboundTrunkInfo) =>
  found(sipTrunkId, metadata);
const foundRule = ({ sipDispatchRuleId, metadata }: SIPDispatchRuleInfo) => found(sipDispatchRuleId, metadata);

/** Resolves with false if there is nothing to change. */
const unlessMissing = (change: () => Promise<void>): Promise<boolean> =>
  change().then(
    () => true,
    (error: unknown) => {
      if (error instanceof TwirpRefusal && error.code === 'not_found') return false;
      throw error;
    },
  );

const unlessGone = async (remove: () => Promise<void>): Promise<void> => {
  await remove().catch((error: unknown) => {
    if (!(error instanceof TwirpRefusal && error.code === 'not_found')) throw error;
  });
};

/** Turns what a call throws into a problem. */
const translate = (called: VendorCall, error: unknown): Error => {
  if (error instanceof Problem) return error;
  if (!(error instanceof TwirpRefusal)) return translateSilence(called, error);
  const { status, message } = error;
  if (status === 400 && /conflicting inbound sip trunks|already exists in dispatch rule/i.test(message)) {
    // For trunks, the message names both, unless one is new; for rules, it names one id, followed by the rule's name.
    const resource_ids = message.match(/\bSDR_\w+/)?.slice(0, 1) ?? message.match(/\bST_\w+/g) ?? [];
    const named = resource_ids.length > 0 ? ` (${resource_ids.join(', ')})` : '';
    const detail = `LiveKit has a trunk or dispatch rule${named} that clashes with this one. Nothing was created. Change or delete it at LiveKit, then try again.`;
    return new Conflict(detail, { resource_ids, cause: quote(called, error) });
  }
  return translateStatus(called, { ...error, provider: answerOf(called, error) }, error);
};

/** The part of LiveKit's answer that callers may read: nothing about the service's own credentials. */
const answerOf = (called: VendorCall, { status, code, message, request_id }: TwirpRefusal): ProviderAnswer => {
  const isOfOurs = status === 401 || status === 403;
  return {
    name: 'livekit',
    status,
    code: code === undefined ? null : quoteText(called, code),
    message: isOfOurs || !/^[^<]/.test(message) ? null : quoteText(called, message),
    request_id,
    more_info: null,
  };
};
