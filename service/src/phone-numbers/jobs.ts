import type { IntegrationId } from '@trunkline/contracts';
import { type Guard, guarded } from '../provider.ts';
import type { Secrets } from '../secrets.ts';
import type { LineSettings } from './line.ts';
import type { Carrier, Switchboard } from './providers.ts';
import type { PhoneNumberRecord } from './record.ts';
import type { CarrierTrunk, Job } from './steps.ts';
import type { Tombstones } from './tombstones.ts';

/** The account behind the Twilio numbers of one integration. */
export interface CarrierAccount {
  account_sid: string;
  numbers: Carrier;
  /** The integration's own trunk, if it is there already. */
  trunk_sid: string | undefined;
  /** The integration's own trunk, made if need be. `before` runs again and again while that takes. */
  trunk(before: () => Promise<void>): Promise<CarrierTrunk>;
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
  async (record: PhoneNumberRecord, guard: Guard): Promise<Job> => {
    const carrier = record.provider === 'twilio' ? await accountOf(record.integration_id) : undefined;
    return {
      record,
      installation_id,
      settings,
      switchboard: guarded(switchboard, guard),
      carrier: carrier && {
        ...carrier,
        numbers: guarded(carrier.numbers, guard),
        trunk: () => carrier.trunk(async () => guard.before?.()),
      },
      wasLetGo: tombstones.has,
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
