import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everyOperation } from './every-operation.ts';
import { type Caller, createCaller, type OpenedService, openService } from './open-service.ts';
import { sampleInput } from './sample-input.ts';

let service: OpenedService;
let replica: OpenedService;
let admin: Caller;
beforeAll(async () => {
  service = await openService();
  replica = await service.openReplica();
  admin = service.admin;
});
afterAll(async () => {
  await replica.close();
  await service.close();
});

const nobody = {
  phone_number_id: 'phon_000000000000',
  integration_id: 'intg_000000000000',
  key_id: 'key_000000000000',
};
const on = ({ url }: OpenedService, apiKey: string) =>
  createCaller({ url, apiKey, organizationId: admin.organization_id });
const keyIdOf = async (caller: Caller) => (await caller.client.me.query()).data.key_id;
const statusOf = async (key_id: string) =>
  (await admin.client.apiKeys.list.query({ page_size: 100 })).data.find((key) => key.key_id === key_id)?.status;
const make = (by: Caller, more: object = {}) => by.rest('POST', '/api/api-keys', { name: 'x', role: 'admin', ...more });

/** A key that both replicas have cached as valid, and that was revoked on one. */
const revokedKey = async () => {
  const { api_key } = await service.newKey(admin, 'admin');
  const [here, there] = [on(service, api_key), on(replica, api_key)];
  const key_id = await keyIdOf(here);
  await keyIdOf(there);
  await admin.client.apiKeys.revoke.mutate({ key_id });
  return { here, there, key_id };
};

describe('a revoked key', () => {
  const mutations = everyOperation.filter(({ operation }) => operation.kind === 'mutation');
  it.each(mutations)('changes nothing, even where it is still cached: $title', async ({ name, operation, ask }) => {
    const { there } = await revokedKey();
    expect((await there.rest('GET', '/api/me')).status).toBe(200);
    const before = await service.connection.collection('events').countDocuments();
    const { status, body } = await ask(there, name, operation, sampleInput(name, operation, nobody));
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'unauthenticated' });
    expect(await service.connection.collection('events').countDocuments()).toBe(before);
  });

  it('is refused at once by the replica that revoked it, even for reading', async () => {
    const { here } = await revokedKey();
    expect((await here.rest('GET', '/api/me')).status).toBe(401);
  });

  it('changes nothing by a request that began before the revocation', async () => {
    const { api_key } = await service.newKey(admin, 'admin');
    const key = on(service, api_key);
    const key_id = await keyIdOf(key);
    const body = JSON.stringify({ name: 'late', role: 'user' });
    const answer = Promise.withResolvers<number | undefined>();
    const sending = request(`${service.url}/api/api-keys`, {
      method: 'POST',
      headers: {
        'X-API-Key': api_key,
        'X-Organization-Id': admin.organization_id,
        'Content-Type': 'application/json',
        'Content-Length': body.length,
      },
    });
    sending.on('response', (res) => answer.resolve(res.resume().statusCode)).on('error', answer.reject);
    sending.write(body.slice(0, 5));
    // Longer than the first look-up of the key is trusted.
    await wait(400);
    await replica.as(admin).client.apiKeys.revoke.mutate({ key_id });
    sending.end(body.slice(5));
    expect(await answer.promise).toBe(401);
  });

  it('changes nothing in a batch', async () => {
    const { there } = await revokedKey();
    await there.rest('GET', '/api/me');
    const input = { 0: { name: 'x', role: 'user' }, 1: { name: 'y', role: 'user' } };
    const { body } = await there.rest('POST', '/trpc/apiKeys.create,apiKeys.create?batch=1', input);
    expect(JSON.stringify(body).match(/"code":"unauthenticated"/g)).toHaveLength(2);
  });

  it('is looked up once more for a change, and not at all for a read', async () => {
    const caller = await service.newKey(admin, 'admin');
    await caller.rest('GET', '/api/me');
    const db = service.connection.db!;
    const lookUps = async (run: () => Promise<unknown>) => {
      await db.command({ profile: 2 });
      await run();
      await db.command({ profile: 0 });
      const asked = { ns: /\.api_keys$/, op: 'query', 'command.filter.key_hash': { $exists: true } };
      const found = await db.collection('system.profile').countDocuments(asked);
      await db.collection('system.profile').drop();
      return found;
    };
    expect(await lookUps(() => caller.rest('GET', '/api/phone-numbers'))).toBe(0);
    const path = `/api/phone-numbers/${nobody.phone_number_id}/assign`;
    expect(await lookUps(() => caller.rest('POST', path, { agent_id: 'x' }))).toBe(1);
    const unseen = await service.newKey(admin, 'admin');
    expect(await lookUps(() => unseen.rest('POST', path, { agent_id: 'x' }))).toBe(1);
  });
});

