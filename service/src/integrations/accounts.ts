import { type Caller, type IntegrationId, Problem, TwilioCredentials } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import type { Transaction } from '../database/connect.ts';
import type { Secrets } from '../database/secrets.ts';
import type { EventStore } from '../events/store.ts';
import type { Guard } from '../provisioning/index.ts';
import type { EnsureTrunk } from './ensure-trunk.ts';
import type { ProvableAccount } from './prove.ts';
import { DEFAULT_REGION, type IntegrationRecord, type MadeFor } from './record.ts';
import type { IntegrationStore } from './store.ts';

type Provable = Pick<ProvableAccount, 'proveCredentials'>;

/** Connects to an account. Once its credentials are no longer in force, the client makes no more calls. */
export type Connect<Account> = (credentials: TwilioCredentials, areInForce?: () => Promise<boolean>) => Account;

export interface AccountDependencies<Account> {
  store: IntegrationStore;
  events: EventStore;
  inTransaction: Transaction;
  secrets: Secrets;
  clock: Clock;
  connect: Connect<Account>;
  /** How long calls may still begin with credentials that were replaced. */
  settle_ms: number;
}

/** The Twilio accounts behind integrations. */
export const createAccounts = <Account extends Provable>({
  store,
  events,
  inTransaction,
  secrets,
  clock,
  connect,
  settle_ms,
}: AccountDependencies<Account>) => {
  const note = (
    { integration_id, organization_id, credentials }: IntegrationRecord,
    status: IntegrationRecord['status'],
  ): Promise<void> =>
    inTransaction(async (session) => {
      // If the credentials were replaced meanwhile, this says nothing about the new ones.
      if (!(await store.noteStatus({ integration_id, credentials }, status, new Date(clock.now()), session))) return;
      const type = status === 'active' ? 'integration.accepted' : 'integration.refused';
      const told = { actor: { system: 'reconciler' }, request_id: null, changes: { status } } as const;
      await events.write({ organization_id, subject_id: integration_id, type, ...told }, session);
    });

  /** An account whose calls use the credentials in force, even after another replica has replaced them. */
  const follow = async (record: IntegrationRecord, read_at = Number.NEGATIVE_INFINITY): Promise<Account> => {
    const connectTo = async (to: IntegrationRecord): Promise<Account> =>
      connect(await openCredentials(secrets, to), async () => (await inForce()).record.credentials === to.credentials);

    const inForce = async () => {
      // Read again if the answer took that long.
      while (clock.now() - read.at >= settle_ms / 2) {
        const at = clock.now();
        const now = await store.getById(record.integration_id);
        if (now === null) throw new Error(`${record.integration_id} is gone`);
        // A record about to be stored is newer than the stored one.
        const newest = now.revision < read.record.revision ? read.record : now;
        const isSame = newest.credentials === read.record.credentials;
        read = { record: newest, at, account: isSame ? read.account : await connectTo(newest) };
      }
      return read;
    };

    let read = { record, at: read_at, account: await connectTo(record) };

    const noteUnlessKnown = async (of: typeof read, status: IntegrationRecord['status']) => {
      if (of.record.status === status) return;
      await note(of.record, status);
      of.record = { ...of.record, status };
    };

    /** Twilio refuses a restricted key's lack of permission with the same code as a wrong key. */
    const areTaken = async (of: typeof read): Promise<boolean> =>
      of.record.credential_kind === 'api_key' &&
      of.account.proveCredentials().then(
        () => true,
        (error: unknown) => !areRefused(error),
      );

    return new Proxy(read.account, {
      get: (target, name) => {
        if (typeof Reflect.get(target, name) !== 'function') return Reflect.get(target, name);
        return async (...args: unknown[]) => {
          const used = await inForce();
          try {
            const call: unknown = Reflect.get(used.account, name);
            const answer: unknown = typeof call === 'function' ? await call(...args) : call;
            if (!byOthers.has(name)) await noteUnlessKnown(used, 'active');
            return answer;
          } catch (error) {
            const isRefused = !byOthers.has(name) && areRefused(error);
            if (isRefused && !(await areTaken(used))) await noteUnlessKnown(used, 'refused');
            throw error;
          }
        };
      },
    });
  };

  return {
    /** Throws unless the caller's organization has this integration. */
    requireIntegration: async (caller: Caller, integration_id: IntegrationId): Promise<IntegrationRecord> => {
      const integration = await store.getById(integration_id);
      if (integration?.state === 'deleting') throw beingDeleted(integration_id);
      if (integration === null) {
        throw new Problem(
          'integration_not_found',
          `There is no integration ${integration_id}. Create it, or use one that GET /api/integrations lists.`,
        );
      }
      if (integration.organization_id !== caller.organization_id) {
        throw new Problem(
          'integration_of_another_organization',
          `${integration_id} belongs to another organization. Use one of your own.`,
        );
      }
      return integration;
    },

    /** Its calls store whether Twilio accepts the credentials. Without `read_at`, the record is read again first. */
    accountOf: follow,
  };
};

