import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChecks, runChecks } from '../src/checks/index.ts';
import type { Finding } from '../src/checks/run-checks.ts';
import { tableOf } from '../src/checks/table.ts';
import { type Clock, systemClock } from '../src/clock.ts';
import { connect } from '../src/database/connect.ts';
import { createSecrets } from '../src/database/secrets.ts';
import { allAccounts } from '../src/integrations/all-accounts.ts';
import { createIntegrationStore } from '../src/integrations/store.ts';
import { createLiveKit } from '../src/vendors/livekit.ts';
import { createTwilio } from '../src/vendors/twilio.ts';
import { startStandalone } from './mongod.ts';
import { drawNumber, type OpenedService, openService, TEST_KEYS, uniqueDatabase } from './open-service.ts';
import { openSipServer, type SipServer } from './sip-server.ts';

const cli = join(import.meta.dirname, '../src/admin/cli.ts');
const mongodb_uri = uniqueDatabase();

let service: OpenedService;
let sip: SipServer;
let host: string;
beforeAll(async () => {
  service = await openService({ mongodb_uri });
  sip = await openSipServer({ transport: 'tcp' });
  host = new URL(service.sandbox.url).host;
  await service.connection.collection('installations').updateOne({}, { $set: { project: host } });
});
afterAll(async () => {
  await sip[Symbol.asyncDispose]();
  await service.close();
});

const environmentOf = (more: Record<string, string> = {}) => ({
  MONGODB_URI: mongodb_uri,
  LIVEKIT_URL: service.sandbox.livekit.url,
  LIVEKIT_API_KEY: service.sandbox.livekit.api_key,
  LIVEKIT_API_SECRET: service.sandbox.livekit.api_secret,
  LIVEKIT_SIP_HOST: `127.0.0.1:${sip.port}`,
  TWILIO_API_URL: service.sandbox.url,
  ENCRYPTION_KEYS: TEST_KEYS,
  ...more,
});

