import { randomBytes } from 'node:crypto';
import { createTrunklineClient, problemIn } from '@trunkline/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawApiKey } from '../src/organizations/raw-key.ts';
import { type Caller, createCaller, type OpenedService, openService } from './open-service.ts';

let service: OpenedService;
let replica: OpenedService;
let caller: Caller;
beforeAll(async () => {
  service = await openService();
  replica = await service.openReplica();
  caller = service.admin;
});
afterAll(async () => {
  await replica.close();
  await service.close();
});

describe('an API key', () => {
  it('is shown once, and stored as a hash', async () => {
    const { data } = await caller.client.apiKeys.create.mutate({ name: 'Ours', role: 'agent_manager' });
    expect(data.raw_key).toMatch(/^tl_live_[A-Za-z0-9]{38}$/);
    expect(data.key).toMatchObject({
      name: 'Ours',
      role: 'agent_manager',
      status: 'active',
      prefix: data.raw_key.slice(0, 12),
      last_used_at: null,
    });
    const row = await service.connection.collection('api_keys').findOne({ key_id: data.key.key_id });
    expect(JSON.stringify(row)).not.toContain(data.raw_key.slice(12));
  });

  it('is refused by every replica within 5 seconds after it was revoked', async () => {
    const { data } = await caller.client.apiKeys.create.mutate({ name: 'Short-lived', role: 'user' });
    const [here, there] = [service, replica].map(({ url }) =>
      createCaller({ url, apiKey: data.raw_key, organizationId: caller.organization_id }),
    );
    for (const user of [here!, there!]) expect((await user.rest('GET', '/api/me')).status).toBe(200);
    const revoked = await caller.client.apiKeys.revoke.mutate({ key_id: data.key.key_id });
    expect(revoked.data.status).toBe('revoked');
    service.clock.advance(5000);
    for (const user of [here!, there!]) expect((await user.rest('GET', '/api/me')).status).toBe(401);
  });

  it('is looked up once, not for every call', async () => {
    const user = await service.newKey(caller, 'user');
    await user.rest('GET', '/api/me');
    const asked = await countLookUps(service, async () => {
      for (let n = 0; n < 20; n++) await user.rest('GET', '/api/me');
    });
    expect(asked).toBeLessThanOrEqual(1);
  });

  it('stops working when it expires', async () => {
    const expires_at = new Date(service.clock.now() + 60_000).toISOString();
    const { data } = await caller.client.apiKeys.create.mutate({ name: 'Until then', role: 'user', expires_at });
    const user = createCaller({ url: service.url, apiKey: data.raw_key, organizationId: caller.organization_id });
    expect((await user.rest('GET', '/api/me')).status).toBe(200);
    service.clock.advance(60_001);
    expect((await user.rest('GET', '/api/me')).status).toBe(401);
    const { data: keys } = await caller.client.apiKeys.list.query();
    expect(keys.find(({ key_id }) => key_id === data.key.key_id)?.status).toBe('expired');
    const past = await caller.rest('POST', '/api/api-keys', {
      name: 'x',
      role: 'user',
      expires_at: '2020-01-01T00:00:00Z',
    });
    expect(past.body).toMatchObject({ code: 'invalid_request', issues: [{ path: 'expires_at' }] });
  });

  it('is created and revoked only by a key whose role is at least as high', async () => {
    const manager = await service.newKey(caller, 'agent_manager');
    expect((await manager.rest('POST', '/api/api-keys', { name: 'x', role: 'admin' })).body.code).toBe(
      'permission_denied',
    );
    expect((await manager.rest('POST', '/api/api-keys', { name: 'x', role: 'agent_manager' })).status).toBe(201);
    const { data } = await caller.client.apiKeys.create.mutate({ name: 'Boss', role: 'admin' });
    expect((await manager.rest('DELETE', `/api/api-keys/${data.key.key_id}`)).body.code).toBe('permission_denied');
    expect((await caller.rest('DELETE', `/api/api-keys/${data.key.key_id}`)).status).toBe(200);
  });

  it('is not revoked if it is the last admin key, even when two admins revoke each other at once', async () => {
    const first = await service.newOrganization();
    const keys = (await first.client.apiKeys.list.query()).data;
    const lonely = await first.rest('DELETE', `/api/api-keys/${keys[0]!.key_id}`);
    expect({ status: lonely.status, code: lonely.body.code }).toEqual({ status: 409, code: 'last_admin_key' });

    const { data } = await first.client.apiKeys.create.mutate({ name: 'Second', role: 'admin' });
    const second = createCaller({ url: service.url, apiKey: data.raw_key, organizationId: first.organization_id });
    const both = await Promise.all([
      first.rest('DELETE', `/api/api-keys/${data.key.key_id}`),
      second.rest('DELETE', `/api/api-keys/${keys[0]!.key_id}`),
    ]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  });

  it('shows when it was last used, to the minute', async () => {
    const user = await service.newKey(caller, 'user');
    await user.rest('GET', '/api/me');
    await service.background.idle();
    const { data } = await caller.client.apiKeys.list.query({ page_size: 1 });
    expect(Math.abs(Date.parse(data[0]!.last_used_at!) - service.clock.now())).toBeLessThan(60_000);
  });
});

/** A key without a checksum, as former versions generated them and as operators may choose the first. */
const drawEarlierKey = () => `tl_live_${randomBytes(32).toString('base64url')}`;

const keyOfEarlierVersion = async ({ createOrganization }: OpenedService, name: string): Promise<string> => {
  const raw_key = drawEarlierKey();
  await createOrganization({ name, raw_key, actor: { system: 'command_line' } });
  return raw_key;
};

/** How many times the database was queried for keys during `run`. */
const countLookUps = async ({ connection }: OpenedService, run: () => Promise<void>): Promise<number> => {
  const db = connection.db!;
  await db.command({ profile: 2 });
  await run();
  await db.command({ profile: 0 });
  const asked = await db.collection('system.profile').countDocuments({ ns: /\.api_keys$/, op: 'query' });
  await db.collection('system.profile').drop();
  return asked;
};

describe('an unknown key', () => {
  it('is looked up again after a second, because it may have been created since', async () => {
    const raw_key = drawApiKey();
    const early = createCaller({ url: service.url, apiKey: raw_key, organizationId: '' });
    expect((await early.rest('GET', '/api/me')).status).toBe(401);
    await service.createOrganization({ name: 'Late', raw_key, actor: { system: 'bootstrap' } });
    service.clock.advance(1001);
    expect((await early.rest('GET', '/api/me')).status).toBe(200);
  });
});

describe('GET /api/me', () => {
  it('needs only a key, and answers what a client needs first', async () => {
    const client = createTrunklineClient({ url: service.url, apiKey: caller.api_key });
    const { data } = await client.me.query();
    expect(data).toMatchObject({ organization_id: caller.organization_id, organization_name: 'Test', role: 'admin' });
    expect(data.permissions).toContain('phone_numbers:create');
    const error = await client.phoneNumbers.list.query().catch(problemIn);
    expect(error).toMatchObject({ code: 'organization_required' });
  });
});

describe('limits', () => {
  it('count every call of a key, each call of a batch too, and say how many are left', async () => {
    const limited = await openService({ environment: { RATE_LIMIT_RPS: '10' } });
    const one = await limited.admin.rest('GET', '/api/me');
    expect(one.headers.get('ratelimit-policy')).toBe('"key";q=10;w=1');
    expect(one.headers.get('ratelimit')).toMatch(/^"key";r=\d;t=1$/);
    const batch = `/trpc/${Array.from({ length: 9 }, () => 'me').join(',')}?batch=1&input={}`;
    await limited.admin.rest('GET', batch);
    const { status, headers, body } = await limited.admin.rest('GET', '/api/me');
    expect({ status, code: body.code }).toEqual({ status: 429, code: 'rate_limited' });
    expect(headers.get('retry-after')).toBe('1');
    const overTrpc = await limited.admin.rest('GET', '/trpc/me');
    expect(overTrpc).toMatchObject({ status: 429, body: { error: { data: { code: 'rate_limited' } } } });
    const other = await limited.newOrganization();
    expect((await other.rest('GET', '/api/me')).status).toBe(200);
    await limited.close();
  });

  it('slow down guessing from one address, but no valid key from that address', async () => {
    await using guessed = await openService({ environment: { TRUSTED_PROXIES: '1' } });
    const ask = (api_key: string, address: string) =>
      guessed.admin.rest('GET', '/api/me', undefined, {
        'X-API-Key': api_key,
        'X-Organization-Id': '',
        'X-Forwarded-For': address,
      });
    const used = await keyOfEarlierVersion(guessed, 'Used before');
    expect((await ask(used, '203.0.113.9')).status).toBe(200);
    guessed.clock.advance(5000);

    for (let n = 0; n < 60; n++) expect((await ask(drawEarlierKey(), '203.0.113.1')).status).toBe(401);
    const { status, headers } = await ask(drawEarlierKey(), '203.0.113.1');
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask(drawEarlierKey(), '203.0.113.2')).status).toBe(401);

    expect((await ask(guessed.admin.api_key, '203.0.113.1')).status).toBe(200);
    expect((await ask((await guessed.newOrganization()).api_key, '203.0.113.1')).status).toBe(200);
    expect((await ask(used, '203.0.113.1')).status).toBe(200);
    expect((await ask(await keyOfEarlierVersion(guessed, 'Never used'), '203.0.113.1')).status).toBe(429);
  });

  it('ignore the header of a proxy that is not trusted', async () => {
    const guess = (n: number) =>
      caller.rest('GET', '/api/me', undefined, {
        'X-API-Key': drawEarlierKey(),
        'X-Forwarded-For': `203.0.113.${n}`,
      });
    for (let n = 0; n < 60; n++) await guess(n);
    expect((await guess(60)).status).toBe(429);
    expect((await (await service.newOrganization()).rest('GET', '/api/me')).status).toBe(200);
  });

  it('do not apply to a text that cannot be a key: it is never looked up', async () => {
    const changed = drawApiKey().replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    const asked = await countLookUps(service, async () => {
      for (const key of [changed, 'tl_live_guess', 'x', `tl_live_${'a'.repeat(42)}`, '{"$ne":null}']) {
        for (let n = 0; n < 20; n++) {
          const { status, body } = await caller.rest('GET', '/api/me', undefined, { 'X-API-Key': key });
          expect({ status, code: body.code }).toEqual({ status: 401, code: 'unauthenticated' });
        }
      }
    });
    expect(asked).toBe(0);
  });

  it('log once that requests come through a proxy that is not trusted', async () => {
    const warnings = (of: OpenedService) => of.logged.filter((line) => line.includes('X-Forwarded-For'));
    await using alone = await openService();
    await alone.admin.rest('GET', '/api/me');
    expect(warnings(alone)).toHaveLength(0);
    for (let n = 0; n < 3; n++)
      await alone.admin.rest('GET', '/api/me', undefined, { 'X-Forwarded-For': '203.0.113.1' });
    expect(warnings(alone)).toHaveLength(1);
    expect(JSON.parse(warnings(alone)[0]!)).toMatchObject({ level: 40, address: '127.0.0.1' });

    await using behind = await openService({ environment: { TRUSTED_PROXIES: '1' } });
    await behind.admin.rest('GET', '/api/me', undefined, { 'X-Forwarded-For': '203.0.113.1' });
    expect(warnings(behind)).toHaveLength(0);
  });
});
