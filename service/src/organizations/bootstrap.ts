import type { Transaction } from '../database/connect.ts';
import type { InstallationStore } from '../database/installation.ts';
import type { createAddOrganization } from './create.ts';
import type { OrganizationRecord, OrganizationStore } from './store.ts';

export interface BootstrapDependencies {
  store: OrganizationStore;
  installation: InstallationStore;
  inTransaction: Transaction;
  addOrganization: ReturnType<typeof createAddOrganization>;
}

/** On an empty database, creates an organization with this admin key: once, however many replicas start together. */
export const createBootstrap =
  ({ store, installation, inTransaction, addOrganization }: BootstrapDependencies) =>
  async (name: string, raw_key: string): Promise<OrganizationRecord | undefined> => {
    if (await store.any()) return undefined;
    return inTransaction(async (session) => {
      if (!(await installation.claimBootstrap(session))) return undefined;
      return addOrganization({ name, raw_key, actor: { system: 'bootstrap' } }, session);
    });
  };