const run = (environment: Record<string, string>) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [cli, 'check', '--seconds', '60'],
      { env: environment, timeout: 100_000 },
      (_, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
const findingsOf = async (more: Record<string, string>) => {
  const { code, out } = await run(environmentOf(more));
  return { code, findings: JSON.parse(out).findings as Finding[] };
};

interface Changed {
  clock?: Clock;
  api_secret?: string;
  twilio_url?: string;
  keys?: ReadonlyMap<string, Uint8Array>;
}

/** Runs the check of this name in this process, with these changes. */
const look = async (name: string, changed: Changed = {}): Promise<Finding[]> => {
  const { livekit, url } = service.sandbox;
  const unmeasured = { timeout_ms: 10_000, measureCall: <T>(_: string, run: () => Promise<T>) => run() };
  const api_secret = changed.api_secret ?? livekit.api_secret;
  const secrets = changed.keys ? createSecrets(changed.keys) : service.secrets;
  const checks = createChecks({
    database: {
      connection: Promise.resolve(service.connection),
      accounts: (connection) =>
        allAccounts({
          store: createIntegrationStore(connection, { clock: systemClock, lease_ms: 1, settle_ms: 1 }),
          secrets,
          connect: createTwilio({ url, ...unmeasured }),
          made_for: { sip_host: 'sandbox.sip.invalid', secure: false },
        }),
    },
    livekit: { url: livekit.url, findForAll: createLiveKit({ ...livekit, ...unmeasured, api_secret }).findForAll },
    livekit_project: host,
    twilio_url: changed.twilio_url ?? url,
    made_for: { sip_host: `127.0.0.1:${sip.port}`, secure: false },
    clock: changed.clock ?? systemClock,
  });
  const { signal } = new AbortController();
  return runChecks(
    checks.filter((check) => check.name === name),
    { signal, longest_ms: 30_000 },
  );
};

// Each test starts one or two processes.
describe('trunkline check', { timeout: 120_000 }, () => {
  it('finds a working installation in order, prints JSON, and exits with 0', async () => {
    const { code, findings } = await findingsOf({});
    expect(findings.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual([
      'database',
      'livekit_key',
      'livekit_for_all',
      'sip_host',
      'clock',
      'clock',
      'carrier_trunks',
      'credentials',
    ]);
    expect(code).toBe(0);
  });

  it('exits with 0 if there are only warnings, and with 1 if a check failed', async () => {
    const silent = await openSipServer({ transport: 'tcp' });
    await silent[Symbol.asyncDispose]();
    const warned = await findingsOf({ LIVEKIT_SIP_HOST: `127.0.0.1:${silent.port}` });
    expect(warned.findings.map(({ state }) => state)).toContain('warning');
    expect(warned.code).toBe(0);
    const failed = await findingsOf({ LIVEKIT_API_SECRET: 'another-secret-of-thirty-two-letters' });
    const key = failed.findings.find(({ check }) => check === 'livekit_key');
    expect(key).toMatchObject({ state: 'failed', said: expect.stringMatching(/ refuses the key \(401: /) });
    expect(failed.findings.map(({ check }) => check)).not.toContain('livekit_for_all');
    expect(failed.code).toBe(1);
  });

  it.each([
    { more: { LIVEKIT_SIP_HOST: '' }, said: /^Invalid configuration.*\n.*LIVEKIT_SIP_HOST is required/ },
    { more: { PORT: 'x' }, said: /PORT must be a port/ },
    {
      more: { LIVEKIT_URL: '', LIVEKIT_API_KEY: '', LIVEKIT_API_SECRET: '', LIVEKIT_SIP_HOST: '' },
      said: /^There is nothing to check in the sandbox/,
    },
  ])('exits with 2 if it cannot run: $more', async ({ more, said }) => {
    const { code, out, err } = await run(environmentOf(more));
    expect({ code, out, err }).toEqual({ code: 2, out: '', err: expect.stringMatching(said) });
  });

  it('reports a database that is not a replica set, and runs the other checks', async () => {
    await using standalone = await startStandalone();
    const { code, findings } = await findingsOf({ MONGODB_URI: standalone.uri });
    expect(findings[0]).toMatchObject({
      check: 'database',
      state: 'failed',
      said: expect.stringMatching(/^MONGODB_URI is a standalone server\./),
    });
    expect(findings.filter(({ state }) => state === 'failed')).toHaveLength(1);
    expect(code).toBe(1);
  });

  it('stops at Ctrl-C, even while a server stays silent', async () => {
    const asked = Promise.withResolvers<void>();
    const silent = createServer(() => asked.resolve()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const env = environmentOf({ LIVEKIT_URL: url });
    const child = spawn(process.execPath, [cli, 'check', '--seconds', '60'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await asked.promise;
    child.kill('SIGINT');
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect({ said, code }).toEqual({ said: 'Interrupted. Nothing was changed.\n', code: 130 });
    silent.closeAllConnections();
    silent.close();
  });

  it('leaves out the database if the service would start its own', async () => {
    const { findings } = await findingsOf({ MONGODB_URI: '' });
    expect(findings.map(({ check }) => check)).toEqual([
      'livekit_key',
      'livekit_for_all',
      'sip_host',
      'clock',
      'clock',
    ]);
  });
});

describe('the check of the database', { timeout: 60_000 }, () => {
  const installations = () => service.connection.collection('installations');

  it('reports another LiveKit project, and a schema of another version', async () => {
    const before = (await installations().findOne({}))!;
    const seen = async (changed: object) => {
      await installations().updateOne({}, { $set: changed });
      const [finding] = await look('database');
      await installations().replaceOne({}, before);
      return finding;
    };
    expect(await seen({ project: 'another.livekit.cloud' })).toMatchObject({
      state: 'failed',
      said: expect.stringContaining('belongs to the LiveKit project another.livekit.cloud'),
    });
    expect(await seen({ schema: 99 })).toMatchObject({ state: 'failed', said: expect.stringContaining('schema 99') });
    expect(await seen({ schema: 1 })).toMatchObject({ state: 'warning', said: expect.stringContaining('schema 1') });
    expect(await look('database')).toMatchObject([{ state: 'ok' }]);
  });

  it('changes nothing in an empty database', async () => {
    const uri = uniqueDatabase();
    const { findings } = await findingsOf({ MONGODB_URI: uri });
    expect(findings[0]).toMatchObject({ state: 'ok', said: expect.stringContaining('empty') });
    const connection = await connect(uri);
    expect(await connection.db!.collections()).toEqual([]);
    await connection.close();
  });
});

describe('the check for LiveKit resources that take every call', () => {
  const put = (kind: string, id: string, thing: object) => service.sandbox.shelf.put(`livekit.${kind}`, id, thing);
  const remove = (kind: string, id: string) => service.sandbox.shelf.remove(`livekit.${kind}`, id);

  it('names foreign trunks and rules that take every call, and no others', async () => {
    await service.admin.client.phoneNumbers.import.mutate({
      phone_number: drawNumber(),
      provider: 'sip',
      supports_inbound: true,
    });
    const ours = JSON.stringify({ trunkline: { installation_id: service.installation_id, phone_number_id: 'phon_1' } });
    await put('inbound_trunk', 'ST_ours', { sipTrunkId: 'ST_ours', numbers: [], metadata: ours });
    await put('inbound_trunk', 'ST_one', { sipTrunkId: 'ST_one', numbers: ['+15550001111'] });
    expect(await look('livekit_for_all')).toMatchObject([{ state: 'ok' }]);

    await put('inbound_trunk', 'ST_all', { sipTrunkId: 'ST_all', numbers: [] });
    await put('dispatch_rule', 'SDR_all', {
      sipDispatchRuleId: 'SDR_all',
      trunkIds: [],
      rule: { dispatchRuleDirect: { roomName: 'lobby' } },
    });
    const [trunk, rule, ...more] = await look('livekit_for_all');
    expect(trunk).toMatchObject({
      state: 'warning',
      said: expect.stringMatching(/^The inbound trunk ST_all at LiveKit has/),
    });
    expect(rule).toMatchObject({
      state: 'warning',
      said: expect.stringMatching(/^The dispatch rule SDR_all at LiveKit is/),
    });
    expect(more).toEqual([]);

    await put('inbound_trunk', 'ST_other', { sipTrunkId: 'ST_other', numbers: [], allowedNumbers: ['+1555'] });
    const [two] = await look('livekit_for_all');
    expect(two?.said).toMatch(/^2 inbound trunks \(ST_all, ST_other\) .* refuses every new trunk/);
    for (const id of ['ST_ours', 'ST_one', 'ST_all', 'ST_other']) await remove('inbound_trunk', id);
    await remove('dispatch_rule', 'SDR_all');
  });
});

describe('the check of the clock', () => {
  const off = (ms: number): Clock => ({ ...systemClock, now: () => Date.now() + ms });

  it.each([
    { ms: 60_000, said: /^The clock of this machine is (59|6[01]) s ahead of LiveKit's\.$/ },
    { ms: -60_000, said: /^The clock of this machine is (59|6[01]) s behind LiveKit's\.$/ },
  ])('fails if it is off by $ms ms', async ({ ms, said }) => {
    const [livekit, twilio] = await look('clock', { clock: off(ms) });
    expect(livekit).toMatchObject({ state: 'failed', said: expect.stringMatching(said) });
    expect(twilio).toMatchObject({ state: 'failed', advice: expect.stringContaining('NTP') });
  });

  it.each([0, 20_000, -20_000])('passes if it is off by %d ms', async (ms) => {
    expect(await look('clock', { clock: off(ms) })).toMatchObject([{ state: 'ok' }, { state: 'ok' }]);
  });

  it('only warns if one of the two cannot be reached', async () => {
    const closed = await openSipServer({ transport: 'tcp' });
    await closed[Symbol.asyncDispose]();
    const [livekit, twilio] = await look('clock', { twilio_url: `http://127.0.0.1:${closed.port}` });
    expect(livekit).toMatchObject({ state: 'ok' });
    expect(twilio).toMatchObject({ state: 'warning', said: expect.stringContaining('ECONNREFUSED') });
  });
});

describe('the checks of the integrations', () => {
  it('name an account whose credentials Twilio no longer accepts, and one whose trunk has other settings', async () => {
    const caller = await service.newOrganization();
    const phone_number = drawNumber();
    const { integration_id, account_sid } = await service.integrate(caller, [{ phone_number }]);
    const both = { provider: 'twilio', supports_inbound: true, integration_id, phone_number } as const;
    await caller.client.phoneNumbers.import.mutate(both);
    expect(await look('credentials')).toMatchObject([{ state: 'ok' }]);
    expect(await look('carrier_trunks')).toMatchObject([{ state: 'ok' }]);

    const integrations = service.connection.collection('integrations');
    await integrations.updateOne({ integration_id }, { $set: { 'carrier.made_for.secure': true } });
    expect(await look('carrier_trunks')).toMatchObject([
      { state: 'warning', said: expect.stringContaining(`The integration ${integration_id} has its trunk made for`) },
    ]);

    const account = await service.sandbox.shelf.get<object>('twilio.account', account_sid);
    await service.sandbox.shelf.put('twilio.account', account_sid, { ...account, auth_token: 'f'.repeat(32) });
    const refused = `${integration_id}: Twilio rejected the credentials of the account ${account_sid}`;
    expect(await look('credentials')).toMatchObject([{ state: 'warning', said: expect.stringContaining(refused) }]);

    const other = new Map([['other', new Uint8Array(32)]]);
    expect(await look('credentials', { keys: other })).toMatchObject([
      { state: 'failed', said: expect.stringContaining('ENCRYPTION_KEYS has no key "test"') },
    ]);
  });
});

describe('the log after the start', () => {
  it('has a line for each finding, leaves out what settings_differ says, and has none while the service is paused', async () => {
    const { signal } = new AbortController();
    const lines = () =>
      service.logged.map((line) => JSON.parse(line)).filter(({ event }) => event?.startsWith('check_'));
    await service.tellFindings(signal);
    expect(new Set(lines().map(({ check }) => check))).toEqual(
      new Set(['database', 'livekit_key', 'livekit_for_all', 'sip_host', 'clock', 'credentials']),
    );
    const host = lines().find(({ check }) => check === 'sip_host');
    expect(host).toMatchObject({ event: 'check_failed', level: 50, advice: expect.any(String) });
    const count = lines().length;
    await service.connection.collection('installations').updateOne({}, { $set: { paused_at: new Date() } });
    service.clock.advance(2000);
    await service.tellFindings(signal);
    expect(lines()).toHaveLength(count);
    await service.connection.collection('installations').updateOne({}, { $unset: { paused_at: 1 } });
  });
});

describe('the table of findings', () => {
  const findings: Finding[] = [
    { check: 'database', state: 'ok', said: 'All is well.' },
    { check: 'sip_host', state: 'failed', said: 'one two three four five six seven eight', advice: 'Do this.' },
  ];

  it('is aligned, fits the terminal, and says below each finding what to do', () => {
    expect(stripVTControlCharacters(tableOf(findings, 48)).split('\n')).toEqual([
      'ok      database  All is well.',
      'failed  sip_host  one two three four five six',
      '                  seven eight',
      '                  → Do this.',
    ]);
  });
});
