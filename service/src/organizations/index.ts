import { type Handlers, Problem, permissionsOf } from '@trunkline/contracts';
import type { Background } from '../background.ts';
import type { Clock } from '../clock.ts';
import type { Connection, Transaction } from '../database/connect.ts';
import type { InstallationStore } from '../database/installation.ts';
import type { Quotas } from '../database/quota.ts';
import type { EventStore } from '../events/store.ts';
import { createCreateApiKey, createRevokeApiKey, describeApiKey } from './api-keys.ts';
import { createBootstrap } from './bootstrap.ts';
import { createAddOrganization, type NewOrganization } from './create.ts';
import { createIdentify } from './identify.ts';
import { createOrganizationStore } from './store.ts';

export interface OrganizationsDependencies {
  connection: Connection;
  inTransaction: Transaction;
  events: EventStore;
  installation: InstallationStore;
  background: Background;
  clock: Clock;
  quotas: Pick<Quotas, 'api_keys'>;
}

/** Organizations and their API keys: who calls, and what they may do. */
export const createOrganizations = ({ connection, installation, background, ...deps }: OrganizationsDependencies) => {
  const { inTransaction, clock } = deps;
  const store = createOrganizationStore(connection);
  const addOrganization = createAddOrganization({ store, ...deps });
  const createApiKey = createCreateApiKey({ store, ...deps });
  const identify = createIdentify({ store, clock, background });
  const revokeApiKey = createRevokeApiKey({ store, ...deps, forget: identify.forget });

  const apiKeys: Handlers['apiKeys'] = {
    create: async (caller, input) => {
      const { raw_key, key } = await createApiKey(caller, input);
      const message = 'API key created. The raw key is shown only this once: store it now.';
      return { success: true, message, data: { raw_key, key: describeApiKey(key, clock.now()) } };
    },
    list: async (caller, input) => {
      const { data, pagination } = await store.listKeys(caller.organization_id, input);
      return { success: true, data: data.map((key) => describeApiKey(key, clock.now())), pagination };
    },
    revoke: async (caller, input) => {
      const { key, descendants } = await revokeApiKey(caller, input);
      const others = descendants === 0 ? '' : `, and ${descendants} made with it`;
      return { success: true, message: `API key revoked${others}`, data: describeApiKey(key, clock.now()) };
    },
  };

  const me: Handlers['me'] = async ({ organization_id, key_id, role }) => {
    const organization = await store.get(organization_id);
    if (organization === null) throw new Problem('internal', `The organization ${organization_id} is gone.`);
    const permissions = [...permissionsOf[role]];
    return {
      success: true,
      data: { organization_id, organization_name: organization.name, key_id, role, permissions },
    };
  };

  return {
    handlers: { apiKeys, me },
    identify,
    createOrganization: (organization: NewOrganization) =>
      inTransaction((session) => addOrganization(organization, session)),
    bootstrap: createBootstrap({ store, installation, inTransaction, addOrganization }),
  };
};
