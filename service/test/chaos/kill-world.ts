import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import {
  type Cluster,
  type SandboxProcess,
  type ServiceProcess,
  startCluster,
  startSandbox,
  startService,
} from './processes.ts';

/** A call is held either before or after it takes effect. */
export const moments = ['hold_before', 'hold_after'] as const;

/** What a test file needs to kill the service at a chosen moment, with its own database. */
export const openKillWorld = () => {
  let cluster: Cluster;
  let sandbox: SandboxProcess;
  let victim: ServiceProcess;
  let survivor: ServiceProcess | undefined;
  let integration_id: string;
  let phone_number: string;

  const startVictim = async (environment: Record<string, string> = {}): Promise<void> => {
    victim = await startService(sandbox, cluster.uri, environment);
    // Otherwise the checks at the start would meet a fault meant for another call.
    await victim.line(/"check":"credentials"/);
  };

  beforeAll(async () => {
    cluster = await startCluster(1);
  });
  afterAll(() => cluster.close());

  // A fresh sandbox for each case, because the first import of an integration makes the most calls.
  beforeEach(async () => {
    await cluster.client.db().dropDatabase();
    sandbox = await startSandbox(1);
    await startVictim();
    const { sid: account_sid, auth_token, numbers } = sandbox.account;
    const credentials = { provider: 'twilio', account_sid, auth_token };
    const { body } = await victim.caller.rest('POST', '/api/integrations', { name: 'Kill', credentials });
    integration_id = body.data.integration_id;
    phone_number = numbers[0]!;
  });
  afterEach(async () => {
    await Promise.all([victim.end(), survivor?.end(), sandbox.close()]);
  });

  /** Undefined if the service died before it answered. */
  const importNumber = (by: ServiceProcess = victim) => {
    const input = { phone_number, provider: 'twilio', supports_inbound: true, supports_outbound: true, integration_id };
    return by.caller.rest('POST', '/api/phone-numbers', input).catch(() => undefined);
  };

  return {
    get cluster() {
      return cluster;
    },
    get sandbox() {
      return sandbox;
    },
    get victim() {
      return victim;
    },
    get phone_number() {
      return phone_number;
    },
    /** Replaces the current victim. */
    startVictim,
    /** Another replica, which completes what the victim began. */
    startSurvivor: async (): Promise<ServiceProcess> => {
      survivor = await startService(sandbox, cluster.uri);
      return survivor;
    },
    importNumber,
    imported: async (): Promise<{ phone_number_id: string }> => {
      const answer = await importNumber();
      expect(answer?.status).toBe(201);
      return answer?.body.data;
    },
    /** The number's routing at Twilio. */
    routing: async () => {
      const { twilio } = await sandbox.world();
      return { ...twilio.number?.find((it) => it.phone_number === phone_number), date_updated: undefined };
    },
  };
};
