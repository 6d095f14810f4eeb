import type { FormerRouting, IntegrationId, PhoneNumberId } from '@trunkline/contracts';
import type { Secrets } from '../database/secrets.ts';
import { type Gate, type Guard, guarded, type Limiters } from '../provisioning/index.ts';
import { isReadElsewhere } from './conditions.ts';
import { openRouting, sealRouting } from './former-routing.ts';
import type { Carrier, OutboundTrunkSettings, OwnedNumber, RoutingTable, Switchboard } from './providers.ts';
import { opensInbound, type PartName, type PhoneNumberRecord, wantedOf } from './record.ts';
import { openSetting, type SecretField } from './secret-settings.ts';
import type { PhoneNumberClaim, PhoneNumberStore } from './store.ts';

/** What the parts work with: one record as it should be, and the providers on both sides of its line. */
export interface Job {
  record: PhoneNumberRecord;
  installation_id: string;
  settings: LineSettings;
  /** Whether this change checks who else answers the number before it makes anything. */
  isChecked: boolean;
  admitRemoval(): Promise<void>;
  switchboard: Switchboard;
  /** Only for a Twilio number. */
  carrier:
    | (Omit<CarrierAccount, 'trunk' | 'lookAtTrunk'> & { trunk(): Promise<CarrierTrunk>; lookAtTrunk(): Promise<void> })
    | undefined;
  /** Decrypts a secret of the record. */
  open(field: SecretField): Promise<string | null>;
  /** How Twilio routed the number before us, if that is known. */
  formerRouting(): Promise<FormerRouting | null>;
  /** Stores Twilio's current routing of the number, which a release restores. Written with the next write. */
  rememberRouting(routing: FormerRouting): Promise<void>;
  /** Whether this installation had a record with this id and released it. */
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
  /** The addresses from which calls to Twilio numbers are accepted; empty: from anywhere. */
  twilio_signalling_addresses: string[];
}

/** The account behind the Twilio numbers of one integration. */
export interface CarrierAccount {
  account_sid: string;
  /** The Region of the account's trunk and of `numbers`. */
  region: string;
  /** Absent if we have no credentials for it. */
  routes?: RoutingTable | undefined;
  /** Whether it was a trial account when last seen. */
  is_trial: boolean;
  /** Stores that it is no longer a trial. */
  noteUpgrade(): Promise<void>;
  /** Twilio's Secure Trunking and LiveKit's media encryption, which are always on or off together. */
  secure(): boolean;
  numbers: Carrier;
  /** Throws if the integration is being deleted. */
  requireThere(): Promise<void>;
  /** The integration's own trunk, if it exists yet, and where LiveKit reaches it. */
  trunkSid(): string | undefined;
  address(): string;
  /** The user name that outbound trunks dial with, if it is no longer the trunk's first one. */
  rotatedUsername(): string | undefined;
  /** The integration's own trunk, made if needed. `before` runs repeatedly meanwhile, `waited` when Twilio is busy. */
  trunk(waiting: Pick<Guard, 'signal' | 'before' | 'waited'>): Promise<CarrierTrunk>;
  /** Checks that it exists, and makes it again if not. */
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

/** Assembles what the parts of one record work with. */
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

/** Stores the conditions that Twilio reports, each time the number is read. */
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

/** The id that a part was made with, even if it was removed or failed since. */
export const knownOf = (job: Job, part: PartName): string | undefined =>
  job.record.provisioning.parts[part]?.resource_id ?? undefined;

/** The id of a part that another depends on. Throws if it is not done. */
export const need = (job: Job, part: PartName): string => {
  const made = job.record.provisioning.parts[part];
  if (made?.state === 'done' && made.resource_id !== null) return made.resource_id;
  throw new Error(`${job.record.phone_number_id} needs ${part}, which is not done`);
};

export const carrierOf = ({ carrier, record }: Job): NonNullable<Job['carrier']> => {
  if (carrier === undefined) throw new Error(`${record.phone_number_id} has no carrier`);
  return carrier;
};
