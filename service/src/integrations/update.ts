import {
  type Caller,
  invalidFields,
  type ParsedUpdateIntegration,
  Problem,
  type TwilioCredentials,
} from '@trunkline/contracts';
import type { ClientSession } from 'mongoose';
import type { Clock } from '../clock.ts';
import type { Transaction } from '../database/connect.ts';
import { requireRevisionOf } from '../database/revision.ts';
import type { Secrets } from '../database/secrets.ts';
import type { EventStore } from '../events/store.ts';
import { type Guard, guarded, type Limiters, waitWhileBusy } from '../provisioning/index.ts';
import { openCredentials, placeOf } from './accounts.ts';
import type { ChangeTrunk } from './change-trunk.ts';
import { regionOf } from './create.ts';
import { createProve, type ProvableAccount, type Proven } from './prove.ts';
import { type NumbersOf, type ReachedAccount, requireReach } from './reach.ts';
import { DEFAULT_REGION, type IntegrationRecord } from './record.ts';
import type { Rotate } from './rotate.ts';
import type { IntegrationChanges, IntegrationStore } from './store.ts';

export interface UpdateDependencies {
  store: Pick<IntegrationStore, 'update'>;
  events: EventStore;
  inTransaction: Transaction;
  secrets: Secrets;
  clock: Clock;
  /** Throws unless the caller's organization has it. */
  getOwn(caller: Caller, integration_id: IntegrationRecord['integration_id']): Promise<IntegrationRecord>;
  connect(credentials: TwilioCredentials): ReachedAccount & ProvableAccount;
  numbersOf: NumbersOf;
  limiterOf: Limiters;
  changeTrunk: ChangeTrunk;
  rotate: Pick<Rotate, 'draw' | 'requireNone'>;
  deadline_ms: number;
}

/** Renames an integration, replaces its credentials once Twilio accepts them, and changes how its trunk treats calls. */
export const createUpdateIntegration = (deps: UpdateDependencies) => {
  const { store, events, inTransaction, secrets, clock, getOwn, connect, numbersOf, limiterOf } = deps;
  const { changeTrunk, rotate, deadline_ms } = deps;

  /** Throws unless these credentials are of the same account, and can do all that the old ones are needed for. */
  const prove = async (record: IntegrationRecord, credentials: TwilioCredentials, until: number): Promise<Proven> => {
    requireSameAccount(record, credentials);
    const guard: Guard = {
      limiter: limiterOf(record.account_sid),
      before: async () => {
        if (clock.now() >= until) throw tooLate(deadline_ms);
      },
      waited: waitWhileBusy({ clock, deadline: { at: until, signal: new AbortController().signal } }),
    };
    const connectGuarded = (to: TwilioCredentials) => guarded(connect(to), guard);
    const proven = await createProve(connectGuarded)(credentials);
    await requireReach(connectGuarded(credentials), record, numbersOf);
    return proven;
  };

  const draft = async (
    record: IntegrationRecord,
    { name, credentials, call_transfers, rotate_trunk_password }: ParsedUpdateIntegration,
    caller: Caller,
    proven: Proven | undefined,
  ): Promise<IntegrationChanges> => ({
    ...(name !== undefined && name !== record.name && { name }),
    ...(call_transfers !== undefined && call_transfers !== record.call_transfers && { call_transfers }),
    ...(credentials && (await draftCredentials(record, credentials, proven))),
    ...(rotate_trunk_password && { rotation: await rotate.draw(record, caller) }),
  });

  const draftCredentials = async (
    record: IntegrationRecord,
    credentials: TwilioCredentials,
    proven: Proven | undefined,
  ): Promise<IntegrationChanges> => {
    const keepsRouting = record.has_routing_credentials && credentials.routing_credentials === undefined;
    const { routing_credentials } = keepsRouting ? await openCredentials(secrets, record) : credentials;
    const kept = { ...credentials, ...(routing_credentials && { routing_credentials }) };
    return {
      credentials: await secrets.seal(JSON.stringify(kept), placeOf(record.integration_id)),
      credential_kind: credentials.auth_token === undefined ? 'api_key' : 'auth_token',
      has_routing_credentials: routing_credentials !== undefined,
      ...(proven?.is_trial !== undefined && { is_trial: proven.is_trial }),
      status: 'active',
    };
  };

  const tell = async (
    { key_id, request_id }: Caller,
    { organization_id, integration_id: subject_id, status }: IntegrationRecord,
    changes: IntegrationChanges,
    session: ClientSession,
  ) => {
    const told = { organization_id, subject_id, actor: { key_id }, request_id } as const;
    await events.write({ ...told, type: 'integration.updated', changes: toldOf(changes) }, session);
    if (changes.status === undefined || changes.status === status) return;
    await events.write({ ...told, type: 'integration.accepted', changes: { status: changes.status } }, session);
  };

  return async (caller: Caller, input: ParsedUpdateIntegration): Promise<IntegrationRecord> => {
    const { integration_id, if_revision, credentials } = input;
    const until = clock.now() + deadline_ms;
    let record = await getOwn(caller, integration_id);
    requireRevisionOf(integration_id, record.revision, if_revision);
    if (input.rotate_trunk_password) await rotate.requireNone(record);
    const proven = credentials && (await prove(record, credentials, until));
    // If another request changed the integration meanwhile, start again from what it wrote.
    for (; clock.now() < until; record = await getOwn(caller, integration_id)) {
      requireRevisionOf(integration_id, record.revision, if_revision);
      if (input.rotate_trunk_password) await rotate.requireNone(record);
      const changes = await draft(record, input, caller, proven);
      if (Object.keys(changes).length === 0) return record;
      const as_read = record;
      const written = { ...changes, revision: record.revision + 1, updated_at: new Date(clock.now()) };
      const told = (session: ClientSession) => tell(caller, as_read, changes, session);
      const isWritten = changes.call_transfers
        ? await changeTrunk(record, written, { until, told })
        : await inTransaction(async (session) => {
            const isAsRead = await store.update(as_read, written, session);
            if (isAsRead) await told(session);
            return isAsRead;
          });
      if (isWritten) return { ...record, ...written };
    }
    throw tooLate(deadline_ms);
  };
};

const requireSameAccount = (record: IntegrationRecord, credentials: TwilioCredentials): void => {
  const another = 'of the integration. Another account, or another Region, is another integration: create one';
  const issues = [
    ...(credentials.account_sid === record.account_sid
      ? []
      : [{ path: 'credentials.account_sid', message: `must be ${record.account_sid}, the account ${another}` }]),
    ...(regionOf(credentials) === record.region
      ? []
      : [{ path: 'credentials.region', message: `must be ${record.region ?? DEFAULT_REGION}, the Region ${another}` }]),
  ];
  if (issues.length > 0) throw invalidFields(issues);
};

/** The changes as an event shows them, without secrets. */
const toldOf = ({ credentials, status, is_trial, rotation, ...plain }: IntegrationChanges) => ({
  ...plain,
  ...(credentials !== undefined && { credentials: 'replaced' }),
  ...(rotation && { trunk_password: 'being rotated' }),
});

const RETRY_AFTER_SECONDS = 30;

const tooLate = (deadline_ms: number): Problem =>
  new Problem(
    'provider_timeout',
    `The update did not finish within ${deadline_ms / 1000} seconds. Nothing was changed. Try again in ${RETRY_AFTER_SECONDS} seconds.`,
    { retry_after_seconds: RETRY_AFTER_SECONDS },
  );
