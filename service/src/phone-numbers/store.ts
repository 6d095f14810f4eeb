import type { IntegrationId, OrganizationId, ParsedListPhoneNumbers, PhoneNumberId } from '@trunkline/contracts';
import { type CollectionDefinition, openCollection } from '../database/collection.ts';
import { type Connection, repeatedField } from '../database/connect.ts';
import { type Claim, createLeases, dueIndexes, type LeaseSettings } from '../provisioning/index.ts';
import { listIndexes, listPhoneNumbers, numbersOfIntegration } from './list.ts';
import { type Change, PhoneNumberRecord } from './record.ts';

export type PhoneNumberClaim = Claim<PhoneNumberRecord>;

export const phoneNumbersCollection = {
  name: 'phone_numbers',
  id: 'phone_number_id',
  shape: PhoneNumberRecord,
  indexes: [
    { key: { phone_number_id: 1 }, unique: true },
    // This index decides who holds a number. The row of a released number holds none.
    { key: { holds: 1 }, unique: true, partialFilterExpression: { holds: { $exists: true } } },
    ...listIndexes,
    ...dueIndexes,
    { key: { queue: 1, holds: 1 }, partialFilterExpression: { holds: { $exists: true } } },
    { key: { provisioning_state: 1 } },
    { key: { expires_at: 1 }, expireAfterSeconds: 0 },
  ],
} as const satisfies CollectionDefinition;

const held = { holds: { $exists: true } } as const;

interface NamedIntegration {
  organization_id: OrganizationId;
  integration_id: IntegrationId;
}

/** Not yet released, even if not whole. */
const inUse = ['importing', 'active', 'degraded', 'releasing'] as const;

const ofIntegration = ({ organization_id, integration_id }: NamedIntegration) => ({
  organization_id,
  integration_id,
  holds: { $gt: '' },
});

const sentOtherwise = (integration: NamedIntegration, username: string) => ({
  ...ofIntegration(integration),
  'provisioning.parts.outbound_trunk.sent.username': { $ne: username },
});

const hasOutbound = {
  'provisioning.parts.outbound_trunk.resource_id': { $gt: '' },
  'provisioning.parts.outbound_trunk.state': { $ne: 'undone' },
} as const;

const dialingOtherwise = (integration: NamedIntegration, username: string) => ({
  ...sentOtherwise(integration, username),
  ...hasOutbound,
});

export type PhoneNumberStore = ReturnType<typeof createPhoneNumberStore>;

