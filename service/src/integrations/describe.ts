import type { Integration } from '@trunkline/contracts';
import type { IntegrationRecord } from './record.ts';

/** Tells callers what a record holds, and no credential. */
export const describeIntegration = (record: IntegrationRecord): Integration => ({
  integration_id: record.integration_id,
  name: record.name,
  provider: record.provider,
  category: 'telephony',
  status: record.status,
  account_sid: record.account_sid,
  credential_kind: record.credential_kind,
  region: record.region,
  created_at: record.created_at.toISOString(),
  updated_at: record.updated_at.toISOString(),
});