describe('a key that was created with another key', () => {
  it('names that key', async () => {
    const maker = await service.newKey(admin, 'admin');
    const { body } = await make(maker);
    expect(body.data.key.created_by).toBe(await keyIdOf(maker));
    const { data } = await (await service.newOrganization()).client.apiKeys.list.query();
    expect(data.map(({ created_by }) => created_by)).toEqual([null]);
  });

  it('expires no later than that key', async () => {
    const end = service.clock.now() + 60_000;
    const at = (ms: number) => new Date(ms).toISOString();
    const { body } = await make(admin, { expires_at: at(end) });
    const maker = on(service, body.data.raw_key);
    expect((await make(maker)).body.data.key.expires_at).toBe(at(end));
    expect((await make(maker, { expires_at: at(end - 1000) })).body.data.key.expires_at).toBe(at(end - 1000));
    const later = await make(maker, { expires_at: at(end + 1) });
    expect(later.body).toMatchObject({ status: 400, issues: [{ path: 'expires_at' }] });
    expect(later.body.detail).toContain(at(end));
  });

  it('stays valid when that key is revoked, unless its descendants are revoked too', async () => {
    const maker = await service.newKey(admin, 'admin');
    const child = on(service, (await make(maker)).body.data.raw_key);
    const grandchild = on(service, (await make(child)).body.data.raw_key);
    const [maker_id, child_id, grandchild_id] = await Promise.all([maker, child, grandchild].map(keyIdOf));
    await admin.rest('DELETE', `/api/api-keys/${child_id}`);
    expect(await statusOf(grandchild_id!)).toBe('active');

    const { status, body } = await admin.rest('DELETE', `/api/api-keys/${maker_id}?descendants=true`);
    expect({ status, message: body.message }).toEqual({
      status: 200,
      message: 'API key revoked, and 1 made with it',
    });
    expect(await statusOf(grandchild_id!)).toBe('revoked');
    expect((await grandchild.rest('GET', '/api/me')).status).toBe(401);
    const events = service.connection.collection('events');
    const told = { type: 'api_key.revoked', subject_id: grandchild_id!, 'changes.revoked_with': maker_id! };
    expect(await events.countDocuments(told)).toBe(1);
  });

  it('is revoked over tRPC too; descendants must be a boolean', async () => {
    const maker = await service.newKey(admin, 'admin');
    const child = await service.newKey(maker, 'user');
    const [key_id, child_id] = [await keyIdOf(maker), await keyIdOf(child)];
    for (const query of ['descendants=yes', 'descendants=1', 'descendants=true&descendants=true', 'descendant=true'])
      expect((await admin.rest('DELETE', `/api/api-keys/${key_id}?${query}`)).body.code).toBe('invalid_request');
    const twice = await admin.rest('DELETE', `/api/api-keys/${key_id}?descendants=false`, { descendants: true });
    expect(twice.body).toMatchObject({ code: 'invalid_request', issues: [{ path: 'descendants' }] });
    expect(await statusOf(key_id)).toBe('active');
    await admin.client.apiKeys.revoke.mutate({ key_id, descendants: true });
    expect(await statusOf(child_id)).toBe('revoked');
  });

  it('is not revoked with it if the organization would lose its last admin key', async () => {
    const first = await service.newOrganization();
    const key_id = await keyIdOf(first);
    await make(first);
    const refused = await first.rest('DELETE', `/api/api-keys/${key_id}?descendants=true`);
    expect(refused.body).toMatchObject({ status: 409, code: 'last_admin_key' });
    expect((await first.rest('GET', '/api/me')).status).toBe(200);
    expect((await first.rest('DELETE', `/api/api-keys/${key_id}`)).status).toBe(200);
  });

  it('is either created before the revocation and revoked too, or not created', async () => {
    for (let round = 0; round < 5; round++) {
      const maker = await service.newKey(admin, 'admin');
      const key_id = await keyIdOf(maker);
      const elsewhere = on(replica, maker.api_key);
      const [, ...made] = await Promise.all([
        admin.rest('DELETE', `/api/api-keys/${key_id}?descendants=true`),
        ...[maker, elsewhere, maker, elsewhere].map((by) => make(by)),
      ]);
      for (const { status } of made) expect([201, 401]).toContain(status);
      const left = { created_by: key_id, revoked_at: null };
      expect(await service.connection.collection('api_keys').countDocuments(left)).toBe(0);
    }
  });
});
