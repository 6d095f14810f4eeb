import type { FormerRouting, PhoneNumberId } from '@trunkline/contracts';
import type { Seen } from '../provisioning/index.ts';
import type { Condition } from './conditions.ts';

/** Tells which number something at a provider belongs to. Stored in LiveKit's metadata, as JSON. */
export interface Mark {
  installation_id: string;
  phone_number_id: PhoneNumberId;
}

/** A number that the carrier's account owns. */
export interface OwnedNumber {
  /** Twilio's id: `PN…`. */
  number_sid: string;
  has_voice: boolean;
  conditions: readonly Condition[];
  routing: FormerRouting;
}

/**
 * The carrier's side: the numbers of one integration's Twilio account.
 * Every call may throw a `ProviderProblem`.
 */
export interface Carrier {
  /** The number with exactly these digits, if the account owns it. */
  findNumber(phone_number: string): Promise<OwnedNumber | undefined>;
  /** The id of a verified caller ID: a number of another carrier that the account may call from. */
  findCallerId(phone_number: string): Promise<string | undefined>;
  /** Undefined: the account no longer owns it. */
  readNumber(number_sid: string): Promise<OwnedNumber | undefined>;
  /** Sends the number's calls to the trunk. Twilio then forgets the number's voice application: store it first. */
  routeToTrunk(number_sid: string, trunk_sid: string): Promise<void>;
  /**
   * Takes the number off its trunk and gives it this routing, in one update. False: the account lacks the number, or
   * something that the routing names; Twilio does not say which.
   */
  giveBack(number_sid: string, former_routing: FormerRouting): Promise<boolean>;
  /** Takes the number off its trunk and leaves the rest of its routing unchanged. */
  detach(number_sid: string): Promise<void>;
  /** Whether the account still has the trunk. */
  isTrunkThere(trunk_sid: string): Promise<boolean>;
  /** Whether the account is a trial. Undefined: these credentials lack the permission to see that. */
  isTrial(): Promise<boolean | undefined>;
}

/** The table that all of the carrier's Regions share: it says which Region's configuration of a number is in force. */
export interface RoutingTable {
  /** Undefined: none was set. */
  readRegion(phone_number: string): Promise<{ resource_id: string; voice_region: string } | undefined>;
  /** Returns the id of the setting. Calls may take minutes to follow it. */
  setRegion(phone_number: string, voice_region: string): Promise<string>;
}

export type MediaEncryption = 'disable' | 'allow' | 'require';

interface TrunkSettings {
  /** For people who read LiveKit's dashboard. */
  name: string;
  phone_number: string;
  username: string | null;
  password: string | null;
  media_encryption: MediaEncryption;
  mark: Mark;
}

export interface InboundTrunkSettings extends TrunkSettings {
  /** IP addresses and ranges that may send calls; empty: everyone. */
  allowed_addresses: string[];
}

export interface OutboundTrunkSettings extends TrunkSettings {
  /** A host name or IP address, with or without a port. */
  address: string;
  /** The host in the From header of calls; null: LiveKit's own. */
  from_host: string | null;
  transport: 'auto' | 'udp' | 'tcp' | 'tls';
}

/** How calls to the inbound trunk are answered. */
export interface DispatchRuleContent {
  name: string;
  inbound_trunk_id: string;
  /** Each caller gets a room `<room_prefix>_<caller>_<random>`. */
  room_prefix: string;
  pin: string | null;
  /** The agent that LiveKit sends into the room; null: none. */
  agent_id: string | null;
  /** JSON that the agent is dispatched with; null: none. */
  agent_metadata: string | null;
  mark: Mark;
}

/** The fields of a rule that can be changed in place. */
export type RuleField = 'room_prefix' | 'pin' | 'agent_id' | 'agent_metadata';

/** A trunk or rule at LiveKit. `mark` is absent if it is not Trunkline's. */
export interface Found extends Seen {
  mark: Mark | undefined;
}

export type SwitchboardKind = 'inbound_trunk' | 'outbound_trunk' | 'dispatch_rule';

/** An inbound trunk that has the number that was looked for. */
export interface FoundInboundTrunk extends Found {
  /** That number as the trunk spells it, perhaps with spaces or without a plus, or more than once. */
  written: string[];
  has_other_numbers: boolean;
}

/**
 * The switchboard's side: LiveKit. Removing something that does not exist succeeds. Creating throws `Conflict` if
 * something at LiveKit clashes. Every call may throw a `ProviderProblem`.
 */
export interface Switchboard {
  createInboundTrunk(line: InboundTrunkSettings): Promise<string>;
  /**
   * The trunks that have this number, in any spelling and for any callers. Trunks for all numbers are no obstacle,
   * since the more exact one wins.
   */
  findInboundTrunks(phone_number: string): Promise<FoundInboundTrunk[]>;
  /** The same for each of these numbers, in one call. */
  listInboundTrunks(phone_numbers: readonly string[]): Promise<Map<string, FoundInboundTrunk[]>>;
  /** Changes these settings in place, and leaves all others. False: there is no such trunk. */
  changeInboundTrunk(trunk_id: string, line: InboundTrunkSettings): Promise<boolean>;
  createOutboundTrunk(line: OutboundTrunkSettings): Promise<string>;
  /** Changes the From host only if it is among the differences. */
  changeOutboundTrunk(trunk_id: string, line: OutboundTrunkSettings, differences?: readonly string[]): Promise<boolean>;
  findOutboundTrunks(phone_number: string): Promise<Found[]>;
  /** Finds it whatever number it is for now. Undefined: it does not exist. */
  findById(kind: SwitchboardKind, resource_id: string): Promise<Found | undefined>;
  removeTrunk(trunk_id: string): Promise<void>;
  createDispatchRule(answer: DispatchRuleContent): Promise<string>;
  /** The rules bound to this inbound trunk. */
  findDispatchRules(inbound_trunk_id: string): Promise<Found[]>;
  /**
   * Changes these fields of the rule, and leaves the rest, including what people set themselves. It does so in place,
   * so no call goes unanswered meanwhile. False: there is no such rule. `former_agent_id`: the agent that the rule was
   * given last; if unknown, its first agent is taken for that. Agents that people added stay.
   */
  changeDispatchRule(
    dispatch_rule_id: string,
    answer: DispatchRuleContent,
    fields: readonly RuleField[],
    former_agent_id?: string | null,
  ): Promise<boolean>;
  removeDispatchRule(dispatch_rule_id: string): Promise<void>;
}
