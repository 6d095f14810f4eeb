import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OpenedService, openService } from './open-service.ts';
import { causeIn } from './show-cause.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

it.each([
  ['REST', '/api/api-keys'],
  ['tRPC', '/trpc/apiKeys.create'],
])('shows the cause of a 500 over %s', async (_protocol, path) => {
  // The database refuses the second request for a reason that the service does not know.
  const stored = service.connection.collection('idempotency_keys');
  await stored.createIndex({ organization_id: 1 }, { unique: true, name: 'unexpected' });
  const ask = (request_id: string) => {
    const headers = { 'Idempotency-Key': request_id, 'X-Request-Id': request_id };
    return service.admin.rest('POST', path, { name: 'Broken', role: 'user' }, headers);
  };
  await ask('first');
  expect((await ask('second')).status).toBe(500);
  await stored.dropIndex('unexpected');
  await stored.deleteMany({});

  const [cause, ...others] = service.logged.splice(0).flatMap((line) => causeIn(line) ?? []);
  expect(cause).toMatch(/^Request second was answered 500:\n.*E11000.*\bat .*service\/src\//s);
  expect(others).toEqual([]);
});

it('shows nothing for a failing provider', async () => {
  service.sandbox.faults.add({ call: 'livekit.', kind: 'answer', status: 500, times: 100 });
  const input = { phone_number: '+15550000001', provider: 'sip', supports_inbound: true };
  const { status, body } = await service.admin.rest('POST', '/api/phone-numbers', input);
  expect({ status, code: body.code }).toEqual({ status: 503, code: 'provider_unavailable' });
  const lines = service.logged.filter(
    (line) => line.includes('"event":"request_failed"') && line.includes('provider_'),
  );
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.flatMap((line) => causeIn(line) ?? [])).toEqual([]);
});
