import type { InstallationStore } from '../installation.ts';
import type { createCreateOrganization } from './create.ts';
import type { OrganizationRecord, OrganizationStore } from './store.ts';

export interface BootstrapDependencies {
  store: OrganizationStore;
  installation: InstallationStore;
  createOrganization: ReturnType<typeof createCreateOrganization>;
}

/** On an empty database: an organization, and an admin key of this value. One replica makes it, however many start at once. */
export const createBootstrap =
  ({ store, installation, createOrganization }: BootstrapDependencies) =>
  async (name: string, raw_key: string): Promise<OrganizationRecord | undefined> => {
    if ((await store.any()) !== null) return undefined;
    return createOrganization({
      name,
      raw_key,
      actor: { system: 'bootstrap' },
      unless: async (session) => !(await installation.claimBootstrap(session)),
    });
  };