export const createPhoneNumberStore = (connection: Connection, leaseSettings: LeaseSettings) => {
  const records = openCollection(connection, phoneNumbersCollection);
  const leases = createLeases<PhoneNumberRecord>(records, 'phone_number_id', leaseSettings);

  const firstOf = async (filter: Record<string, unknown>, limit: number) => {
    const [found, phone_number_count] = await Promise.all([records.find(filter, { limit }), records.count(filter)]);
    const phone_numbers = found.map(({ phone_number_id, phone_number }) => ({ phone_number_id, phone_number }));
    return { phone_numbers, phone_number_count };
  };

  return {
    get: (organization_id: OrganizationId, phone_number_id: PhoneNumberId) =>
      records.findOne({ organization_id, phone_number_id, ...held }),

    /** Includes released records. */
    getById: (phone_number_id: PhoneNumberId) => records.findOne({ phone_number_id }),

    /** The record that holds the number, as the unique index sees it. */
    getByNumber: (phone_number: string) => records.findOne({ holds: phone_number }, { local: true }),

    /** The records that hold any of these numbers. */
    getByNumbers: (phone_numbers: readonly string[]) => records.find({ holds: { $in: phone_numbers } }),

    /** Whether this installation had a record with this id and released it. */
    wasLetGo: (phone_number_id: PhoneNumberId) => records.exists({ phone_number_id, provisioning_state: 'gone' }),

    list: (organization_id: OrganizationId, input: ParsedListPhoneNumbers) =>
      listPhoneNumbers(records, organization_id, input),

    /** An integration's numbers that were seen at Twilio, in pages. */
    seenOfIntegration: (integration: NamedIntegration) => numbersOfIntegration(records, integration),

    /** The first of the numbers that use an integration, and how many there are. */
    referringTo: (integration: NamedIntegration, limit: number) =>
      firstOf({ ...ofIntegration(integration), provisioning_state: { $in: inUse } }, limit),

    /** Has the reconciler look at numbers whose outbound trunk dials with another user name, unless they are due anyway. */
    changeOver: async (integration: NamedIntegration, username: string): Promise<void> => {
      const rest = { ...dialingOtherwise(integration, username), 'provisioning.due_at': { $exists: false } };
      await records.updateMany(rest, { $set: { 'provisioning.due_at': new Date(leaseSettings.clock.now()) } });
    },
    /** Includes outbound trunks that are being made or changed, or that a call with a lost answer may have made. */
    mayDialOtherwise: (integration: NamedIntegration, username: string): Promise<boolean> =>
      records.exists({
        ...sentOtherwise(integration, username),
        $or: [
          hasOutbound,
          { supports_outbound: true, 'provisioning.lease_token': { $ne: null } },
          { supports_outbound: true, 'provisioning.change.wanted': { $ne: null } },
          { 'provisioning.change.wanted.supports_outbound': true },
          { 'provisioning.parts.outbound_trunk.state': 'failed', 'provisioning.uncertain_until': { $ne: null } },
        ],
      }),
    countDialingOtherwise: (integration: NamedIntegration, username: string) =>
      records.count(dialingOtherwise(integration, username)),
    dialingOtherwise: (integration: NamedIntegration, username: string, limit: number) =>
      firstOf(dialingOtherwise(integration, username), limit),

    /** Whether any record of an account is due, now or later, including released ones. */
    isAnyDue: (queue: string) => records.exists({ queue, 'provisioning.due_at': { $exists: true } }),

    /** Has the reconciler look at every number of an account. */
    requeueAll: (queue: string) => leases.requeueAll({ queue, ...held }),
    countDue: leases.countDue,

    /** For one account, or for all. */
    countHeld: (queue?: string) => records.count({ holds: { $gt: '' }, ...(queue !== undefined && { queue }) }),

    count: (organization_id: OrganizationId, limit: number) =>
      records.count({ organization_id, holds: { $gt: '' } }, { limit }),

    /** Stores the record under our lease, before anything is made. Undefined: the index says that the number is taken. */
    insert: async (record: PhoneNumberRecord): Promise<PhoneNumberClaim | undefined> => {
      const lease = leases.newLease();
      const written = { ...record, provisioning: { ...record.provisioning, ...lease } };
      try {
        await records.insert(written);
      } catch (error) {
        if (repeatedField(error) === 'holds') return undefined;
        throw error;
      }
      return leases.leaseOf(written, lease);
    },

    dueQueues: leases.dueQueues,
    claimDue: (queue: string) => leases.claimDue({ queue }, ['inbound_trunk', 'dispatch_rule', 'outbound_trunk']),

    /** Begins a change of a number, if it is as it was read and nobody is working on it. */
    startChange: (
      { organization_id, phone_number_id, revision, provisioning_state }: PhoneNumberRecord,
      change: Change,
    ) =>
      leases.claimFree(
        { organization_id, phone_number_id, revision, provisioning_state, 'provisioning.change': null },
        {
          'provisioning.change': change,
          ...(change.wanted === null && { provisioning_state: 'releasing' }),
          ...(change.wanted?.sip_from_host !== undefined && { 'provisioning.has_changed_from_host': true }),
        },
      ),

    /** Forces the release of a number that is already being released, undone or cleared of leftovers. */
    forceRelease: async (phone_number_id: PhoneNumberId, change: Change): Promise<void> => {
      const filter = { phone_number_id, ...held, provisioning_state: { $in: ['releasing', 'gone'] } };
      await records.updateOne(filter, { $set: { 'provisioning.change': change } });
      await leases.requeue({ phone_number_id, ...held });
    },

    /** Has the reconciler release a number that nobody is working on. False: there is no such number. */
    releaseLater: async (phone_number: string, change: Change): Promise<boolean> => {
      const filter = {
        holds: phone_number,
        provisioning_state: { $in: ['active', 'degraded', 'releasing'] },
        'provisioning.lease_token': null,
      };
      const due_at = new Date(leaseSettings.clock.now());
      const { matchedCount } = await records.updateOne(filter, {
        $set: { provisioning_state: 'releasing', 'provisioning.change': change, 'provisioning.due_at': due_at },
      });
      return matchedCount > 0;
    },

    /**
     * Notes that a replica that lost its lease may have made something that no record names. If the record is gone,
     * that may be in the way of the number's present holder, which is requeued too.
     */
    requeue: async ({
      phone_number_id,
      phone_number,
    }: Pick<PhoneNumberRecord, 'phone_number_id' | 'phone_number'>): Promise<void> => {
      await leases.requeue({ phone_number_id });
      await leases.requeue({ holds: phone_number, phone_number_id: { $ne: phone_number_id } });
    },

    /** Makes a released row hold its number again while leftovers are removed. False: another record holds it. */
    holdAgain: async (claim: PhoneNumberClaim): Promise<boolean> => {
      const { phone_number, phone_number_id } = claim.record;
      try {
        await claim.write({ $set: { holds: phone_number } });
        return true;
      } catch (error) {
        if (repeatedField(error) !== 'holds') throw error;
        await leases.requeue({ holds: phone_number, phone_number_id: { $ne: phone_number_id } });
        return false;
      }
    },

    /** How many are in each state. Active ones are counted by subtraction, because they are many. */
    countByState: async (): Promise<Record<Exclude<PhoneNumberRecord['provisioning_state'], 'gone'>, number>> => {
      const count = (provisioning_state: PhoneNumberRecord['provisioning_state']) =>
        records.count({ provisioning_state });
      const [all, importing, degraded, releasing, gone] = await Promise.all([
        records.estimatedCount(),
        count('importing'),
        count('degraded'),
        count('releasing'),
        count('gone'),
      ]);
      return { importing, degraded, releasing, active: Math.max(0, all - importing - degraded - releasing - gone) };
    },

    longestDue: leases.longestDue,
  };
};
