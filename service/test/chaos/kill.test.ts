import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Cluster,
  type SandboxProcess,
  type ServiceProcess,
  startCluster,
  startSandbox,
  startService,
} from './processes.ts';
import { expectWhole, settled } from './whole-world.ts';

/** Each call that importing and undoing make. */
const importing = [
  'twilio.listNumbers',
  'livekit.CreateSIPInboundTrunk',
  'livekit.CreateSIPDispatchRule',
  'twilio.createTrunk',
  'twilio.createCredentialList',
  'twilio.createOriginationUrl',
  'twilio.createCredential',
  'twilio.createPermission',
  'livekit.CreateSIPOutboundTrunk',
  'twilio.updateNumber',
];
/** What undoing calls where the last step was refused, and where the deadline passed while it was under way. */
const undoing = [
  { call: 'livekit.DeleteSIPTrunk', skip: 0, late: false },
  { call: 'livekit.DeleteSIPDispatchRule', skip: 0, late: false },
  { call: 'livekit.DeleteSIPTrunk', skip: 1, late: false },
  { call: 'twilio.fetchNumber', skip: 0, late: true },
  { call: 'twilio.updateNumber', skip: 0, late: true },
];
/** What a release calls, first and last of each provider. Each pair of faults with a kill between is in test/faults. */
const releasing = [
  { call: 'twilio.updateNumber', skip: 0, kind: 'hold_before' },
  { call: 'twilio.updateNumber', skip: 0, kind: 'hold_after' },
  { call: 'livekit.DeleteSIPTrunk', skip: 0, kind: 'hold_after' },
  { call: 'livekit.DeleteSIPTrunk', skip: 1, kind: 'hold_after' },
] as const;
const moments = ['hold_before', 'hold_after'] as const;
const LEASE_MS = 1500;
/** Room for an import on a slow machine before its deadline, and for a call that outlasts it where another was slow. */
const late = { IMPORT_DEADLINE_SECONDS: '6', PROVIDER_TIMEOUT_SECONDS: '5', LEASE_SECONDS: '8' };
const SLOW_MS = 2000;

let cluster: Cluster;
let sandbox: SandboxProcess;
let victim: ServiceProcess;
let survivor: ServiceProcess;
let integration_id: string;
let phone_number: string;

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
const startVictim = async (environment: Record<string, string> = {}) => {
  victim = await startService(sandbox, cluster.uri, environment);
};
afterEach(async () => {
  await Promise.all([victim.end(), survivor?.end(), sandbox.close()]);
});

const importNumber = () => {
  const input = { phone_number, provider: 'twilio', supports_inbound: true, supports_outbound: true, integration_id };
  return victim.caller.rest('POST', '/api/phone-numbers', input).catch(() => undefined);
};

const imported = async (): Promise<{ phone_number_id: string }> => {
  const answer = await importNumber();
  expect(answer?.status).toBe(201);
  return answer?.body.data;
};

/** How Twilio routes the number. */
const routing = async () => {
  const { twilio } = await sandbox.world();
  return { ...twilio.number?.find((it) => it.phone_number === phone_number), date_updated: undefined };
};

