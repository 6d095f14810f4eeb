import type { FormerRouting, IntegrationId, PhoneNumberId } from '@trunkline/contracts';
import type { Secrets } from '../database/secrets.ts';
import { type Gate, type Guard, guarded, type Limiters } from '../provisioning/index.ts';
import { isReadElsewhere } from './conditions.ts';
import { openRouting, sealRouting } from './former-routing.ts';
import type { Carrier, OutboundTrunkSettings, OwnedNumber, RoutingTable, Switchboard } from './providers.ts';
import { opensInbound, type PartName, type PhoneNumberRecord, wantedOf } from './record.ts';
import { openSetting, type SecretField } from './secret-settings.ts';
import type { PhoneNumberClaim, PhoneNumberStore } from './store.ts';

/** What the parts are made of: one record as it should be, and both sides of its line. */
export interface Job {
  record: PhoneNumberRecord;
  installation_id: string;
  settings: LineSettings;
  /** This change asks, before it makes anything, who else answers the number. */
  isChecked: boolean;
  admitRemoval(): Promise<void>;
  switchboard: Switchboard;
  /** Of a Twilio number. */
  carrier:
    | (Omit<CarrierAccount, 'trunk' | 'lookAtTrunk'> & { trunk(): Promise<CarrierTrunk>; lookAtTrunk(): Promise<void> })
    | undefined;
  /** Decrypts a secret of the record. */
  open(field: SecretField): Promise<string | null>;
  /** How Twilio routed the number before us, if that is known. */
  formerRouting(): Promise<FormerRouting | null>;
  /** Keeps how Twilio routes the number now, to be given back one day. Written with what is written next. */
  rememberRouting(routing: FormerRouting): Promise<void>;
  /** Whether this installation had a record of this id, and let go of it. */
  wasLetGo(phone_number_id: PhoneNumberId): Promise<boolean>;
}

/** The integration's own trunk at the carrier, and how LiveKit dials out through it. */
interface CarrierTrunk extends Pick<OutboundTrunkSettings, 'address' | 'username' | 'password'> {
  trunk_sid: string;
}

/** How this installation's lines are built. */
export interface LineSettings {
  /** Where carriers send calls. */
  sip_host: string;
  /** From where calls to Twilio numbers are taken; empty: from anywhere. */
  twilio_signalling_addresses: string[];
}

/** The account behind the Twilio numbers of one integration. */
export interface CarrierAccount {
  account_sid: string;
  /** Of the account's trunk, and of `numbers`. */
  region: string;
  /** Absent where nobody gave us credentials for it. */
  routes?: RoutingTable | undefined;
  /** Whether it was a trial when that was seen last. */
  is_trial: boolean;
  /** Keeps that it is one no longer. */
  noteUpgrade(): Promise<void>;
  /** Twilio's Secure Trunking, and with it LiveKit's media encryption: always the two as a pair. */
  secure(): boolean;
  numbers: Carrier;
  /** Throws where the integration is being deleted. */
  requireThere(): Promise<void>;
  /** The integration's own trunk, if it is there already, and where LiveKit reaches it. */
  trunkSid(): string | undefined;
  address(): string;
  /** The user name that outbound trunks dial by, where it is another than the trunk began with. */
  rotatedUsername(): string | undefined;
  /** The integration's own trunk, made if need be. `before` runs again and again while that takes, `waited` where Twilio is busy. */
  trunk(waiting: Pick<Guard, 'signal' | 'before' | 'waited'>): Promise<CarrierTrunk>;
  /** Looks whether it is there, and makes it again if not. */
  lookAtTrunk(waiting: Pick<Guard, 'signal' | 'before' | 'waited'>): Promise<void>;
}

export interface JobDependencies {
  /** Undefined: the integration is gone. */
  accountOf(integration_id: IntegrationId): Promise<CarrierAccount | undefined>;
  switchboard: Switchboard;
  secrets: Secrets;
  store: Pick<PhoneNumberStore, 'wasLetGo'>;
  gate: Pick<Gate, 'admitRemoval'>;
  limiterOf: Limiters;
  installation_id: string;
  settings: LineSettings;
}

/** Puts together what the parts of one record are made with. */
export const createJobs =
  ({ accountOf, switchboard, secrets, store, gate, limiterOf, installation_id, settings }: JobDependencies) =>
  async (
    claim: Pick<PhoneNumberClaim, 'record' | 'writeWithNext'>,
    guard: Guard,
    account?: CarrierAccount,
  ): Promise<Job> => {
    const { record } = claim;
    const wanted = wantedOf(record) ?? record;
    const carrier = record.provider === 'twilio' ? (account ?? (await accountOf(record.integration_id))) : undefined;
    const ofCarrier = { ...guard, limiter: carrier && limiterOf(carrier.account_sid) };
    return {
      record: wanted,
      installation_id,
      settings,
      isChecked: opensInbound(record),
      admitRemoval: () => gate.admitRemoval(record.queue),
      switchboard: guarded(switchboard, guard),
      carrier: carrier && {
        ...carrier,
        numbers: notingConditions(guarded(carrier.numbers, ofCarrier), claim),
        routes: carrier.routes && guarded(carrier.routes, ofCarrier),
        trunk: () => carrier.trunk(guard),
        lookAtTrunk: () => carrier.lookAtTrunk(guard),
      },
      wasLetGo: store.wasLetGo,
      formerRouting: async () => (record.provider === 'twilio' ? openRouting(secrets, record) : null),
      rememberRouting: async (routing) => {
        if (record.provider !== 'twilio') throw new Error(`${record.phone_number_id} is no Twilio number`);
        record.former_routing = await sealRouting(secrets, record, routing);
        claim.writeWithNext({ former_routing: record.former_routing });
      },
      open: (field) => openSetting(secrets, record.phone_number_id, field, sealedIn(wanted, field)),
    };
  };

/** Keeps what Twilio says of the number, each time that it is read. */
const notingConditions = (numbers: Carrier, claim: Pick<PhoneNumberClaim, 'record' | 'writeWithNext'>): Carrier => {
  const note = (number: OwnedNumber | undefined) => {
    const { provisioning } = claim.record;
    if (number === undefined) return number;
    const others = provisioning.known.conditions?.filter(isReadElsewhere) ?? [];
    provisioning.known = { ...provisioning.known, conditions: [...number.conditions, ...others] };
    claim.writeWithNext({ 'provisioning.known': provisioning.known });
    return number;
  };
  return {
    ...numbers,
    findNumber: async (phone_number) => note(await numbers.findNumber(phone_number)),
    readNumber: async (number_sid) => note(await numbers.readNumber(number_sid)),
  };
};

const sealedIn = (record: PhoneNumberRecord, field: SecretField): string | null => {
  if (field === 'inbound_pin') return record.inbound_pin;
  return record.provider === 'sip' ? record.sip_password : null;
};

/** What was made of a part, whatever became of it since. */
export const knownOf = (job: Job, part: PartName): string | undefined =>
  job.record.provisioning.parts[part]?.resource_id ?? undefined;

/** What was made of a part that another stands on. */
export const need = (job: Job, part: PartName): string => {
  const made = job.record.provisioning.parts[part];
  if (made?.state === 'done' && made.resource_id !== null) return made.resource_id;
  throw new Error(`${job.record.phone_number_id} needs ${part}, which is not done`);
};

export const carrierOf = ({ carrier, record }: Job): NonNullable<Job['carrier']> => {
  if (carrier === undefined) throw new Error(`${record.phone_number_id} has no carrier`);
  return carrier;
};
