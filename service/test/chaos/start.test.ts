import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Started, start, until } from './processes.ts';

/** How long the service waits for a database that does not answer before it fails. */
const GIVES_UP_MS = 60_000;

const run = promisify(execFile);
const main = join(import.meta.dirname, '../../src/main.ts');
const root = join(import.meta.dirname, '../../..');

let data_dir: string;
let running: Started | undefined;
beforeAll(async () => {
  data_dir = await mkdtemp(join(tmpdir(), 'trunkline-start-'));
});
afterEach(async () => {
  await running?.end('SIGTERM');
});
afterAll(() => rm(data_dir, { recursive: true, force: true }));

/** As a person would type it, without configuration; only the ports and the folder are set by the test. */
const startWithNothingSet = async (environment: Record<string, string> = {}) => {
  running = start(process.execPath, [main], {
    DATA_DIR: data_dir,
    PORT: '0',
    METRICS_PORT: '0',
    HOME: homedir(),
    ...environment,
  });
  await running.line(/Ctrl-C to stop everything/);
  const curls = running.lines.filter((line) => line.trim().startsWith('curl ')).map((line) => line.trim());
  const [, url = ''] = await running.line(/(http:\/\/[\d.]+:\d+)\/api \(REST\)/);
  const [, api_key = ''] = await running.line(/API key\s+(tl_live_\S+)/);
  const [, organization_id = ''] = await running.line(/Organization\s+(org_\S+)/);
  const [, sandbox = ''] = await running.line(/(http:\/\/[\d.]+:\d+)\/sandbox/);
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { 'X-API-Key': api_key, 'X-Organization-Id': organization_id, 'Content-Type': 'application/json' };
    const response = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    return { status: response.status, body: (await response.json()) as any };
  };
  return { running, curls, url, api_key, sandbox, ask };
};

const mongodsOf = async (folder: string) =>
  (await run('pgrep', ['-f', `mongod .*${folder}`]).catch(() => ({ stdout: '' }))).stdout.trim();

describe('the first command of the README', () => {
  it('works as written, with an empty npm cache, without a terminal, and without asking for permission', async () => {
    const [, command = ''] = /```sh\n(.* start)\n```/.exec(await readFile(join(root, 'README.md'), 'utf8')) ?? [];
    expect(command).toBe('npx -y pnpm start');
    const npm_config_cache = await mkdtemp(join(data_dir, 'npm-'));
    const environment = { DATA_DIR: data_dir, PORT: '0', METRICS_PORT: '0', npm_config_cache, npm_config_yes: 'false' };
    // The machine's own settings for reaching the registry stay.
    const reached = Object.entries(process.env).flatMap(([name, value]) =>
      /_CERTS?$|_proxy$/i.test(name) && value !== undefined ? [[name, value] as const] : [],
    );
    const all = { ...Object.fromEntries(reached), ...environment };
    running = start('sh', ['-c', command], all, { cwd: root, detached: true });
    const [, url = ''] = await running.line(/(http:\/\/[\d.]+:\d+)\/api \(REST\)/);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    // Whichever Node has started npx.
    await running.line(/Node\s+v24\.\S+, from node_modules/);
    expect(running.lines.filter((line) => line.includes('WARN'))).toEqual([]);
    await running.end('SIGINT');
    await until('its mongod is gone with it', async () => (await mongodsOf(data_dir)) === '');
  });
});