const areRefused = (error: unknown): boolean =>
  error instanceof Problem && error.code === 'provider_credentials_refused';

/** These calls go to US1, with the routing credentials if there are any, so they say nothing about the others. */
const byOthers = new Set<string | symbol>([
  'readRegion',
  'seeRegion',
  'setRegion',
  'readTrunkRegion',
  'setTrunkRegion',
]);

type Accounts<Account extends Provable> = ReturnType<typeof createAccounts<Account>>;

export const openCredentials = async (
  secrets: Pick<Secrets, 'open'>,
  { integration_id, credentials }: IntegrationRecord,
): Promise<TwilioCredentials> => {
  if (credentials === null) throw new Error(`${integration_id} is gone`);
  return TwilioCredentials.parse(JSON.parse(await secrets.open(credentials, placeOf(integration_id))));
};

/** The trunk's user name and password; for `rotation`, the pair that is not in force. */
export const openTrunkCredentials = async (
  secrets: Pick<Secrets, 'open'>,
  record: IntegrationRecord,
  of: 'carrier' | 'rotation' = 'carrier',
): Promise<{ username: string; password: string }> => {
  const { username, password } = record[of] ?? {};
  if (username === undefined || !password) throw new Error(`${record.integration_id} is gone`);
  return { username, password: await secrets.open(password, passwordPlaceOf(record.integration_id)) };
};

/** The same for both pairs, because they change places. */
export const passwordPlaceOf = (integration_id: IntegrationId) =>
  `integrations/${integration_id}/carrier_password` as const;

export const beingDeleted = (integration_id: IntegrationId): Problem =>
  new Problem(
    'integration_not_found',
    `The integration ${integration_id} is being deleted. Use another one, or integrate the account again once it is deleted.`,
  );

/** The stored integration. Throws if it is being deleted or is gone. */
export const requireActive = async (
  store: Pick<IntegrationStore, 'getById'>,
  integration_id: IntegrationId,
): Promise<IntegrationRecord> => {
  const record = await store.getById(integration_id);
  if (record?.state !== 'active') throw beingDeleted(integration_id);
  return record;
};

export const placeOf = (integration_id: IntegrationId) => `integrations/${integration_id}/credentials` as const;

export interface LineDependencies<Account extends Provable> {
  accounts: Accounts<Account>;
  store: Pick<IntegrationStore, 'freeze' | 'noteUpgrade' | 'getById'>;
  ensureTrunk: EnsureTrunk;
  secrets: Secrets;
  /** The settings that a trunk is made for today. */
  made_for: MadeFor;
}

/** What an import needs from its integration: the account's numbers, and the integration's own trunk. */
export const createLineOf =
  <Account extends Provable>({ accounts, store, ensureTrunk, secrets, made_for }: LineDependencies<Account>) =>
  async (integration: IntegrationRecord, read_at: number) => {
    const { integration_id, account_sid, carrier } = integration;
    const { secure } = carrier.made_for ?? (await store.freeze(integration_id, made_for));
    const account = await accounts.accountOf(integration, read_at);
    const region = integration.region ?? DEFAULT_REGION;
    // As last read: its trunk may be made, or made again, meanwhile.
    let known = integration;
    return {
      account_sid,
      is_trial: integration.is_trial ?? false,
      noteUpgrade: () => store.noteUpgrade(integration_id),
      secure: () => known.carrier.made_for?.secure ?? secure,
      numbers: account,
      region,
      // Only credentials of US1 can read the table.
      routes: region === DEFAULT_REGION || integration.has_routing_credentials ? account : undefined,
      requireThere: async () => {
        known = await requireActive(store, integration_id);
      },
      trunkSid: () => known.provisioning.parts.trunk?.resource_id ?? undefined,
      address: () => known.carrier.domain_name,
      rotatedUsername: () => (known.carrier.rotated_at ? known.carrier.username : undefined),
      trunk: async (waiting: Pick<Guard, 'signal' | 'before' | 'waited'>) => {
        known = await ensureTrunk.ensure(known, waiting);
        return {
          trunk_sid: known.provisioning.parts.trunk?.resource_id ?? '',
          address: known.carrier.domain_name,
          ...(await openTrunkCredentials(secrets, known)),
        };
      },
      lookAtTrunk: async (waiting: Pick<Guard, 'signal' | 'before' | 'waited'>) => {
        known = await ensureTrunk.look(integration_id, waiting);
      },
    };
  };
