import type { Caller, IntegrationId, OrganizationId, ParsedListIntegrations } from '@trunkline/contracts';
import type { ClientSession } from 'mongoose';
import { type CollectionDefinition, openCollection } from '../database/collection.ts';
import type { Connection } from '../database/connect.ts';
import { readPage } from '../database/page.ts';
import { type Claim, createLeases, dueIndexes, LeaseLost, type LeaseSettings } from '../provisioning/index.ts';
import { type Deletion, IntegrationRecord, type MadeFor } from './record.ts';

export type IntegrationClaim = Claim<IntegrationRecord>;

/** The stored fields that callers may change. */
export type IntegrationChanges = Partial<
  Pick<
    IntegrationRecord,
    | 'name'
    | 'credentials'
    | 'credential_kind'
    | 'has_routing_credentials'
    | 'is_trial'
    | 'status'
    | 'call_transfers'
    | 'rotation'
  >
>;

export type WrittenIntegration = IntegrationChanges & Pick<IntegrationRecord, 'revision' | 'updated_at'>;

const held = { holds: { $exists: true } } as const;

const newestFirst = { organization_id: 1, _id: -1 } as const;

export const integrationsCollection = {
  name: 'integrations',
  id: 'integration_id',
  shape: IntegrationRecord,
  indexes: [
    { key: { integration_id: 1 }, unique: true },
    // A deleted integration holds no account.
    {
      key: { organization_id: 1, holds: 1, region: 1 },
      unique: true,
      partialFilterExpression: { holds: { $exists: true } },
    },
    { key: newestFirst },
    { key: { queue: 1, checked_at: 1 }, partialFilterExpression: held },
    { key: { expires_at: 1 }, expireAfterSeconds: 0 },
    ...dueIndexes,
  ],
} as const satisfies CollectionDefinition;

export type IntegrationStore = ReturnType<typeof createIntegrationStore>;