describe('the start without configuration', () => {
  it('prints one curl line for each provider, ready to paste', async () => {
    const { running: started, curls } = await startWithNothingSet();
    expect(started.lines.join('\n')).toMatch(/embedded mongod .*data in/);
    expect(started.lines.join('\n')).toMatch(/LiveKit\s+sandbox/);
    expect(curls).toHaveLength(2);
    for (const [n, curl] of curls.entries()) {
      const { stdout } = await run('sh', ['-c', curl]);
      expect(JSON.parse(stdout)).toMatchObject({
        success: true,
        data: { provider: ['twilio', 'sip'][n], provisioning_state: 'active' },
      });
    }
  });

  it("finds its data, its key and its stand-ins' resources again", async () => {
    const { curls, ask, sandbox } = await startWithNothingSet();
    const { body } = await ask('GET', '/api/phone-numbers');
    expect(body.data.map(({ provider }: { provider: string }) => provider)).toEqual(['sip', 'twilio']);
    const held = (await (await fetch(`${sandbox}/sandbox`)).json()) as any;
    expect(held.livekit.inbound_trunk.map(({ sipTrunkId }: any) => sipTrunkId).toSorted()).toEqual(
      body.data.map((number: any) => number.inbound_trunk_id).toSorted(),
    );
    // The next number of the sample account: the one printed before is imported already.
    const { stdout } = await run('sh', ['-c', curls[0]!]);
    expect(JSON.parse(stdout)).toMatchObject({ success: true });
    const assigned = await ask('POST', `/api/phone-numbers/${body.data[0].phone_number_id}/assign`, {
      agent_id: 'reception',
    });
    expect(assigned.status).toBe(200);
  });

  it('completes an import during which it was killed', async () => {
    const {
      running: started,
      ask,
      sandbox,
    } = await startWithNothingSet({ LEASE_SECONDS: '1', PROVIDER_TIMEOUT_SECONDS: '0.5' });
    const fault = { call: 'livekit.CreateSIPDispatchRule', kind: 'hang_after' };
    await fetch(`${sandbox}/sandbox/faults`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(fault),
    });
    const lost = ask('POST', '/api/phone-numbers', {
      phone_number: '+15557770001',
      provider: 'sip',
      supports_inbound: true,
    }).catch(() => undefined);
    await until('the call is under way', async () =>
      JSON.stringify(await (await fetch(`${sandbox}/sandbox/calls`)).json()).includes('CreateSIPDispatchRule'),
    );
    await started.end('SIGKILL');
    await lost;
    await until('its mongod is gone with it', async () => (await mongodsOf(data_dir)) === '');

    const again = await startWithNothingSet({
      LEASE_SECONDS: '1',
      PROVIDER_TIMEOUT_SECONDS: '0.5',
      RECONCILE_INTERVAL_SECONDS: '0.1',
    });
    const state = async () =>
      (await again.ask('GET', '/api/phone-numbers?phone_number=%2B15557770001')).body.data[0]?.provisioning_state;
    await until('the number is there', async () => (await state()) === 'active');
  });

  it('stops everything at once at Ctrl-C', async () => {
    const { running: started } = await startWithNothingSet();
    const begun = Date.now();
    expect(await started.end('SIGINT')).toBe(0);
    expect(Date.now() - begun).toBeLessThan(GIVES_UP_MS);
    expect(await mongodsOf(data_dir)).toBe('');
    expect(started.lines.filter((line) => line.includes('"level":50'))).toEqual([]);
  });

  it('stops at Ctrl-C before it is ready too, and leaves no mongod behind', async () => {
    running = start(process.execPath, [main], { DATA_DIR: data_dir, PORT: '0', METRICS_PORT: '0', HOME: homedir() });
    await until('its mongod starts', async () => (await mongodsOf(data_dir)) !== '');
    expect(await running.end('SIGINT')).toBe(0);
    expect(await mongodsOf(data_dir)).toBe('');
    expect(running.lines.join('\n')).not.toMatch(/Trunkline is ready|Error/);
  });

  it('stops at SIGTERM while it waits for a database that does not answer', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    try {
      await once(silent, 'listening');
      const asked = once(silent, 'connection');
      const MONGODB_URI = `mongodb://127.0.0.1:${(silent.address() as AddressInfo).port}/trunkline`;
      running = start(process.execPath, [main], { MONGODB_URI, DATA_DIR: data_dir, PORT: '0', METRICS_PORT: '0' });
      await asked;
      const begun = Date.now();
      expect(await running.end('SIGTERM')).toBe(0);
      expect(Date.now() - begun).toBeLessThan(GIVES_UP_MS);
    } finally {
      silent.close();
    }
  });

  it('at SIGTERM finishes what is under way, accepts nothing new, and exits', async () => {
    const { running: started, ask, url, sandbox } = await startWithNothingSet();
    const slow = { call: 'livekit.CreateSIPInboundTrunk', kind: 'slow', delay_ms: 1500 };
    await fetch(`${sandbox}/sandbox/faults`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(slow),
    });
    const underWay = ask('POST', '/api/phone-numbers', {
      phone_number: '+15557770002',
      provider: 'sip',
      supports_inbound: true,
    });
    await until('the call is under way', async () =>
      JSON.stringify(await (await fetch(`${sandbox}/sandbox/calls`)).json()).includes('CreateSIPInboundTrunk'),
    );
    const ended = started.end('SIGTERM');
    await until(
      'it refuses',
      async () =>
        (await fetch(`${url}/readyz`).then(
          ({ status }) => status,
          () => 503,
        )) === 503,
      5000,
    );
    expect((await underWay).status).toBe(201);
    expect(await ended).toBe(0);
    expect(await mongodsOf(data_dir)).toBe('');
  });

  it('says what to do if its port or its data folder is in use', async () => {
    const { url } = await startWithNothingSet();
    const second = start(process.execPath, [main], {
      DATA_DIR: await mkdtemp(join(tmpdir(), 'trunkline-start-')),
      PORT: new URL(url).port,
      METRICS_PORT: '0',
    });
    await second.line(/is in use\. Stop what uses it, or set PORT to another/);
    expect(await second.exit()).toBe(1);
    const third = start(process.execPath, [main], { DATA_DIR: data_dir, PORT: '0', METRICS_PORT: '0' });
    await third.line(/The embedded mongod did not start\. If another Trunkline is using .*, stop it, or set DATA_DIR/);
    expect(await third.exit()).toBe(1);
  });

  it('says the same for every further start in that folder, whichever its port', async () => {
    await startWithNothingSet();
    for (const attempt of [1, 2, 3]) {
      const second = start(process.execPath, [main], { DATA_DIR: data_dir, PORT: '0', METRICS_PORT: '0' });
      await second.line(/If another Trunkline is using .*, stop it, or set DATA_DIR/);
      expect(await second.exit(), `attempt ${attempt}`).toBe(1);
      expect(second.lines.join('\n')).not.toMatch(/\bat .*:\d+:\d+|SyntaxError/);
    }
  });

  it('refuses a database of another LiveKit project', async () => {
    const livekit = {
      LIVEKIT_URL: 'wss://real.livekit.cloud',
      LIVEKIT_API_KEY: 'k',
      LIVEKIT_API_SECRET: 's',
      LIVEKIT_SIP_HOST: 'real.sip.livekit.cloud',
    };
    const other = start(process.execPath, [main], { DATA_DIR: data_dir, PORT: '0', METRICS_PORT: '0', ...livekit });
    await other.line(/belongs to the LiveKit project sandbox, not real\.livekit\.cloud/);
    expect(await other.exit()).toBe(1);
  });

  it('in production exits at once, with one message that lists what is missing', async () => {
    const production = start(process.execPath, [main], { NODE_ENV: 'production' });
    await production.line(/ENCRYPTION_KEYS is required in production/);
    expect(await production.exit()).toBe(1);
    expect(production.lines.join('\n')).toMatch(/MONGODB_URI.*\n.*LIVEKIT_URL/);
  });
});
