import type { IntegrationId, ListIntegrations, OrganizationId } from '@trunkline/contracts';
import { type ClientSession, type Connection, Schema } from 'mongoose';
import { type Claim, createLeases, type LeaseSettings, provisioningFields } from '../lease.ts';
import { readPage } from '../page.ts';
import { carrierStepNames, type IntegrationRecord } from './record.ts';

export type IntegrationClaim = Claim<IntegrationRecord>;

const schema = new Schema<IntegrationRecord>(
  {
    integration_id: { type: String, required: true, unique: true },
    organization_id: { type: String, required: true },
    name: { type: String, required: true },
    provider: { type: String, required: true },
    status: { type: String, required: true },
    account_sid: { type: String, required: true },
    credential_kind: { type: String, required: true },
    region: { type: String, default: null },
    credentials: { type: String, required: true },
    carrier: {
      domain_name: { type: String, required: true },
      username: { type: String, required: true },
      password: { type: String, required: true },
    },
    provisioning: provisioningFields(carrierStepNames),
    created_at: { type: Date, required: true },
    updated_at: { type: Date, required: true },
  },
  { strict: 'throw', strictQuery: 'throw', versionKey: false, minimize: false },
)
  .index({ organization_id: 1, account_sid: 1 }, { unique: true })
  .index({ organization_id: 1, _id: -1 })
  .index({ 'provisioning.due_at': 1 });

export type IntegrationStore = ReturnType<typeof createIntegrationStore>;

/** Holds integrations. */
export const createIntegrationStore = (connection: Connection, leaseSettings: LeaseSettings) => {
  const records = connection.model<IntegrationRecord>('Integration', schema, 'integrations');
  const leases = createLeases<IntegrationRecord>(records, 'integration_id', leaseSettings);
  return {
    get: (organization_id: OrganizationId, integration_id: IntegrationId) =>
      records.findOne({ organization_id, integration_id }).lean<IntegrationRecord>(),

    getById: (integration_id: IntegrationId) => records.findOne({ integration_id }).lean<IntegrationRecord>(),

    list: (organization_id: OrganizationId, page: ListIntegrations) => readPage(records, { organization_id }, page),

    insert: async (record: IntegrationRecord, session: ClientSession): Promise<void> => {
      await records.create([record], { session });
    },

    /** Takes note of what Twilio said of the credentials. False where that is known. */
    observe: async (
      integration_id: IntegrationId,
      status: IntegrationRecord['status'],
      at: Date,
      session: ClientSession,
    ) => {
      const changed = { integration_id, status: { $ne: status } };
      const { matchedCount } = await records.updateOne(changed, { $set: { status, updated_at: at } }, { session });
      return matchedCount > 0;
    },

    /** Takes the right to make this integration's carrier trunk. */
    claim: async (integration_id: IntegrationId): Promise<IntegrationClaim | undefined> =>
      (await leases.claimFree({ integration_id })) ?? leases.claimAbandoned({ integration_id }),
    claimAbandoned: () => leases.claimAbandoned(),
    claimDue: leases.claimDue,
    lookAgain: (integration_id: IntegrationId) => leases.lookAgain({ integration_id }),
  };
};
