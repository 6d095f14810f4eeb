import type { IntegrationId, OrganizationId, TwilioCredentials } from '@trunkline/contracts';
import type { Provisioning } from '../lease.ts';

/** The steps of the carrier trunk. */
export const carrierStepNames = ['trunk', 'origination_url', 'credential_list', 'credential', 'permission'] as const;
export type CarrierStepName = (typeof carrierStepNames)[number];

export interface IntegrationRecord {
  integration_id: IntegrationId;
  organization_id: OrganizationId;
  name: string;
  provider: 'twilio';
  /** What Twilio last said of the credentials. */
  status: 'active' | 'refused';
  account_sid: string;
  credential_kind: 'auth_token' | 'api_key';
  region: NonNullable<TwilioCredentials['region']> | null;
  /** Sealed JSON of `TwilioCredentials`. */
  credentials: string;
  /** The integration's own trunk: what is sent is stored before. */
  carrier: {
    /** `<name>.pstn.twilio.com`, where LiveKit sends outbound calls. */
    domain_name: string;
    username: string;
    /** Sealed. */
    password: string;
  };
  /** Of the carrier trunk; its lease is held by whichever import makes the trunk. */
  provisioning: Provisioning<CarrierStepName>;
  created_at: Date;
  updated_at: Date;
}
