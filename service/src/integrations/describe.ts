import { isDeepStrictEqual } from 'node:util';
import type { DeletedIntegration, Integration } from '@trunkline/contracts';
import type { IntegrationRecord, MadeFor } from './record.ts';

/** A record as callers see it, without credentials. `today`: the settings that a trunk would be made for now. */
export const describeIntegration = (
  record: IntegrationRecord,
  trunk_password_rotation: Integration['trunk_password_rotation'],
  today: MadeFor,
): Integration => {
  const warnings = [
    ...(record.is_trial ? [TRIAL] : []),
    ...(differs(record, today) ? [madeForOther(record.integration_id)] : []),
  ];
  return {
    integration_id: record.integration_id,
    revision: record.revision,
    name: record.name,
    provider: record.provider,
    category: 'telephony',
    status: record.status,
    state: record.state === 'active' ? 'active' : 'deleting',
    account_sid: record.account_sid,
    credential_kind: record.credential_kind,
    region: record.region,
    has_routing_credentials: record.has_routing_credentials,
    call_transfers: record.call_transfers,
    trunk_password_rotation,
    ...(warnings.length > 0 && { warnings }),
    created_at: record.created_at.toISOString(),
    updated_at: record.updated_at.toISOString(),
  };
};

// https://www.twilio.com/docs/sip-trunking/scale-and-limits
const TRIAL =
  'The Twilio account is a trial: it may have one number and one trunk, and outbound calls reach only numbers that are verified there. Upgrade it in the Twilio console.';

const differs = ({ carrier: { made_for } }: IntegrationRecord, today: MadeFor): boolean =>
  made_for !== null && !isDeepStrictEqual({ ...made_for }, { ...today });

const madeForOther = (integration_id: string): string =>
  `The trunk of this account at Twilio was made for another LIVEKIT_SIP_HOST or TWILIO_SECURE_TRUNKING than is set now, and stays as it was made. To move it and its numbers, ask the operator of this service to run trunkline integrations move ${integration_id}. Calls are refused until that is done.`;

/** The outcome of a deletion, with what is left at Twilio. */
export const describeDeletion = ({
  record,
  isDone,
}: {
  record: IntegrationRecord;
  isDone: boolean;
}): DeletedIntegration => {
  const { integration_id, name, account_sid, provisioning } = record;
  const warnings = Object.values(provisioning.parts).flatMap(({ state, problem }) =>
    state === 'undone' && problem ? [problem.detail] : [],
  );
  return {
    ...{ integration_id, name, account_sid },
    state: isDone ? 'deleted' : 'deleting',
    ...(warnings.length > 0 && { warnings }),
  };
};