describe('a process that is killed', () => {
  for (const call of importing) {
    for (const kind of moments) {
      it(`while ${call} is under way (${kind}) leaves a number that is simply there`, async () => {
        await sandbox.fault({ call, kind });
        const answer = importNumber();
        await sandbox.holding();
        await victim.end('SIGKILL');
        await answer;
        await sandbox.release();
        survivor = await startService(sandbox, cluster.uri);
        await settled(cluster);
        const records = await expectWhole(cluster, sandbox);
        expect(records.map((record) => record.phone_number)).toEqual([phone_number]);
      });
    }
  }

  for (const { call, skip, late: isLate } of undoing) {
    for (const kind of moments) {
      it(`while ${call} ${skip + 1} undoes (${kind}) leaves nothing, and the number can be imported`, async () => {
        if (isLate) {
          await victim.end('SIGTERM');
          await startVictim(late);
          await sandbox.fault({ call: 'twilio.listNumbers', kind: 'slow', delay_ms: SLOW_MS });
          await sandbox.fault({ call: 'twilio.updateNumber', kind: 'hold_after' });
        } else {
          await sandbox.fault({ call: 'twilio.updateNumber', kind: 'answer', status: 400 });
          await sandbox.fault({ call, skip, kind });
        }
        const answer = importNumber();
        await sandbox.holding();
        if (isLate) {
          expect(await answer).toMatchObject({ status: 504, body: { code: 'provider_timeout' } });
          await sandbox.fault({ call, skip, kind });
          await sandbox.release();
          await sandbox.holding();
        }
        await victim.end('SIGKILL');
        await answer;
        await sandbox.release();
        survivor = await startService(sandbox, cluster.uri);
        await settled(cluster);
        expect(await expectWhole(cluster, sandbox)).toEqual([]);
        victim = survivor;
        expect((await importNumber())?.status).toBe(201);
        await settled(cluster);
        await expectWhole(cluster, sandbox);
      });
    }
  }
});

describe('a process that is killed during a release', () => {
  for (const { call, skip, kind } of releasing) {
    it(`while ${call} ${skip + 1} is under way (${kind}) leaves nothing, and the number can be imported`, async () => {
      const before = await routing();
      const { phone_number_id } = await imported();
      await sandbox.fault({ call, skip, kind });
      const path = `/api/phone-numbers/${phone_number_id}`;
      const answer = victim.caller.rest('DELETE', path).catch(() => undefined);
      await sandbox.holding();
      await victim.end('SIGKILL');
      await answer;
      await sandbox.release();
      survivor = await startService(sandbox, cluster.uri);
      await settled(cluster);
      expect(await expectWhole(cluster, sandbox)).toEqual([]);
      expect(await routing()).toEqual(before);
      victim = survivor;
      expect((await importNumber())?.status).toBe(201);
      await settled(cluster);
      await expectWhole(cluster, sandbox);
    });
  }

  it('at any moment of it leaves nothing', async () => {
    const before = await routing();
    for (let after_ms = 0; ; after_ms += 25) {
      const { phone_number_id } = await imported();
      await sandbox.fault({ call: 'twilio.updateNumber', kind: 'slow', delay_ms: 40 });
      await sandbox.fault({ call: 'livekit.DeleteSIPDispatchRule', kind: 'slow', delay_ms: 40 });
      const path = `/api/phone-numbers/${phone_number_id}`;
      const answer = victim.caller.rest('DELETE', path).catch(() => undefined);
      const ended = await Promise.race([answer, wait(after_ms, 'killed' as const)]);
      if (ended !== 'killed') return;
      await victim.end('SIGKILL');
      await startVictim();
      // Killed before it was written, the number is as it was: then it is released anew.
      await settled(cluster);
      await victim.caller.rest('DELETE', path);
      await settled(cluster);
      expect(await expectWhole(cluster, sandbox)).toEqual([]);
      expect(await routing()).toEqual(before);
    }
  }, 600_000);
});

describe('a process that is paused past its lease, and goes on', () => {
  for (const call of [
    'livekit.CreateSIPInboundTrunk',
    'livekit.CreateSIPDispatchRule',
    'livekit.CreateSIPOutboundTrunk',
    'twilio.updateNumber',
  ]) {
    for (const kind of moments) {
      it(`does no harm, paused while ${call} is under way (${kind})`, async () => {
        survivor = await startService(sandbox, cluster.uri);
        await sandbox.fault({ call, kind });
        const answer = importNumber();
        await sandbox.holding();
        victim.child.kill('SIGSTOP');
        // The other replica takes over, and has time to be done.
        await wait(2 * LEASE_MS);
        await sandbox.release();
        victim.child.kill('SIGCONT');
        await answer;
        await settled(cluster);
        const records = await expectWhole(cluster, sandbox);
        expect(records.length).toBeLessThanOrEqual(1);
      });
    }
  }
});
