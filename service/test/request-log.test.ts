import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, drawNumber, type OpenedService, openService } from './open-service.ts';

let service: OpenedService;
let caller: Caller;
beforeAll(async () => {
  service = await openService({ environment: { TRUSTED_PROXIES: '1' } });
  caller = service.admin;
});
afterAll(() => service.close());

let asked = 0;
/** The request's log line. It is written once the response has left the connection. */
const lineOf = async (ask: (headers: Record<string, string>) => Promise<unknown>) => {
  const request_id = `asked-${asked++}`;
  await ask({ 'X-Request-Id': request_id });
  const find = () =>
    service.logged
      .map((line) => JSON.parse(line))
      .find((line) => line.request_id === request_id && line.event === 'request_answered');
  await expect.poll(find).toBeDefined();
  return find();
};

const rest = (method: string, path: string, body?: object, more: Record<string, string> = {}) =>
  lineOf((headers) => caller.rest(method, path, body, { ...headers, ...more }));
const missing = { phone_number_id: 'phon_000000000000' };
const query = (name: string, input: object) => `/trpc/${name}?input=${encodeURIComponent(JSON.stringify(input))}`;

describe('the log line of a request', () => {
  const key_id = expect.stringMatching(/^key_[0-9a-f]{12}$/);

  it.each([
    ['REST', () => rest('GET', '/api/phone-numbers')],
    ['tRPC', () => rest('GET', '/trpc/phoneNumbers.list')],
  ])('names the operation, the key and the organization, over %s', async (_protocol, ask) => {
    const { organization_id } = caller;
    const line = await ask();
    expect(line).toMatchObject({ level: 30, status: 200, operation: 'phoneNumbers.list', key_id, organization_id });
    expect(line).not.toHaveProperty('address');
    expect(line).not.toHaveProperty('code');
  });

  it.each([
    ['REST', () => rest('GET', `/api/phone-numbers/${missing.phone_number_id}`)],
    ['tRPC', () => rest('GET', query('phoneNumbers.get', missing))],
  ])('names the problem, over %s', async (_protocol, ask) => {
    const code = 'phone_number_not_found';
    expect(await ask()).toMatchObject({ status: 404, operation: 'phoneNumbers.get', key_id, code });
  });

  it.each([
    ['REST', () => rest('POST', '/api/phone-numbers', { phone_number: drawNumber() })],
    ['tRPC', () => rest('POST', '/trpc/phoneNumbers.import', { phone_number: drawNumber() })],
  ])('names the problem of an invalid input, over %s', async (_protocol, ask) => {
    const code = 'invalid_request';
    expect(await ask()).toMatchObject({ status: 400, operation: 'phoneNumbers.import', key_id, code });
  });

  it.each([
    ['REST', '/api/me'],
    ['tRPC', '/trpc/me'],
  ])('names the address of a caller without a valid key, over %s', async (_protocol, path) => {
    const headers = { 'X-API-Key': 'tl_live_nobody', 'X-Forwarded-For': '203.0.113.7' };
    const line = await rest('GET', path, undefined, headers);
    expect(line).toMatchObject({ status: 401, operation: 'me', code: 'unauthenticated', address: '203.0.113.7' });
    expect(line).not.toHaveProperty('key_id');
  });

  it('names every operation of a batch, and the first problem', async () => {
    const batch = `/trpc/me,phoneNumbers.get?batch=1&input=${encodeURIComponent(JSON.stringify({ 0: {}, 1: missing }))}`;
    const line = await rest('GET', batch);
    expect(line).toMatchObject({ operation: 'me,phoneNumbers.get', key_id, code: 'phone_number_not_found' });
  });
});

describe('probes', () => {
  it('are logged at debug, even while the service takes no requests', async () => {
    const starting = await openService();
    const linesOf = () =>
      starting.logged.map((line) => JSON.parse(line)).filter(({ event }) => event === 'request_answered');
    await fetch(`${starting.url}/healthz`);
    await fetch(`${starting.url}/readyz`);
    starting.drain();
    expect((await fetch(`${starting.url}/readyz`)).status).toBe(503);
    await expect.poll(() => linesOf().length).toBe(3);
    expect(linesOf().map(({ level, status }) => [level, status])).toEqual([
      [20, 200],
      [20, 200],
      [20, 503],
    ]);
    await starting.close();
  });
});
