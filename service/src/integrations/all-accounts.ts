import type { TwilioCredentials } from '@trunkline/contracts';
import type { Secrets } from '../database/secrets.ts';
import { openCredentials } from './accounts.ts';
import type { MadeFor } from './record.ts';
import type { IntegrationStore } from './store.ts';

export interface AllAccountsDependencies {
  store: Pick<IntegrationStore, 'madeForOther' | 'countAll' | 'newest'>;
  secrets: Pick<Secrets, 'open'>;
  connect(credentials: TwilioCredentials): { proveCredentials(): Promise<void> };
  /** The settings that a carrier trunk is made for today. */
  made_for: MadeFor;
}

/** The accounts of all organizations, for the operator's checks. */
export const allAccounts = ({ store, secrets, connect, made_for }: AllAccountsDependencies) => ({
  madeForOther: (limit: number) => store.madeForOther(made_for, limit),
  count: store.countAll,
  newest: async (limit: number) =>
    (await store.newest(limit)).map((record) => ({
      integration_id: record.integration_id,
      prove: async () => connect(await openCredentials(secrets, record)).proveCredentials(),
    })),
});
