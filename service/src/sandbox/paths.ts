import type { Shelf } from './shelf.ts';
import { kindIn, type Thing } from './twilio-things.ts';
import { regions } from './twilio-wire.ts';

/** One thing on a call's path. `made`: by Trunkline; `other`: by somebody else. */
interface Box {
  label: string;
  state: 'made' | 'other' | 'none';
  id: string | null;
  note: string | null;
}

/** A number, and what its calls pass through on their way to an agent. */
interface Path {
  phone_number: string;
  phone_number_id: string | null;
  provider: 'Twilio' | 'SIP';
  /** `unfinished`: some parts exist, and others are missing. */
  state: 'connected' | 'unfinished' | 'nothing built';
  boxes: Box[];
  outbound: Box;
}

export interface Paths {
  paths: Path[];
  /** What LiveKit has outside of every number's path. */
  left_over: Box[];
  /** An account keeps its carrier trunk, even without numbers. */
  carrier_trunks: number;
}

interface LiveKitThing {
  metadata?: string;
}

interface Trunk extends LiveKitThing {
  sipTrunkId: string;
  numbers?: string[];
  address?: string;
  authUsername?: string;
  allowedAddresses?: string[];
}

interface Rule extends LiveKitThing {
  sipDispatchRuleId: string;
  trunkIds?: string[];
  rule?: { dispatchRuleIndividual?: { roomPrefix?: string; pin?: string } };
  roomConfig?: { agents?: { agentName?: string }[] };
}

/** Reads what both stand-ins hold, in the order in which a call passes through it. */
export const readPaths = async (shelf: Shelf): Promise<Paths> => {
  const [inbound, outbound, rules] = await Promise.all([
    shelf.list<Trunk>('livekit.inbound_trunk'),
    shelf.list<Trunk>('livekit.outbound_trunk'),
    shelf.list<Rule>('livekit.dispatch_rule'),
  ]);
  const carrierTrunks = (await inAllRegions(shelf, 'trunk')).filter(({ friendly_name }) =>
    String(friendly_name).startsWith('trunkline '),
  );
  const numbers = onePerSid(await inAllRegions(shelf, 'number'), ({ trunk_sid }) =>
    carrierTrunks.some(({ sid }) => sid === trunk_sid),
  );
  const onPath = new Set<object>();

  const pathOf = (phone_number: string, number?: Thing): Path => {
    const has = (trunk: Trunk) => !onPath.has(trunk) && trunk.numbers?.includes(phone_number);
    const trunk = oursFirst(inbound.filter(has));
    const out = oursFirst(outbound.filter(has));
    const rule = trunk && oursFirst(rules.filter(({ trunkIds }) => trunkIds?.includes(trunk.sipTrunkId)));
    for (const thing of [trunk, out, rule]) if (thing) onPath.add(thing);

    const before = number
      ? [numberBox(number), carrierBox(number, carrierTrunks)]
      : [box('SIP', trunk ?? out, out?.address ?? trunk?.allowedAddresses?.join(', '), 'your own SIP trunk')];
    const answering = [
      box('Inbound trunk', trunk, trunk?.sipTrunkId, trunk?.authUsername && 'asks for a password'),
      box('Dispatch rule', rule, rule?.sipDispatchRuleId, rule && roomOf(rule)),
    ];
    const outboundBox = box('Outbound trunk', out, out?.sipTrunkId, out?.address && `to ${out.address}`);
    return {
      phone_number,
      phone_number_id: numberIdIn([trunk, rule, out]),
      provider: number ? 'Twilio' : 'SIP',
      state: stateOf([...before.slice(1), ...answering], outboundBox),
      boxes: [...before, ...answering, agentBox(rule)],
      outbound: outboundBox,
    };
  };

  const ofTwilio = numbers.map((number) => pathOf(String(number.phone_number), number));
  const others = [...inbound, ...outbound]
    .filter((trunk) => !onPath.has(trunk))
    .flatMap((trunk) => trunk.numbers ?? []);
  const known = new Set(ofTwilio.map(({ phone_number }) => phone_number));
  const ofSip = [...new Set(others)].filter((number) => !known.has(number)).map((number) => pathOf(number));
  return {
    // Numbers with built parts come first.
    paths: [...ofTwilio, ...ofSip].toSorted((a, b) => Number(isUntouched(a)) - Number(isUntouched(b))),
    carrier_trunks: carrierTrunks.length,
    left_over: [
      ...inbound.filter(isNotIn(onPath)).map((trunk) => box('Inbound trunk', trunk, trunk.sipTrunkId)),
      ...rules.filter(isNotIn(onPath)).map((rule) => box('Dispatch rule', rule, rule.sipDispatchRuleId)),
      ...outbound.filter(isNotIn(onPath)).map((trunk) => box('Outbound trunk', trunk, trunk.sipTrunkId)),
    ],
  };
};

