import { type Caller, type ParsedCreateIntegration, Problem, type TwilioCredentials } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import { repeatedField, type Transaction } from '../database/connect.ts';
import { drawId, drawPassword } from '../database/ids.ts';
import { type Quotas, requireRoom } from '../database/quota.ts';
import type { Secrets } from '../database/secrets.ts';
import type { EventStore } from '../events/store.ts';
import { passwordPlaceOf, placeOf } from './accounts.ts';
import { drawDomainName } from './ensure-trunk.ts';
import type { Proven } from './prove.ts';
import { DEFAULT_REGION, type IntegrationRecord } from './record.ts';
import type { IntegrationStore } from './store.ts';

export interface CreateDependencies {
  store: IntegrationStore;
  events: EventStore;
  inTransaction: Transaction;
  secrets: Secrets;
  clock: Clock;
  quotas: Pick<Quotas, 'integrations'>;
  installation_id: string;
  /** Throws unless the credentials can read everything that an import needs. */
  prove(credentials: TwilioCredentials): Promise<Proven>;
}

/** Stores a Twilio account's credentials once Twilio has accepted them. */
export const createCreateIntegration = (deps: CreateDependencies) => {
  const { store, events, inTransaction, secrets, clock, quotas, installation_id, prove } = deps;

  const draft = async (
    caller: Caller,
    { name, credentials, call_transfers }: ParsedCreateIntegration,
    { is_trial }: Proven,
  ): Promise<IntegrationRecord> => {
    const integration_id = drawId('intg');
    const now = new Date(clock.now());
    return {
      integration_id,
      organization_id: caller.organization_id,
      queue: integration_id,
      revision: 1,
      state: 'active',
      holds: credentials.account_sid,
      deletion: null,
      name,
      provider: 'twilio',
      status: 'active',
      checked_at: now,
      account_sid: credentials.account_sid,
      credential_kind: credentials.auth_token === undefined ? 'api_key' : 'auth_token',
      region: regionOf(credentials),
      has_routing_credentials: credentials.routing_credentials !== undefined,
      ...(is_trial !== undefined && { is_trial }),
      credentials: await secrets.seal(JSON.stringify(credentials), placeOf(integration_id)),
      call_transfers,
      carrier: {
        domain_name: drawDomainName(installation_id, { integration_id }),
        username: `trunkline-${installation_id}`,
        password: await secrets.seal(drawPassword(), passwordPlaceOf(integration_id)),
        rotated_at: null,
        made_for: null,
        numbers_made_for: null,
      },
      rotation: null,
      provisioning: { attempt: 0, uncertain_until: null, lease_token: null, problem: null, parts: {} },
      ...(caller.stored_request !== undefined && { stored_request: caller.stored_request }),
      created_at: now,
      updated_at: now,
    };
  };

  return async (caller: Caller, input: ParsedCreateIntegration): Promise<IntegrationRecord> => {
    const made = await store.madeBy(caller);
    if (made?.state === 'gone') throw deletedSince(made);
    if (made !== null) return made;
    const count = (limit: number) => store.count(caller.organization_id, limit);
    await requireRoom('integrations', quotas.integrations, count);
    const proven = await prove(input.credentials);
    try {
      return await inTransaction(async (session) => {
        const record = await draft(caller, input, proven);
        const { organization_id, integration_id: subject_id, name, account_sid } = record;
        await store.insert(record, session);
        const actor = { key_id: caller.key_id };
        const told = {
          organization_id,
          subject_id,
          actor,
          request_id: caller.request_id,
          changes: { name, account_sid },
        };
        await events.write({ type: 'integration.created', ...told }, session);
        return record;
      });
    } catch (error) {
      if (repeatedField(error) !== 'organization_id+holds+region') throw error;
      throw new Problem(
        'integration_already_exists',
        `Your organization already has an integration for the account ${input.credentials.account_sid} in the Region ${input.credentials.region ?? DEFAULT_REGION}. Use it: GET /api/integrations lists it.`,
        { cause: error },
      );
    }
  };
};

const deletedSince = ({ integration_id }: IntegrationRecord): Problem =>
  new Problem(
    'integration_not_found',
    `This request created ${integration_id}, which has been deleted since. To integrate the account again, use a new Idempotency-Key.`,
  );

/** The Region as it is stored and answered: `us1` becomes null, so that an account has only one integration there. */
export const regionOf = ({ region }: TwilioCredentials): IntegrationRecord['region'] =>
  region === undefined || region === DEFAULT_REGION ? null : region;
