import { type Caller, type Handlers, type IntegrationId, Problem } from '@trunkline/contracts';
import type { Background } from '../background.ts';
import type { Transaction } from '../database/connect.ts';
import type { Quotas } from '../database/quota.ts';
import type { Secrets } from '../database/secrets.ts';
import type { EventStore } from '../events/store.ts';
import type { Gate, LeaseSettings, Limiters, Source } from '../provisioning/index.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createAssign, createUnassign } from './assign.ts';
import { createAwaitOutcome } from './await-outcome.ts';
import { createChange, getOwn } from './change.ts';
import { describePhoneNumber, describePhoneNumberDetail, describeRelease } from './describe.ts';
import { createMaskedRouting } from './former-routing.ts';
import { createImport } from './import.ts';
import { type CarrierAccount, createJobs, type LineSettings } from './job.ts';
import { createLifecycle } from './lifecycle.ts';
import { createNewRecord } from './new-record.ts';

import type { Switchboard } from './providers.ts';
import { createReconcile } from './reconcile.ts';
import { createRelease } from './release.ts';
import type { PhoneNumberStore } from './store.ts';
import { createUpdate } from './update.ts';

export interface PhoneNumbersDependencies extends LeaseSettings {
  store: PhoneNumberStore;
  inTransaction: Transaction;
  events: EventStore;
  secrets: Secrets;
  background: Background;
  log: Log;
  metrics: Pick<Metrics, 'imports'>;
  installation_id: string;
  gate: Gate;
  limiterOf: Limiters;
  switchboard: Switchboard;
  lineOf(integration_id: IntegrationId): Promise<CarrierAccount | undefined>;
  lineFor(caller: Caller, integration_id: IntegrationId): Promise<CarrierAccount>;
  settings: LineSettings;
  quotas: Pick<Quotas, 'phone_numbers'>;
  call_ms: number;
  deadline_ms: number;
  retry_base_ms: number;
  allows_local_addresses: boolean;
}

/** Everything about phone numbers, assembled: the handlers, and the reconciler's source. */
export const createPhoneNumbers = (deps: PhoneNumbersDependencies) => {
  const { metrics, log, settings, lineOf, store, gate } = deps;
  const lifecycle = createLifecycle(deps);
  const createJob = createJobs({ ...deps, store, accountOf: lineOf });
  const reconcile = createReconcile({ ...deps, store, lifecycle, createJob });
  const verbs = { ...deps, store, reconcile, lifecycle };
  const change = createChange(verbs);
  const release = createRelease(verbs);
  const importPhoneNumber = createImport({
    ...verbs,
    awaitOutcome: createAwaitOutcome({ ...deps, store }),
    newRecord: createNewRecord(deps),
  });
  const update = createUpdate({ ...deps, store, change });
  const assign = createAssign({ store, change });
  const unassign = createUnassign({ store, change });
  const maskedRoutingOf = createMaskedRouting(deps.secrets);
  const describe = (record: Parameters<typeof describePhoneNumber>[0]) =>
    describePhoneNumber(record, settings.sip_host);

  const phoneNumbers: Handlers['phoneNumbers'] = {
    import: async (caller, input) => {
      await gate.requireOpen();
      const { provider } = input;
      const measured = metrics.imports.startTimer({ provider });
      const ended = (outcome: string) => {
        measured({ outcome });
        log.info({ event: 'import_ended', provider, outcome }, 'An import ended');
      };
      try {
        const record = await importPhoneNumber(caller, input);
        ended('imported');
        return {
          success: true,
          message: `Phone number imported successfully with ${provider}`,
          data: describe(record),
        };
      } catch (error) {
        ended(error instanceof Problem ? error.code : 'internal');
        throw error;
      }
    },
    list: async (caller, input) => {
      const { data, pagination } = await store.list(caller.organization_id, input);
      return { success: true, data: data.map(describe), pagination };
    },
    get: async (caller, input) => {
      const record = await getOwn(store, caller, input);
      const former_routing = await maskedRoutingOf(record);
      return { success: true, data: describePhoneNumberDetail(record, settings.sip_host, former_routing) };
    },
    update: async (caller, input) => {
      await gate.requireOpen();
      return { success: true, message: 'Phone number updated', data: describe(await update(caller, input)) };
    },
    assign: async (caller, input) => {
      await gate.requireOpen();
      const record = await assign(caller, input);
      return { success: true, message: `Phone number assigned to ${input.agent_id}`, data: describe(record) };
    },
    unassign: async (caller, input) => {
      await gate.requireOpen();
      const record = await unassign(caller, input);
      return { success: true, message: 'Phone number unassigned', data: describe(record) };
    },
    release: async (caller, input) => {
      await gate.requireOpen();
      const data = describeRelease(await release(caller, input));
      const message =
        data.provisioning_state === 'released' ? 'Phone number released' : 'Phone number is being released';
      return { success: true, message, data };
    },
  };

  return {
    handlers: { phoneNumbers },
    /** Work that was interrupted or postponed, and leftovers that may have appeared after a release. */
    source: {
      name: 'phone numbers',
      dueQueues: store.dueQueues,
      claim: async (queue) => {
        const claim = await store.claimDue(queue);
        return claim && (() => reconcile.reconcile(claim));
      },
    } satisfies Source,
    /** For the metrics. */
    countByState: store.countByState,
    longestDue: store.longestDue,
  };
};