const inAllRegions = async (shelf: Shelf, kind: string): Promise<Thing[]> =>
  (await Promise.all(regions.map((region) => shelf.list<Thing>(kindIn(region, kind))))).flat();

/** A number exists in each Region that its account uses: prefers the Region in which it is connected. */
const onePerSid = (numbers: Thing[], isConnected: (number: Thing) => boolean): Thing[] => {
  const bySid = new Map<string, Thing>();
  for (const number of numbers) {
    if (!bySid.has(number.sid) || isConnected(number)) bySid.set(number.sid, number);
  }
  return [...bySid.values()];
};

const isOurs = ({ metadata = '' }: LiveKitThing): boolean => metadata.startsWith('{"trunkline":');
const oursFirst = <T extends LiveKitThing>(things: T[]): T | undefined => things.find(isOurs) ?? things[0];
const isNotIn = (things: Set<object>) => (thing: object) => !things.has(thing);
const isUntouched = ({ state }: Path): boolean => state === 'nothing built';

const numberIdIn = (things: (LiveKitThing | undefined)[]): string | null =>
  things.map((thing) => /"phone_number_id":"(\w+)"/.exec(thing?.metadata ?? '')?.[1]).find(Boolean) ?? null;

const box = (label: string, thing: LiveKitThing | undefined, id?: string, note?: string): Box => {
  if (thing === undefined) return none(label);
  const ours = isOurs(thing);
  return {
    label,
    state: ours ? 'made' : 'other',
    id: id ?? null,
    note: ours ? note || null : 'not made by Trunkline',
  };
};

const none = (label: string, note: string | null = null): Box => ({ label, state: 'none', id: null, note });

const numberBox = ({ sid, capabilities, voice_url, voice_application_sid }: Thing): Box => {
  const { voice } = capabilities as { voice: boolean };
  const routing = [voice_url, voice_application_sid].find(Boolean);
  const routed = routing ? `routed to ${routing}` : null;
  return { label: 'Number at Twilio', state: 'made', id: sid, note: voice ? routed : 'takes no voice calls' };
};

const carrierBox = ({ trunk_sid }: Thing, ours: Thing[]): Box => {
  const label = 'Carrier trunk';
  if (!trunk_sid) return none(label);
  const trunk = ours.find(({ sid }) => sid === trunk_sid);
  if (trunk === undefined) return { label, state: 'other', id: String(trunk_sid), note: 'not made by Trunkline' };
  return { label, state: 'made', id: trunk.sid, note: String(trunk.domain_name) };
};

const roomOf = ({ rule }: Rule): string => {
  const { roomPrefix, pin } = rule?.dispatchRuleIndividual ?? {};
  return `opens a room ${roomPrefix}_…${pin ? ', after a PIN' : ''}`;
};

const agentBox = (rule: Rule | undefined): Box => {
  const name = rule?.roomConfig?.agents?.[0]?.agentName;
  if (name) return { label: 'Agent', state: 'made', id: name, note: null };
  return none('Agent', rule ? 'not assigned yet' : null);
};

/** Inbound calls need all of these. A number may also be for outbound calls alone. */
const stateOf = (inbound: Box[], outbound: Box): Path['state'] => {
  const isMade = ({ state }: Box) => state === 'made';
  if (inbound.every(isMade)) return 'connected';
  // With SIP, nothing is made at the carrier: that box only shows whether there is a trunk.
  const made = inbound.filter((one) => one.label !== 'SIP' && isMade(one));
  if (made.length > 0) return 'unfinished';
  return isMade(outbound) ? 'connected' : 'nothing built';
};
