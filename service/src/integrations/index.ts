import { type Caller, type Handlers, type IntegrationId, Problem } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import type { Connection, Transaction } from '../database/connect.ts';
import type { Quotas } from '../database/quota.ts';
import type { Secrets } from '../database/secrets.ts';
import type { EventStore } from '../events/store.ts';
import { type Gate, guarded, type LeaseSettings, type Limiters } from '../provisioning/index.ts';
import type { Log } from '../telemetry/log.ts';
import { beingDeleted, type Connect, createAccounts, createLineOf } from './accounts.ts';
import { allAccounts } from './all-accounts.ts';
import { createAvailableNumbers, type ForeseeImports, type RegionTable } from './available-numbers.ts';
import type { TrunkAccount } from './carrier-trunk.ts';
import { createChangeTrunk } from './change-trunk.ts';
import { createCreateIntegration } from './create.ts';
import { createDeleteIntegration, type NumbersInUse } from './delete.ts';
import { describeDeletion, describeIntegration } from './describe.ts';
import { createEnsureTrunk } from './ensure-trunk.ts';
import { createLookHourly } from './look-hourly.ts';
import { createProve, type ProvableAccount } from './prove.ts';
import type { NumbersOf, ReachedAccount } from './reach.ts';
import type { IntegrationRecord, MadeFor } from './record.ts';
import { createRotate, type NumbersDialing } from './rotate.ts';
import { createIntegrationStore } from './store.ts';
import { createUpdateIntegration } from './update.ts';

export interface IntegrationsDependencies<Account> extends LeaseSettings {
  connection: Connection;
  inTransaction: Transaction;
  events: EventStore;
  secrets: Secrets;
  clock: Clock;
  log: Log;
  gate: Pick<Gate, 'requireOpen' | 'admitRemoval'>;
  limiterOf: Limiters;
  requeueNumbers(integration_id: IntegrationId): Promise<void>;
  quotas: Pick<Quotas, 'integrations'>;
  installation_id: string;
  connect: Connect<Account>;
  /** The settings that a carrier trunk is made for today. */
  made_for: MadeFor;
  call_ms: number;
  foreseeImports: ForeseeImports;
  numbersOf: NumbersOf;
  numbers: NumbersInUse & NumbersDialing;
  deadline_ms: number;
  retry_base_ms: number;
}

/** The Twilio accounts of organizations, each with its own trunk. */
export const createIntegrations = <Account extends TrunkAccount & ReachedAccount & RegionTable & ProvableAccount>(
  deps: IntegrationsDependencies<Account>,
) => {
  const { connection, connect } = deps;
  const store = createIntegrationStore(connection, deps);
  const accounts = createAccounts<Account>({ ...deps, store });
  const getOwn = async ({ organization_id }: Caller, integration_id: IntegrationId): Promise<IntegrationRecord> => {
    const integration = await store.get(organization_id, integration_id);
    if (integration !== null) return integration;
    throw new Problem(
      'integration_not_found',
      `Your organization has no integration ${integration_id}. GET /api/integrations lists those it has.`,
    );
  };
  const getActive = async (caller: Caller, integration_id: IntegrationId): Promise<IntegrationRecord> => {
    const integration = await getOwn(caller, integration_id);
    if (integration.state !== 'active') throw beingDeleted(integration_id);
    return integration;
  };
  const rotate = createRotate(deps);
  const ensureTrunk = createEnsureTrunk({ ...deps, store, rotate, connectAccount: accounts.accountOf });
  const lineOf = createLineOf({ ...deps, accounts, store, ensureTrunk });
  const create = createCreateIntegration({ ...deps, store, prove: createProve(connect) });
  const changeTrunk = createChangeTrunk({ ...deps, ...ensureTrunk, store });
  const update = createUpdateIntegration({
    ...deps,
    store,
    getOwn: getActive,
    changeTrunk,
    rotate,
  });
  const deletion = createDeleteIntegration({ ...deps, store, getOwn, jobOf: ensureTrunk.jobOf });

  const listAvailable = createAvailableNumbers(deps.foreseeImports);
  const describe = async (record: IntegrationRecord) =>
    describeIntegration(record, await rotate.describe(record), deps.made_for);

  const integrations: Handlers['integrations'] = {
    create: async (caller, input) => {
      await deps.gate.requireOpen();
      const integration = await create(caller, input);
      return { success: true, message: 'Twilio account integrated', data: await describe(integration) };
    },
    list: async (caller, input) => {
      const { data, pagination } = await store.list(caller.organization_id, input);
      return { success: true, data: await Promise.all(data.map(describe)), pagination };
    },
    get: async (caller, { integration_id }) => ({
      success: true,
      data: await describe(await getOwn(caller, integration_id)),
    }),
    update: async (caller, input) => {
      const { integration_id, if_revision, name, ...atTwilio } = input;
      if (Object.values(atTwilio).some((it) => it !== undefined)) await deps.gate.requireOpen();
      return { success: true, message: 'Integration updated', data: await describe(await update(caller, input)) };
    },
    delete: async (caller, input) => {
      await deps.gate.requireOpen();
      const data = describeDeletion(await deletion.start(caller, input));
      const message = data.state === 'deleted' ? 'Integration deleted' : 'Integration is being deleted';
      return { success: true, message, data };
    },
    availableNumbers: async (caller, { integration_id, include, ...page }) => {
      const read_at = deps.clock.now();
      const integration = await getActive(caller, integration_id);
      const account = await accounts.accountOf(integration, read_at);
      const limited = guarded(account, { limiter: deps.limiterOf(integration.account_sid) });
      const regions = include === 'region' ? limited : undefined;
      return { success: true, ...(await listAvailable(integration, limited, page, regions)) };
    },
  };

  return {
    handlers: { integrations },
    source: ensureTrunk.sourceWith(deletion.goOn),
    lookHourly: createLookHourly({ ...deps, store, accountOf: accounts.accountOf }),
    /** For the metrics. */
    countByStatus: store.countByStatus,
    /** The accounts of all organizations, for the operator. */
    accounts: allAccounts({ ...deps, store }),
    /** At the start: warns of trunks that were made for settings that have changed since. */
    tellWhatDiffers: async (): Promise<void> => {
      const others = await store.madeForOther(deps.made_for, 10);
      if (others.count === 0) return;
      const line = { event: 'settings_differ', ...others } as const;
      deps.log.warn(
        line,
        'Trunks at Twilio were made for other settings: move them with trunkline integrations move <id>',
      );
    },
    /** What an import needs from its integration. Undefined: the integration is gone. */
    lineOf: async (integration_id: IntegrationId) => {
      const read_at = deps.clock.now();
      const integration = await store.getById(integration_id);
      return integration === null ? undefined : lineOf(integration, read_at);
    },
    /** The same for a caller. Throws unless the caller's organization has this integration. */
    lineFor: async (caller: Caller, integration_id: IntegrationId) => {
      const read_at = deps.clock.now();
      return lineOf(await accounts.requireIntegration(caller, integration_id), read_at);
    },
  };
};
