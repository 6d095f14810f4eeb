import { type ListPhoneNumbers, type OrganizationId, type PhoneNumberId, stepNames } from '@trunkline/contracts';
import { type Connection, Schema } from 'mongoose';
import { repeatedField } from '../connect.ts';
import { type Claim, createLeases, type LeaseSettings, provisioningFields } from '../lease.ts';
import { readPage } from '../page.ts';
import type { PhoneNumberRecord } from './record.ts';

export type PhoneNumberClaim = Claim<PhoneNumberRecord>;

const routing = Object.fromEntries(
  [
    'voice_url',
    'voice_method',
    'voice_fallback_url',
    'voice_fallback_method',
    'trunk_sid',
    'voice_application_sid',
  ].map((field) => [field, { type: String, default: null }]),
);

const options = { strict: 'throw', strictQuery: 'throw', versionKey: false, minimize: false } as const;

const schema = new Schema<PhoneNumberRecord>(
  {
    phone_number_id: { type: String, required: true, unique: true },
    organization_id: { type: String, required: true },
    phone_number: { type: String, required: true, unique: true },
    provider: { type: String, required: true },
    status: { type: String, required: true },
    assigned_agent_id: { type: String, default: null },
    supports_inbound: { type: Boolean, required: true },
    supports_outbound: { type: Boolean, required: true },
    inbound_room_name: { type: String, required: true },
    inbound_pin: { type: String, default: null },
    provisioning_state: { type: String, required: true },
    provisioning: {
      ...provisioningFields(stepNames),
      imported_by: {
        key_id: { type: String, required: true },
        request_id: { type: String, required: true },
        // Of the former version: the caller's own text.
        idempotency_key: { type: String, required: false },
        stored_request: { type: String, default: null },
      },
      failure: { type: new Schema({ code: String, detail: String }, { _id: false }), default: null },
      assigning: {
        type: new Schema(
          { agent_id: { type: String, default: null }, key_id: String, request_id: String },
          { _id: false },
        ),
        default: null,
      },
    },
    integration_id: String,
    replace_existing_routing: Boolean,
    former_routing: { type: new Schema(routing, { _id: false }), required: false },
    sip_trunk_name: String,
    sip_username: String,
    sip_password: String,
    sip_server_address: String,
    media_encryption: String,
    sip_transport: String,
    allowed_addresses: { type: [String], default: undefined },
    inbound_authentication: String,
    created_at: { type: Date, required: true },
    updated_at: { type: Date, required: true },
  },
  options,
)
  // Lists name every provider and status, so that one index serves each filter in the order of `_id`.
  .index({ organization_id: 1, provider: 1, status: 1, _id: -1 })
  .index(
    { organization_id: 1, integration_id: 1, status: 1, _id: -1 },
    { partialFilterExpression: { integration_id: { $exists: true } } },
  )
  .index({ 'provisioning.due_at': 1 })
  .index({ provisioning_state: 1 });

export type PhoneNumberStore = ReturnType<typeof createPhoneNumberStore>;

/** Holds phone numbers. */
export const createPhoneNumberStore = (connection: Connection, leaseSettings: LeaseSettings) => {
  const records = connection.model<PhoneNumberRecord>('PhoneNumber', schema, 'phone_numbers');
  const leases = createLeases<PhoneNumberRecord>(records, 'phone_number_id', leaseSettings);
  const now = () => new Date(leaseSettings.clock.now());

  return {
    get: (organization_id: OrganizationId, phone_number_id: PhoneNumberId) =>
      records.findOne({ organization_id, phone_number_id }).lean<PhoneNumberRecord>(),

    getById: (phone_number_id: PhoneNumberId) => records.findOne({ phone_number_id }).lean<PhoneNumberRecord>(),

    /** Whoever holds the number, as the unique index sees it: that may be newer than what a majority has. */
    getByNumber: (phone_number: string) =>
      records.findOne({ phone_number }).readConcern('local').lean<PhoneNumberRecord>(),

    list: (
      organization_id: OrganizationId,
      { status, provider, integration_id, phone_number, ...page }: ListPhoneNumbers,
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

    /** Writes the record before the first act, held by us. Undefined where the number is taken: the index decides. */
    insert: async (record: PhoneNumberRecord): Promise<PhoneNumberClaim | undefined> => {
      const held = leases.newlyHeld();
      const written = { ...record, provisioning: { ...record.provisioning, ...held } };
      try {
        await records.create(written);
      } catch (error) {
        if (repeatedField(error) === 'phone_number') return undefined;
        throw error;
      }
      return leases.hold(written, held);
    },

    claimAbandoned: () => leases.claimAbandoned(),
    claimDue: leases.claimDue,

    /** Takes a number that is as it was read, and that nobody works on. */
    claimUnchanged: (
      { organization_id, phone_number_id, assigned_agent_id }: PhoneNumberRecord,
      set: Record<string, unknown>,
    ) => leases.claimFree({ organization_id, phone_number_id, assigned_agent_id, provisioning_state: 'active' }, set),

    lookAgain: (phone_number_id: PhoneNumberId) => leases.lookAgain({ phone_number_id }),

    /** How many are in each state. Those that are settled are counted by subtraction, for there are many of them. */
    countByState: async (): Promise<Record<PhoneNumberRecord['provisioning_state'], number>> => {
      const count = (provisioning_state: PhoneNumberRecord['provisioning_state']) =>
        records.countDocuments({ provisioning_state });
      const [all, importing, degraded, releasing] = await Promise.all([
        records.estimatedDocumentCount(),
        count('importing'),
        count('degraded'),
        count('releasing'),
      ]);
      return { importing, degraded, releasing, active: Math.max(0, all - importing - degraded - releasing) };
    },

    /** Since when the record that waits longest has been due. */
    longestDue: async (): Promise<Date | undefined> => {
      const due = { 'provisioning.due_at': { $lte: now() } };
      const record = await records.findOne(due).sort({ 'provisioning.due_at': 1 }).lean<PhoneNumberRecord>();
      return record?.provisioning.due_at;
    },
  };
};
