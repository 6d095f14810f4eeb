import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, inject, it } from 'vitest';
import { readConfig } from '../src/config/index.ts';
import { connect } from '../src/database/connect.ts';
import { openInstallation } from '../src/database/installation.ts';
import { drawApiKey } from '../src/organizations/raw-key.ts';
import { run } from '../src/run.ts';
import { freePort } from './chaos/processes.ts';
import { createCaller, openService, uniqueDatabase } from './open-service.ts';

const settings = {
  NODE_ENV: 'test',
  HOST: '127.0.0.1',
  PORT: '0',
  METRICS_PORT: '0',
  LIVEKIT_URL: 'wss://livekit.invalid',
  LIVEKIT_API_KEY: 'key',
  LIVEKIT_API_SECRET: 'secret',
  LIVEKIT_SIP_HOST: 'sip.invalid',
  ENCRYPTION_KEYS: `test:${Buffer.alloc(32).toString('base64')}`,
};

describe('/readyz', () => {
  it('answers 200 only when the first key works', async () => {
    await using opened = new AsyncDisposableStack();
    const mongodb_uri = inject('mongodb_uri').replace('/trunkline?', `/ready_${randomBytes(6).toString('hex')}?`);
    const connection = opened.adopt(await connect(mongodb_uri), (it) => it.close());
    await openInstallation(connection, 'livekit.invalid');
    const port = await freePort();
    const BOOTSTRAP_API_KEY = drawApiKey();
    const config = readConfig({
      ...settings,
      PORT: String(port),
      MONGODB_URI: mongodb_uri,
      BOOTSTRAP_API_KEY,
      LOG_LEVEL: 'silent',
    });

    // Whoever creates the first key waits for this transaction.
    const holding = await connection.startSession();
    holding.startTransaction();
    await connection
      .collection('installations')
      .updateOne({ _id: 'installation' as never }, { $set: { held: true } }, { session: holding });
    const starting = run(config, { say: () => {}, signal: new AbortController().signal });
    opened.defer(() => starting.then((running) => running.stop()));
    opened.defer(() => holding.endSession());

    const url = `http://127.0.0.1:${port}`;
    const statusOf = async (path: string, headers = {}) =>
      (await fetch(url + path, { headers }).catch(() => undefined))?.status;
    await expect.poll(() => statusOf('/healthz')).toBe(200);
    // Long enough to create everything but the key.
    for (let n = 0; n < 20; n++) {
      expect(await statusOf('/readyz')).toBe(503);
      expect(await statusOf('/api/me', { 'X-API-Key': BOOTSTRAP_API_KEY })).toBe(503);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await holding.abortTransaction();
    await holding.endSession();
    await expect.poll(() => statusOf('/readyz')).toBe(200);
    expect(await statusOf('/api/me', { 'X-API-Key': BOOTSTRAP_API_KEY })).toBe(200);
  });
});

describe('a metrics port that is in use', () => {
  const openWithPortTaken = async (opened: AsyncDisposableStack, NODE_ENV: string) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    opened.defer(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const config = readConfig({ ...settings, NODE_ENV, MONGODB_URI: uniqueDatabase(), METRICS_PORT: String(port) });
    const logged: string[] = [];
    const log = { write: (line: string) => void logged.push(line) };
    const starting = run(config, { say: () => {}, log, signal: new AbortController().signal });
    return { starting, port, logged };
  };

  it('is replaced by another in development, with a warning', async () => {
    await using opened = new AsyncDisposableStack();
    const { starting, port, logged } = await openWithPortTaken(opened, 'development');
    const running = await starting;
    opened.defer(() => running.stop());
    expect(running.metrics_port).not.toBe(port);
    expect((await fetch(`http://127.0.0.1:${running.metrics_port}/metrics`)).status).toBe(200);
    const lines = logged.map((line) => JSON.parse(line)).filter(({ event }) => event === 'metrics_port_in_use');
    expect(lines).toMatchObject([{ level: 40, port, msg: expect.stringContaining('METRICS_PORT') }]);
  });

  it('stops the start in production', async () => {
    await using opened = new AsyncDisposableStack();
    const { starting, port } = await openWithPortTaken(opened, 'production');
    await expect(starting).rejects.toThrow(
      `Port ${port} is in use. Stop what uses it, or set METRICS_PORT to another.`,
    );
  });
});

it('an unknown key is looked up again after a second', async () => {
  await using service = await openService();
  const api_key = drawApiKey();
  const early = createCaller({ url: service.url, apiKey: api_key, organizationId: 'org_000000000000' });
  expect((await early.rest('GET', '/trpc/me')).status).toBe(401);
  await service.createOrganization({ name: 'Late', raw_key: api_key, actor: { system: 'command_line' } });
  expect((await early.rest('GET', '/trpc/me')).status).toBe(401);
  service.clock.advance(1000);
  expect((await early.rest('GET', '/trpc/me', undefined, { 'X-Organization-Id': '' })).status).toBe(200);
});
