import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import {
  type Cluster,
  type SandboxProcess,
  type ServiceProcess,
  startCluster,
  startSandbox,
  startService,
} from './processes.ts';

/** The two moments of a call at which it is held: before it takes effect, and after. */
export const moments = ['hold_before', 'hold_after'] as const;

/** What a test file needs to kill the service in the middle of something. The database is the file's own. */
export const openKillWorld = () => {
  let cluster: Cluster;
  let sandbox: SandboxProcess;
  let victim: ServiceProcess;
  let survivor: ServiceProcess | undefined;
  let integration_id: string;
  let phone_number: string;

  const startVictim = async (environment: Record<string, string> = {}): Promise<void> => {
    victim = await startService(sandbox, cluster.uri, environment);
    // What the start looks at would meet a fault that is meant for another call.
    await victim.line(/"check":"credentials"/);
  };

  beforeAll(async () => {
    cluster = await startCluster(1);
  });
  afterAll(() => cluster.close());

  // A fresh world for each case: the first import of an integration makes the most calls.
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

  /** Undefined: the service was gone before it answered. */
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
    /** In the place of the victim that there is. */
    startVictim,
    /** Another replica, which finishes what the victim has begun. */
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
    /** How Twilio routes the number. */
    routing: async () => {
      const { twilio } = await sandbox.world();
      return { ...twilio.number?.find((it) => it.phone_number === phone_number), date_updated: undefined };
    },
  };
};
