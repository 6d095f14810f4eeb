import type { FormerRouting, IntegrationId, PhoneNumberId, StepName } from '@trunkline/contracts';
import type { Secrets } from '../database/secrets.ts';
import { type Guard, guarded } from '../provisioning/provider.ts';
import { openRouting, sealRouting } from './former-routing.ts';
import type { Carrier, OutboundLine, Switchboard } from './providers.ts';
import type { PhoneNumberRecord } from './record.ts';
import type { Tombstones } from './tombstones.ts';

/** What the steps work on: one record, and both sides of its line. */
export interface Job {
  record: PhoneNumberRecord;
  installation_id: string;
  settings: LineSettings;
  switchboard: Switchboard;
  /** Of a Twilio number. */
  carrier: (Omit<CarrierAccount, 'trunk'> & { trunk(): Promise<CarrierTrunk> }) | undefined;
  /** Decrypts a secret of the record. */
  open(field: 'inbound_pin' | 'sip_password'): Promise<string | null>;
  /** How Twilio routed the number before us, if that is known. */
  formerRouting(): Promise<FormerRouting | null>;
  sealRouting(routing: FormerRouting): Promise<string>;
  /** Whether this installation had a record of this id, and let go of it. */
  wasLetGo(phone_number_id: PhoneNumberId): Promise<boolean>;
}

/** The integration's own trunk at the carrier, and how LiveKit dials out through it. */
interface CarrierTrunk extends Pick<OutboundLine, 'address' | 'username' | 'password'> {
  trunk_sid: string;
}

/** How this installation's lines are built. */
export interface LineSettings {
  /** Where carriers send calls. */
  sip_host: string;
  /** Twilio's Secure Trunking, and with it LiveKit's media encryption: always the two as a pair. */
  secure_trunking: boolean;
  /** From where calls to Twilio numbers are taken; empty: from anywhere. */
  twilio_signalling_addresses: string[];
}

/** The account behind the Twilio numbers of one integration. */
export interface CarrierAccount {
  account_sid: string;
  numbers: Carrier;
  /** The integration's own trunk, if it is there already. */
  trunk_sid: string | undefined;
  /** The integration's own trunk, made if need be. `before` runs again and again while that takes, `waited` where Twilio is busy. */
  trunk(waiting: Pick<Guard, 'signal' | 'before' | 'waited'>): Promise<CarrierTrunk>;
}

export interface JobDependencies {
  accountOf(integration_id: IntegrationId): Promise<CarrierAccount>;
  switchboard: Switchboard;
  secrets: Secrets;
  tombstones: Tombstones;
  installation_id: string;
  settings: LineSettings;
}

/** Puts together what the steps of one record work with. */
export const createJobs =
  ({ accountOf, switchboard, secrets, tombstones, installation_id, settings }: JobDependencies) =>
  async (record: PhoneNumberRecord, guard: Guard, account?: CarrierAccount): Promise<Job> => {
    const carrier = record.provider === 'twilio' ? (account ?? (await accountOf(record.integration_id))) : undefined;
    return {
      record,
      installation_id,
      settings,
      switchboard: guarded(switchboard, guard),
      carrier: carrier && {
        ...carrier,
        numbers: guarded(carrier.numbers, guard),
        trunk: () => carrier.trunk(guard),
      },
      wasLetGo: tombstones.has,
      formerRouting: async () => (record.provider === 'twilio' ? openRouting(secrets, record) : null),
      sealRouting: (routing) => sealRouting(secrets, record, routing),
      open: async (field) => {
        const sealed = sealedIn(record, field);
        return sealed === null ? null : secrets.open(sealed, `phone_numbers/${record.phone_number_id}/${field}`);
      },
    };
  };

const sealedIn = (record: PhoneNumberRecord, field: 'inbound_pin' | 'sip_password'): string | null => {
  if (field === 'inbound_pin') return record.inbound_pin;
  return record.provider === 'sip' ? record.sip_password : null;
};

/** What a step has made of this record, if it is done. */
export const madeBy = (job: Job, step: StepName): string | undefined => {
  const made = job.record.provisioning.steps[step];
  return made?.state === 'done' && made.resource_id !== null ? made.resource_id : undefined;
};

/** What a step read or made once, whatever became of the step since: the number's id at the carrier, the trunk's. */
export const knownOf = (job: Job, step: StepName): string | undefined =>
  job.record.provisioning.steps[step]?.resource_id ?? undefined;

/** What a step has made that another stands on. */
export const need = (job: Job, step: StepName): string => {
  const made = madeBy(job, step);
  if (made === undefined) throw new Error(`${job.record.phone_number_id} needs ${step}, which is not done`);
  return made;
};
