import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, createCaller, drawNumber, type OpenedService, openService } from './open-service.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService({
    environment: { MAX_API_KEYS: '4', MAX_INTEGRATIONS: '2', MAX_PHONE_NUMBERS: '3' },
  });
});
afterAll(() => service.close());

const makeKey = (by: Caller) => by.rest('POST', '/api/api-keys', { name: 'x', role: 'admin' });
const importNumber = (by: Caller, more: object = {}, headers: Record<string, string> = {}) => {
  const input = { provider: 'sip', phone_number: drawNumber(), supports_inbound: true, ...more };
  return by.rest('POST', '/api/phone-numbers', input, headers);
};

describe('an organization', () => {
  it('cannot have more working API keys than its quota', async () => {
    const admin = await service.newOrganization();
    for (let n = 0; n < 3; n++) expect((await makeKey(admin)).status).toBe(201);
    const { status, body } = await makeKey(admin);
    expect({ status, ...body }).toMatchObject({ status: 409, code: 'quota_reached', quota: 'api_keys', limit: 4 });
    expect(body.detail).toContain('MAX_API_KEYS');

    const { data } = await admin.client.apiKeys.list.query();
    await admin.client.apiKeys.revoke.mutate({ key_id: data[0]!.key_id });
    expect((await makeKey(admin)).status).toBe(201);
    expect((await makeKey(admin)).status).toBe(409);
    expect((await makeKey(await service.newOrganization())).status).toBe(201);
  });

  it('cannot have more API keys than its quota with concurrent requests', async () => {
    const admin = await service.newOrganization();
    const made = await Promise.all(Array.from({ length: 8 }, () => makeKey(admin)));
    expect(made.filter(({ status }) => status === 201)).toHaveLength(3);
  });

  it('may have expired keys in addition', async () => {
    const admin = await service.newOrganization();
    const expires_at = new Date(service.clock.now() + 60_000).toISOString();
    for (let n = 0; n < 3; n++) await admin.rest('POST', '/api/api-keys', { name: 'x', role: 'user', expires_at });
    expect((await makeKey(admin)).status).toBe(409);
    service.clock.advance(60_001);
    expect((await makeKey(admin)).status).toBe(201);
  });

  it('cannot have more integrations than its quota, and no call to Twilio is made', async () => {
    const admin = await service.newOrganization();
    for (let n = 0; n < 2; n++) await service.integrate(admin, []);
    const credentials = { provider: 'twilio', account_sid: `AC${'9'.repeat(32)}`, auth_token: 'token' };
    const { body } = await admin.rest('POST', '/api/integrations', { name: 'x', credentials });
    expect(body).toMatchObject({ status: 409, code: 'quota_reached', quota: 'integrations', limit: 2 });
  });

  it('cannot have more phone numbers than its quota', async () => {
    const admin = await service.newOrganization();
    const first = drawNumber();
    expect((await importNumber(admin, { phone_number: first })).status).toBe(201);
    for (let n = 0; n < 2; n++) expect((await importNumber(admin)).status).toBe(201);
    for (let n = 0; n < 2; n++) {
      const { body } = await importNumber(admin);
      expect(body).toMatchObject({ status: 409, code: 'quota_reached', quota: 'phone_numbers', limit: 3 });
    }
    expect((await importNumber(admin, { phone_number: first })).body.code).toBe('phone_number_taken');
    const { pagination } = await admin.client.phoneNumbers.list.query({ include_total: true });
    expect(pagination.total_count).toBe(3);
    expect((await importNumber(await service.newOrganization())).status).toBe(201);
  });

  it('gets the same problem over tRPC', async () => {
    const admin = await service.newOrganization();
    for (let n = 0; n < 3; n++) await makeKey(admin);
    const { body } = await admin.rest('POST', '/trpc/apiKeys.create', { name: 'x', role: 'user' });
    expect(body.error.data).toMatchObject({ status: 409, code: 'quota_reached', quota: 'api_keys' });
  });

  it('is counted without reading its numbers', async () => {
    const admin = await service.newOrganization();
    await importNumber(admin);
    const db = service.connection.db!;
    await db.command({ profile: 2 });
    await importNumber(admin);
    await db.command({ profile: 0 });
    const counts = await db
      .collection('system.profile')
      .find({ ns: /\.phone_numbers$/, 'command.pipeline.1.$limit': 3 })
      .toArray();
    await db.collection('system.profile').drop();
    expect(counts.map(({ docsExamined, planSummary }) => [docsExamined, planSummary])).toEqual([
      [0, expect.stringContaining('IXSCAN { organization_id: 1')],
    ]);
  });
});

it('the first key of an organization is created whatever the quota', async () => {
  const strict = await openService({ environment: { MAX_API_KEYS: '1' } });
  const { url, admin } = strict;
  const caller = createCaller({ url, apiKey: admin.api_key, organizationId: admin.organization_id });
  expect((await caller.rest('GET', '/api/me')).status).toBe(200);
  expect((await makeKey(caller)).body.limit).toBe(1);
  await strict.close();
});
