import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
let integration_id: string;

// Long enough for a crowd on a slow machine: no replica may lose its lease here.
const patient = { LEASE_SECONDS: '60', PROVIDER_TIMEOUT_SECONDS: '30', IMPORT_DEADLINE_SECONDS: '120' };
const both = { provider: 'twilio', supports_inbound: true, supports_outbound: true };

beforeAll(async () => {
  cluster = await startCluster(1);
  sandbox = await startSandbox(60);
  replicas = await Promise.all([1, 2].map(() => startService(sandbox, cluster.uri, patient)));
  const { sid: account_sid, auth_token } = sandbox.account;
  const credentials = { provider: 'twilio', account_sid, auth_token };
  const { body } = await replicas[0]!.caller.rest('POST', '/api/integrations', { name: 'Crowd', credentials });
  integration_id = body.data.integration_id;
});
afterAll(async () => {
  for (const replica of replicas) expect(await replica.end('SIGTERM')).toBe(0);
  await sandbox.close();
  await cluster.close();
});

describe('two replicas that start at once on an empty database', () => {
  it('create one organization and one key', async () => {
    expect(await cluster.client.db().collection('organizations').countDocuments()).toBe(1);
    expect(await cluster.client.db().collection('api_keys').countDocuments()).toBe(1);
    expect(replicas[0]!.caller.organization_id).toBe(replicas[1]!.caller.organization_id);
  });
});

describe('a crowd of requests on two replicas', () => {
  it('with 50 concurrent first imports makes one carrier trunk', async () => {
    const numbers = sandbox.account.numbers.slice(0, 50);
    const answers = await Promise.all(
      numbers.map((phone_number, n) =>
        replicas[n % 2]!.caller.rest('POST', '/api/phone-numbers', { ...both, phone_number, integration_id }),
      ),
    );
    expect(answers.filter(({ status }) => status !== 201).map(({ body }) => body)).toEqual([]);
    await settled(cluster);
    await expectWhole(cluster, sandbox);
    expect((await sandbox.world()).twilio.trunk).toHaveLength(1);
  });

  it('with 500 concurrent imports of one number lets one win, and builds it once', async () => {
    const phone_number = sandbox.account.numbers[55]!;
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, n) =>
        replicas[n % 2]!.caller.rest('POST', '/api/phone-numbers', { ...both, phone_number, integration_id }),
      ),
    );
    const told = Object.groupBy(answers, ({ status, body }) => `${status} ${body.code ?? ''}`.trim());
    expect(Object.fromEntries(Object.entries(told).map(([what, list]) => [what, list?.length]))).toEqual({
      '201': 1,
      '409 phone_number_taken': 499,
    });
    await settled(cluster);
    const records = await expectWhole(cluster, sandbox);
    expect(records.filter((record) => record.phone_number === phone_number)).toHaveLength(1);
  });
});
