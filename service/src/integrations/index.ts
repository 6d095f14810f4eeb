import { type Handlers, Problem, type TwilioCredentials } from '@trunkline/contracts';
import type { Background } from '../background.ts';
import type { Clock } from '../clock.ts';
import type { Connection, Transaction } from '../connect.ts';
import type { EventStore } from '../events/store.ts';
import type { LeaseSettings } from '../lease.ts';
import type { Log } from '../log.ts';
import type { Secrets } from '../secrets.ts';
import { createStrays } from '../strays.ts';
import { createAccounts, createLineOf } from './accounts.ts';
import type { TrunkAccount } from './carrier-trunk.ts';
import { createCreateIntegration } from './create.ts';
import { describeIntegration } from './describe.ts';
import { createEnsureTrunk } from './ensure-trunk.ts';
import { createIntegrationStore } from './store.ts';

export interface IntegrationsDependencies<Account> extends LeaseSettings {
  connection: Connection;
  inTransaction: Transaction;
  events: EventStore;
  secrets: Secrets;
  background: Background;
  clock: Clock;
  log: Log;
  installation_id: string;
  /** The vendor's client of an account. */
  connect(credentials: TwilioCredentials): Account;
  secure_trunking: boolean;
  sip_host: string;
  call_ms: number;
}

/** The Twilio accounts of organizations, and the trunk that each has of its own. */
export const createIntegrations = <Account extends TrunkAccount & { proveCredentials(): Promise<void> }>(
  deps: IntegrationsDependencies<Account>,
) => {
  const { connection, connect, secrets } = deps;
  const store = createIntegrationStore(connection, deps);
  const accounts = createAccounts<Account>({ ...deps, store });
  const strays = createStrays({ ...deps, lookAgain: store.lookAgain, gone: async () => {} });
  const ensureTrunk = createEnsureTrunk({ ...deps, store, strays, connectAccount: accounts.accountOf });
  const create = createCreateIntegration({
    ...deps,
    store,
    proveCredentials: (credentials) => connect(credentials).proveCredentials(),
  });

  const integrations: Handlers['integrations'] = {
    create: async (caller, input) => {
      const integration = await create(caller, input);
      return { success: true, message: 'Twilio account integrated', data: describeIntegration(integration) };
    },
    list: async (caller, input) => {
      const { data, pagination } = await store.list(caller.organization_id, input);
      return { success: true, data: data.map(describeIntegration), pagination };
    },
    get: async ({ organization_id }, { integration_id }) => {
      const integration = await store.get(organization_id, integration_id);
      if (integration === null) {
        throw new Problem(
          'integration_not_found',
          `There is no integration ${integration_id} in your organization. GET /api/integrations lists those that there are.`,
        );
      }
      return { success: true, data: describeIntegration(integration) };
    },
  };

  return {
    handlers: { integrations },
    duties: [ensureTrunk.duty],
    requireIntegration: accounts.requireIntegration,
    /** What importing a number needs of its integration. */
    lineOf: createLineOf({ store, accounts, ensureTrunk, secrets }),
  };
};