export const createIntegrationStore = (connection: Connection, leaseSettings: LeaseSettings) => {
  const records = openCollection(connection, integrationsCollection);
  const leases = createLeases<IntegrationRecord>(records, 'integration_id', leaseSettings);
  const requeue = (integration_id: IntegrationId) => leases.requeue({ integration_id });
  return {
    get: (organization_id: OrganizationId, integration_id: IntegrationId) =>
      records.findOne({ organization_id, integration_id, ...held }),

    /** The integration that this same request made, if it was sent before and its answer was lost. It may be gone. */
    madeBy: async ({ organization_id, stored_request }: Caller): Promise<IntegrationRecord | null> =>
      stored_request === undefined ? null : records.findOne({ organization_id, stored_request }),

    getById: (integration_id: IntegrationId) => records.findOne({ integration_id, ...held }),

    /** Includes deleted integrations. */
    getRow: (integration_id: IntegrationId) => records.findOne({ integration_id }),

    list: (organization_id: OrganizationId, page: ParsedListIntegrations) =>
      readPage(records, { filter: { organization_id, ...held }, index: newestFirst }, page),

    count: (organization_id: OrganizationId, limit: number) => records.count({ organization_id, ...held }, { limit }),

    countAll: () => records.count(held),

    /** The newest of all organizations. */
    newest: async (limit: number) => (await records.newest(held, { limit })).map(({ row }) => row),

    insert: (record: IntegrationRecord, session: ClientSession) => records.insert(record, { session }),

    /** Writes a change. False: the integration has changed since it was read. */
    update: async (
      { integration_id, revision, status }: IntegrationRecord,
      written: WrittenIntegration,
      session: ClientSession,
    ): Promise<boolean> => {
      const as_read = { integration_id, revision, status, state: 'active' };
      const write = async (only: object, set: object) =>
        (await records.updateOne({ ...as_read, ...only }, { $set: { ...written, ...set } }, { session })).matchedCount >
        0;
      if (!written.rotation) return write({}, {});
      // Has the reconciler look at it: now, or once its holder releases it.
      return (
        (await write({ 'provisioning.lease_token': null }, { 'provisioning.due_at': written.rotation.at })) ||
        (await write({ 'provisioning.lease_token': { $ne: null } }, { 'provisioning.is_requeued': true }))
      );
    },

    /** Stores what Twilio said of the credentials. False: that is already stored. */
    noteStatus: async (
      { integration_id, credentials }: Pick<IntegrationRecord, 'integration_id' | 'credentials'>,
      status: IntegrationRecord['status'],
      at: Date,
      session: ClientSession,
    ) => {
      const changed = { integration_id, credentials, status: { $ne: status } };
      const { matchedCount } = await records.updateOne(changed, { $set: { status, updated_at: at } }, { session });
      return matchedCount > 0;
    },

    /** The accounts that were not checked since then. */
    queuesToCheck: (since: Date): Promise<string[]> =>
      records.distinct('queue', { queue: { $gt: '' }, checked_at: { $not: { $gt: since } }, state: 'active', ...held }),
    /** Claims one of them, so that no other replica checks it too. */
    takeToCheck: (queue: string, since: Date): Promise<IntegrationRecord | null> => {
      const unchecked = { queue, checked_at: { $not: { $gt: since } }, state: 'active', ...held };
      const checked_at = new Date(leaseSettings.clock.now());
      return records.findOneAndUpdate(unchecked, { $set: { checked_at } }, { returnDocument: 'after' });
    },
    /** Has an account checked again sooner than in an hour, because the check itself failed. */
    checkSooner: async (integration_id: IntegrationId, checked_at: Date): Promise<void> => {
      await records.updateOne({ integration_id }, { $set: { checked_at } });
    },
    countByStatus: async (): Promise<Record<IntegrationRecord['status'], number>> => {
      const [all, refused] = await Promise.all([records.count(held), records.count({ status: 'refused', ...held })]);
      return { active: all - refused, refused };
    },

    noteUpgrade: async (integration_id: IntegrationId): Promise<void> => {
      await records.updateOne({ integration_id }, { $set: { is_trial: false } });
    },

    /** Stores, once, the settings that the carrier trunk is made for. */
    freeze: async (integration_id: IntegrationId, made_for: MadeFor): Promise<MadeFor> => {
      await records.updateOne({ integration_id, 'carrier.made_for': null }, { $set: { 'carrier.made_for': made_for } });
      return (await records.findOne({ integration_id }))?.carrier.made_for ?? made_for;
    },

    /**
     * Replaces those settings, and has the reconciler look at the trunk, and then at the numbers. Without a trunk, there
     * is nothing to look at: only an import makes one. False: there is no such integration.
     */
    move: async (integration_id: IntegrationId, made_for: MadeFor): Promise<boolean> => {
      // Numbers may have been made for either by then.
      const moved = { 'carrier.made_for': made_for, 'carrier.numbers_made_for': null };
      const untouched = { 'provisioning.lease_token': null, 'provisioning.uncertain_until': null };
      const unmade = { integration_id, ...held, ...untouched, 'provisioning.parts.trunk.resource_id': null };
      const { matchedCount } = await records.updateOne(unmade, { $set: moved });
      return matchedCount > 0 || leases.requeue({ integration_id, ...held }, moved);
    },
    /** Whether that look is still to come. `due_at` alone does not show it, because a rotation also sets that. */
    isUnsettled: (integration_id: IntegrationId) =>
      records.exists({
        ...{ integration_id, 'provisioning.due_at': { $exists: true } },
        $or: [{ 'provisioning.uncertain_until': { $ne: null } }, { 'provisioning.is_requeued': true }],
      }),

    /** The integrations whose trunk is made for other settings: how many, and the newest of them. */
    madeForOther: async ({ secure, sip_host }: MadeFor, limit: number) => {
      const other = {
        ...held,
        $or: [
          { 'carrier.made_for.secure': { $exists: true, $ne: secure } },
          { 'carrier.made_for.sip_host': { $exists: true, $ne: sip_host } },
        ],
      };
      const [count, newest] = await Promise.all([records.count(other), records.newest(other, { limit })]);
      return { count, integration_ids: newest.map(({ row }) => row.integration_id) };
    },

    /** Claims the integration to make its trunk. Undefined: somebody is working on it, or it is being deleted. */
    claim: async (integration_id: IntegrationId): Promise<IntegrationClaim | undefined> => {
      const active = { integration_id, state: 'active', ...held };
      return (await leases.claimFree(active)) ?? leases.claimDue(active);
    },

    /** Marks it as deleting, so that nothing new begins. Undefined: somebody is working on it, or it has changed. */
    startDeletion: (
      { organization_id, integration_id, revision }: IntegrationRecord,
      deletion: Deletion,
    ): Promise<IntegrationClaim | undefined> =>
      leases.claimFree(
        { organization_id, integration_id, revision, state: 'active', ...held },
        { state: 'deleting', deletion },
      ),

    /** Forces a deletion that is under way. */
    forceDeletion: async (integration_id: IntegrationId, deletion: Deletion): Promise<void> => {
      await records.updateOne({ integration_id, state: 'deleting' }, { $set: { deletion } });
      await leases.requeue({ integration_id, state: 'deleting' });
    },
    dueQueues: leases.dueQueues,
    claimDue: (queue: string) => leases.claimDue({ queue }),
    /** Notes that a replica that lost its lease may have made something that no record names. */
    requeue,
    /** If the lease is lost, its new holder goes on, and the record is requeued to look for what we may have made. */
    goOnWhereLost: (integration_id: IntegrationId) => async (error: unknown) => {
      if (!(error instanceof LeaseLost)) throw error;
      await requeue(integration_id);
    },
  };
};
