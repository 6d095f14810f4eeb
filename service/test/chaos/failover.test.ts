import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Cluster,
  type SandboxProcess,
  type ServiceProcess,
  startCluster,
  startSandbox,
  startService,
} from './processes.ts';
import { expectWhole, settled } from './whole-world.ts';

let cluster: Cluster;
let sandbox: SandboxProcess;
let replicas: ServiceProcess[];

const patient = { LEASE_SECONDS: '10', PROVIDER_TIMEOUT_SECONDS: '5', IMPORT_DEADLINE_SECONDS: '25' };

beforeAll(async () => {
  cluster = await startCluster(3);
  sandbox = await startSandbox(100);
  replicas = await Promise.all([1, 2].map(() => startService(sandbox, cluster.uri, patient)));
});
afterAll(async () => {
  await Promise.all(replicas?.map((replica) => replica.end('SIGTERM')) ?? []);
  await sandbox?.close();
  await cluster?.close();
});

it('loses nothing and doubles nothing when the primary steps down in the middle of 100 imports', async () => {
  const { sid: account_sid, auth_token, numbers } = sandbox.account;
  const credentials = { provider: 'twilio', account_sid, auth_token };
  const { body } = await replicas[0]!.caller.rest('POST', '/api/integrations', { name: 'Failover', credentials });
  const ofTwilio = {
    provider: 'twilio',
    supports_inbound: true,
    supports_outbound: true,
    integration_id: body.data.integration_id,
  };
  let steppedDown = 0;

  /** As a careful caller does: the same request with the same key, until it is answered for good. */
  const importNumber = async (phone_number: string, n: number) => {
    await wait(n * 20);
    for (let tries = 0; tries < 120; tries++) {
      const { caller } = replicas[(n + tries) % 2]!;
      const answer = await caller.rest(
        'POST',
        '/api/phone-numbers',
        { ...ofTwilio, phone_number },
        { 'Idempotency-Key': `import-${n}` },
      );
      if (answer.status === 201) return answer;
      // Every failure is one of which the answer says when to try again.
      expect(answer.body).toHaveProperty('retry_after_seconds');
      await wait(500);
    }
    throw new Error(`${phone_number} was never imported`);
  };
  const imports = Promise.all(numbers.map(importNumber));
  for (const after_ms of [500, 1000]) {
    await wait(after_ms);
    await cluster.client.db('admin').command({ replSetStepDown: 20, force: true });
    steppedDown++;
  }
  const answers = await imports;
  expect(steppedDown).toBe(2);
  expect(new Set(answers.map((answer) => answer.body.data.phone_number_id)).size).toBe(100);
  await settled(cluster);
  const records = await expectWhole(cluster, sandbox);
  expect(records.map(({ phone_number }) => phone_number).toSorted()).toEqual(numbers.toSorted());
  expect((await sandbox.world()).twilio.trunk).toHaveLength(1);
  // One event tells of each import, and none of what did not happen.
  const events = await cluster.client
    .db()
    .collection('events')
    .find({ type: /^phone_number/ })
    .toArray();
  expect(events.filter(({ type }) => type === 'phone_number.imported')).toHaveLength(100);
});
