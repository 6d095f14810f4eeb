import type { OrganizationId, ParsedListPhoneNumbers, PhoneNumberId } from '@trunkline/contracts';
import { type CollectionDefinition, openCollection } from '../database/collection.ts';
import { type Connection, repeatedField } from '../database/connect.ts';
import { readPage } from '../database/page.ts';
import { type Claim, createLeases, dueAt, dueIndex, type LeaseSettings } from '../provisioning/lease.ts';
import { PhoneNumberRecord } from './record.ts';

type Releasing = PhoneNumberRecord['provisioning']['releasing'];

export type PhoneNumberClaim = Claim<PhoneNumberRecord>;

export const phoneNumbersCollection = {
  name: 'phone_numbers',
  id: 'phone_number_id',
  shape: PhoneNumberRecord,
  indexes: [
    { key: { phone_number_id: 1 }, unique: true },
    { key: { phone_number: 1 }, unique: true },
    // Lists name every provider and status, so that one index serves each filter in the order of `_id`.
    { key: { organization_id: 1, provider: 1, status: 1, _id: -1 } },
    {
      key: { organization_id: 1, integration_id: 1, status: 1, _id: -1 },
      partialFilterExpression: { integration_id: { $exists: true } },
    },
    dueIndex,
    { key: { provisioning_state: 1 } },
  ],
} as const satisfies CollectionDefinition;

export type PhoneNumberStore = ReturnType<typeof createPhoneNumberStore>;

/** Holds phone numbers. */
export const createPhoneNumberStore = (connection: Connection, leaseSettings: LeaseSettings) => {
  const records = openCollection(connection, phoneNumbersCollection);
  const leases = createLeases<PhoneNumberRecord>(records, 'phone_number_id', leaseSettings);

  return {
    get: (organization_id: OrganizationId, phone_number_id: PhoneNumberId) =>
      records.findOne({ organization_id, phone_number_id }),

    getById: (phone_number_id: PhoneNumberId) => records.findOne({ phone_number_id }),

    /** Whoever holds the number, as the unique index sees it. */
    getByNumber: (phone_number: string) => records.findOne({ phone_number }, { local: true }),

    list: (
      organization_id: OrganizationId,
      { status, provider, integration_id, phone_number, ...page }: ParsedListPhoneNumbers,
    ) =>
      readPage(
        records,
        {
          organization_id,
          ...(integration_id === undefined && { provider: { $in: provider ? [provider] : ['sip', 'twilio'] } }),
          ...(integration_id !== undefined && { integration_id, ...(provider && { provider }) }),
          status: { $in: status ? [status] : ['assigned', 'free'] },
          ...(phone_number !== undefined && { phone_number }),
        },
        page,
      ),

    count: (organization_id: OrganizationId, limit: number) => records.count({ organization_id }, { limit }),

    /** Writes the record before the first act, held by us. Undefined where the number is taken: the index decides. */
    insert: async (record: PhoneNumberRecord): Promise<PhoneNumberClaim | undefined> => {
      const held = leases.newlyHeld();
      const written = { ...record, provisioning: { ...record.provisioning, ...held } };
      try {
        await records.insert(written);
      } catch (error) {
        if (repeatedField(error) === 'phone_number') return undefined;
        throw error;
      }
      return leases.hold(written, held);
    },

    claimDue: () => leases.claimDue(),

    /** Takes a number that is as it was read, and that nobody works on. */
    claimUnchanged: (
      { organization_id, phone_number_id, assigned_agent_id }: PhoneNumberRecord,
      set: Record<string, unknown>,
    ) => leases.claimFree({ organization_id, phone_number_id, assigned_agent_id, provisioning_state: 'active' }, set),

    /** Has a number that is being let go of, or undone, let go of by force. */
    forceRelease: async (phone_number_id: PhoneNumberId, releasing: NonNullable<Releasing>): Promise<void> => {
      const filter = { phone_number_id, provisioning_state: 'releasing' };
      await records.updateOne(filter, { $set: { 'provisioning.releasing': releasing } });
      await leases.lookAgain({ phone_number_id });
    },

    /** Has the reconciler let go of a number that nobody works on. False where there is no such number. */
    releaseLater: async (phone_number: string, releasing: NonNullable<Releasing>): Promise<boolean> => {
      const filter = {
        phone_number,
        provisioning_state: { $in: ['active', 'releasing'] },
        'provisioning.lease_token': null,
      };
      const due_at = new Date(leaseSettings.clock.now());
      const { matchedCount } = await records.updateOne(filter, {
        $set: { provisioning_state: 'releasing', 'provisioning.releasing': releasing, 'provisioning.due_at': due_at },
      });
      return matchedCount > 0;
    },

    lookAgain: (phone_number_id: PhoneNumberId) => leases.lookAgain({ phone_number_id }),

    /** How many are in each state. Those that are settled are counted by subtraction, for there are many of them. */
    countByState: async (): Promise<Record<PhoneNumberRecord['provisioning_state'], number>> => {
      const count = (provisioning_state: PhoneNumberRecord['provisioning_state']) =>
        records.count({ provisioning_state });
      const [all, importing, degraded, releasing] = await Promise.all([
        records.estimatedCount(),
        count('importing'),
        count('degraded'),
        count('releasing'),
      ]);
      return { importing, degraded, releasing, active: Math.max(0, all - importing - degraded - releasing) };
    },

    /** Since when the record that waits longest has been due. */
    longestDue: () => records.earliest('provisioning.due_at', dueAt(leaseSettings.clock.now())),
  };
};
