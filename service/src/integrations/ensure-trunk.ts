import { type IntegrationId, Problem } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import { LeaseLost } from '../lease.ts';
import type { Log } from '../log.ts';
import { backoffMs, guarded, ProviderProblem } from '../provider.ts';
import { goForward, progressOf, tidy } from '../provision.ts';
import { drawToken } from '../random.ts';
import type { Secrets } from '../secrets.ts';
import type { Strays } from '../strays.ts';
import { type CarrierJob, carrierSteps, isReady, type TrunkAccount } from './carrier-trunk.ts';
import type { IntegrationRecord } from './record.ts';
import type { IntegrationClaim, IntegrationStore } from './store.ts';

const LOOK_EVERY_MS = 100;

export interface EnsureTrunkDependencies {
  store: IntegrationStore;
  strays: Strays<IntegrationId>;
  connectAccount(record: IntegrationRecord): Promise<TrunkAccount>;
  secrets: Secrets;
  clock: Clock;
  log: Log;
  installation_id: string;
  secure_trunking: boolean;
  sip_host: string;
  call_ms: number;
  settle_ms: number;
}

export type EnsureTrunk = ReturnType<typeof createEnsureTrunk>;

/** Makes an integration's own carrier trunk, once, whoever needs it first. */
export const createEnsureTrunk = (deps: EnsureTrunkDependencies) => {
  const {
    store,
    strays,
    connectAccount,
    secrets,
    clock,
    log,
    installation_id,
    secure_trunking,
    sip_host,
    call_ms,
    settle_ms,
  } = deps;

  const jobOf = async (claim: IntegrationClaim, before = nothing): Promise<CarrierJob> => {
    const { record } = claim;
    const { integration_id, carrier, provisioning } = record;
    const account = guarded(await connectAccount(record), {
      before: async () => {
        await before();
        await claim.ensure(call_ms);
      },
      doubted: () => {
        provisioning.doubtful_until = new Date(clock.now() + settle_ms);
      },
    });
    return {
      record,
      account,
      name: `trunkline ${installation_id} ${integration_id}`,
      secure: secure_trunking,
      sip_url: `sip:${sip_host};transport=${secure_trunking ? 'tls' : 'tcp'}`,
      password: () => secrets.open(carrier.password, `integrations/${integration_id}/carrier_password`),
      rename: async () => {
        carrier.domain_name = drawDomainName(installation_id, record);
        await claim.write({ $set: { 'carrier.domain_name': carrier.domain_name } });
      },
    };
  };

  /** Makes what is missing, and throws what stopped it. The reconciler finishes it, unless Twilio refuses. */
  const make = async (claim: IntegrationClaim, before = nothing): Promise<void> => {
    const { provisioning } = claim.record;
    const written = () => ({ $set: { 'provisioning.doubtful_until': provisioning.doubtful_until } });
    try {
      await goForward(carrierSteps, await jobOf(claim, before), progressOf(claim, clock.now));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const refused = error instanceof ProviderProblem && !error.passing;
      const again = refused ? undefined : new Date(clock.now() + backoffMs(provisioning.attempt));
      await claim.release(written(), { due_at: again });
      throw error;
    }
    await claim.release(written(), { due_at: provisioning.doubtful_until ?? undefined });
  };

  /** After a lost answer: nothing but what is recorded may be left. */
  const settle = async (claim: IntegrationClaim): Promise<void> => {
    const { doubtful_until } = claim.record.provisioning;
    if (doubtful_until !== null && doubtful_until.getTime() > clock.now())
      return claim.release({}, { due_at: doubtful_until });
    await tidy(carrierSteps, await jobOf(claim), progressOf(claim, clock.now));
    await claim.release({ $set: { 'provisioning.doubtful_until': null } });
  };

  const postponing = (claim: IntegrationClaim) => async (error: unknown) => {
    telling(claim)(error);
    await claim.release({}, { due_at: new Date(clock.now() + backoffMs(claim.record.provisioning.attempt)) });
  };

  const telling = (claim: IntegrationClaim) => (error: unknown) => {
    if (!(error instanceof Problem)) throw error;
    log.warn({ integration_id: claim.record.integration_id, err: error }, 'Twilio failed: put off');
  };

  /** Whoever has the lease now makes the trunk; what we may have made beside it is looked for. */
  const goOnWhereLost = (integration_id: IntegrationId) => (error: unknown) => {
    if (!(error instanceof LeaseLost)) throw error;
    strays(integration_id);
  };

  return {
    /** The integration with its trunk, made by us or by whoever was first. `before` runs while that takes, and may stop it. */
    ensure: async (integration: IntegrationRecord, before: () => Promise<void>): Promise<IntegrationRecord> => {
      const { integration_id } = integration;
      for (let record: IntegrationRecord | null = integration; ; record = await store.getById(integration_id)) {
        if (record === null) throw new Error(`${integration_id} is gone`);
        if (isReady(record)) return record;
        await before();
        const claim = await store.claim(integration_id);
        if (claim === undefined) await clock.sleep(LOOK_EVERY_MS);
        else if (!isReady(claim.record)) await make(claim, before).catch(goOnWhereLost(integration_id));
        else await claim.release({}, { due_at: claim.record.provisioning.doubtful_until ?? undefined });
      }
    },

    duty: {
      name: 'carrier trunks',
      next: async () => {
        const claim = (await store.claimAbandoned()) ?? (await store.claimDue());
        if (claim === undefined) return false;
        const { integration_id } = claim.record;
        const work = isReady(claim.record) ? settle(claim).catch(postponing(claim)) : make(claim).catch(telling(claim));
        await work.catch(goOnWhereLost(integration_id));
        return 'settled';
      },
    },
  };
};

const nothing = async (): Promise<void> => {};

/** `<name>.pstn.twilio.com`: letters, digits and dashes, unique at Twilio. The random end tells a second one from the first. */
export const drawDomainName = (
  installation_id: string,
  { integration_id }: Pick<IntegrationRecord, 'integration_id'>,
): string =>
  `trunkline-${installation_id}-${integration_id.slice('intg_'.length)}-${drawToken().slice(0, 4)}.pstn.twilio.com`;
