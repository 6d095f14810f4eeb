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
  sandbox = await startSandbox(200);
  replicas = await Promise.all([1, 2].map(() => startService(sandbox, cluster.uri, patient)));
});
afterAll(async () => {
  await Promise.all(replicas?.map((replica) => replica.end('SIGTERM')) ?? []);
  await sandbox?.close();
  await cluster?.close();
});

const stepDown = async (...after: number[]) => {
  for (const after_ms of after) {
    await wait(after_ms);
    await cluster.client.db('admin').command({ replSetStepDown: 20, force: true });
  }
};

it('loses and duplicates nothing when the primary steps down during 200 imports and 200 releases', async () => {
  const { sid: account_sid, auth_token, numbers } = sandbox.account;
  const credentials = { provider: 'twilio', account_sid, auth_token };
  const { body } = await replicas[0]!.caller.rest('POST', '/api/integrations', { name: 'Failover', credentials });
  const ofTwilio = {
    provider: 'twilio',
    supports_inbound: true,
    supports_outbound: true,
    integration_id: body.data.integration_id,
  };

  /** Like a careful client: repeats the request with the same key until it gets a final answer. */
  const importNumber = async (phone_number: string, n: number) => {
    await wait(n * 10);
    for (let tries = 0; tries < 120; tries++) {
      const { caller } = replicas[(n + tries) % 2]!;
      const answer = await caller.rest(
        'POST',
        '/api/phone-numbers',
        { ...ofTwilio, phone_number },
        { 'Idempotency-Key': `import-${n}` },
      );
      if (answer.status === 201) return answer;
      // Every failure says when to try again.
      expect(answer.body).toHaveProperty('retry_after_seconds');
      await wait(500);
    }
    throw new Error(`${phone_number} was never imported`);
  };
  const imports = Promise.all(numbers.map(importNumber));
  await stepDown(500, 1000);
  const answers = await imports;
  expect(new Set(answers.map((answer) => answer.body.data.phone_number_id)).size).toBe(200);
  await settled(cluster);
  const records = await expectWhole(cluster, sandbox);
  expect(records.map(({ phone_number }) => phone_number).toSorted()).toEqual(numbers.toSorted());
  expect((await sandbox.world()).twilio.trunk).toHaveLength(1);
  // Each import has exactly one event.
  const events = await cluster.client
    .db()
    .collection('events')
    .find({ type: /^phone_number/ })
    .toArray();
  expect(events.filter(({ type }) => type === 'phone_number.imported')).toHaveLength(200);

  const before = (await sandbox.world()).twilio.number;
  const ids = records.map(({ phone_number_id }) => phone_number_id as string);
  /** Repeats until the number is gone, by this response or an earlier one that was lost. */
  const release = async (phone_number_id: string, n: number) => {
    await wait(n * 10);
    for (let tries = 0; tries < 120; tries++) {
      const { status, body } = await replicas[(n + tries) % 2]!.caller.rest(
        'DELETE',
        `/api/phone-numbers/${phone_number_id}`,
      );
      if (status === 200 || status === 404) return;
      if (status !== 202) expect(body).toHaveProperty('retry_after_seconds');
      await wait(500);
    }
    throw new Error(`${phone_number_id} was never released`);
  };
  const releases = Promise.all(ids.map(release));
  await stepDown(500, 1000);
  await releases;
  await settled(cluster);
  expect(await expectWhole(cluster, sandbox)).toEqual([]);
  const routings = (await sandbox.world()).twilio.number ?? [];
  expect(routings).toHaveLength(before?.length ?? 0);
  expect(routings.filter(({ trunk_sid }) => trunk_sid !== null)).toEqual([]);
  const released = await cluster.client.db().collection('events').find({ type: 'phone_number.released' }).toArray();
  expect(released.map(({ subject_id }) => subject_id).toSorted()).toEqual(ids.toSorted());
}, 300_000);
