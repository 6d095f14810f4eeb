import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, type OpenedService, openService } from './open-service.ts';

let service: OpenedService;
let caller: Caller;
beforeAll(async () => {
  service = await openService();
  caller = service.admin;
});
afterAll(() => service.close());

const sip = { phone_number: '+15557654321', provider: 'sip' };
const nested = (depth: number, inner = '1') => '['.repeat(depth) + inner + ']'.repeat(depth);

const bodies: Record<string, string> = {
  'malformed JSON': '{"phone_number":',
  'an empty body': '',
  'a bare string': '"text"',
  'a bare number': '1',
  null: 'null',
  'an array': '[]',
  'deep nesting': nested(20_000),
  'deep nesting in a field': `{"provider":"sip","phone_number":${nested(20_000)}}`,
  'deeply nested objects': `${'{"a":'.repeat(15_000)}1${'}'.repeat(15_000)}`,
  'a __proto__ key': JSON.stringify(sip).replace('{', '{"__proto__":{"supports_inbound":true},'),
  'a constructor key': JSON.stringify({ ...sip, constructor: { prototype: { admin: true } } }),
  'an operator as a value': JSON.stringify({ ...sip, phone_number: { $ne: null } }),
  'an operator as a discriminator': JSON.stringify({ ...sip, provider: { $gt: '' } }),
  'an operator as a key': JSON.stringify({ ...sip, $where: 'sleep(1000)' }),
  'a dotted key': JSON.stringify({ ...sip, 'provisioning.lease_token': 'x' }),
  'control characters': JSON.stringify({ ...sip, sip_trunk_name: 'a\u0000b\u001b[31m' }),
  'a line break in the agent': JSON.stringify({ ...sip, agent_id: 'a\r\nX-Evil: 1' }),
  'a lone surrogate': '{"provider":"sip","phone_number":"\\ud800"}',
  'a number for a text': JSON.stringify({ ...sip, sip_trunk_name: 1e308 }),
  'a text for a boolean': JSON.stringify({ ...sip, supports_inbound: 'true' }),
  'Arabic digits': JSON.stringify({ ...sip, phone_number: '+١٥٥٥١٢٣٤٥٦٧' }),
  'a number with blanks': JSON.stringify({ ...sip, phone_number: ' +15551234567' }),
  'a wildcard for a number': JSON.stringify({ ...sip, phone_number: '+1555*' }),
  'a number of a length that its country does not have': JSON.stringify({ ...sip, phone_number: '+4412345678901234' }),
  'a SIP URI for an address': JSON.stringify({ ...sip, sip_server_address: 'sip:evil@example.com;transport=tcp' }),
  'a port out of range': JSON.stringify({ ...sip, sip_server_address: 'example.com:99999' }),
  'letters in the PIN': JSON.stringify({ ...sip, inbound_pin: 'abcd' }),
  'a PIN that is a number': JSON.stringify({ ...sip, inbound_pin: 1234 }),
  'a room name of dashes': JSON.stringify({ ...sip, inbound_room_name: '---' }),
  'a lone user name': JSON.stringify({ ...sip, sip_username: 'user' }),
  'digest without credentials': JSON.stringify({ ...sip, inbound_authentication: 'digest' }),
  'an empty list of addresses': JSON.stringify({ ...sip, allowed_addresses: [] }),
  'a field of the other provider': JSON.stringify({ ...sip, replace_existing_routing: true }),
};

const expectProblem = (status: number, text: string) => {
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(text).toContain('"success":false');
  expect(text).not.toMatch(/\bat .*\.(ts|js|mjs):\d+|node_modules|MongoServerError|ZodError|Invalid input/);
};

describe('hostile input is answered with a problem, never a 5xx and never a stack', () => {
  for (const [what, body] of Object.entries(bodies)) {
    for (const path of ['/api/phone-numbers', '/trpc/phoneNumbers.import', '/trpc/phoneNumbers.import?batch=1']) {
      it(`${what} to ${path}`, async () => {
        const headers = {
          'X-API-Key': caller.api_key,
          'X-Organization-Id': caller.organization_id,
          'Content-Type': 'application/json',
        };
        const sent = path.includes('batch') && body !== '' ? `{"0":${body}}` : body;
        const response = await fetch(service.url + path, { method: 'POST', headers, body: sent });
        const text = await response.text();
        expectProblem(response.status, text);
      });
    }
  }

  const paths = [
    '/api/phone-numbers/%',
    '/api/phone-numbers/%E0%A4%A',
    '/api/phone-numbers/..%2f..%2fetc',
    '/api/phone-numbers/phon_%00',
    '/api/phone-numbers/phon_a1b2c3d4e5f6/',
    '/api/phone-numbers?page_size=0',
    '/api/phone-numbers?page_size=101',
    '/api/phone-numbers?page_size=1e9',
    '/api/phone-numbers?page_size=-1&page_size=2',
    '/api/phone-numbers?cursor=!!!!',
    '/api/phone-numbers?cursor=AAAA',
    '/api/phone-numbers?status[$ne]=free',
    '/api/phone-numbers?status=unknown',
    '/api/phone-numbers?phone_number=15551234567',
    '/api/phone-numbers?__proto__=1',
    '/api/nothing',
    '/trpc/',
    '/trpc/%',
    '/trpc/nothing',
    '/trpc/phoneNumbers',
    '/trpc/phoneNumbers.get?input=%7B',
    '/trpc/phoneNumbers.get?input={"phone_number_id":{"$ne":null}}',
    '/trpc/phoneNumbers.import',
    '/trpc/__proto__.toString',
    '/trpc/constructor',
    `/trpc/${Array.from({ length: 21 }, () => 'me').join(',')}?batch=1`,
    '/trpc/me,phoneNumbers.get?batch=1&input={"0":{},"1":{}}',
  ];
  it.each(paths)('GET %s', async (path) => {
    const { status, body } = await caller.rest('GET', path);
    if (status === 207) expect(JSON.stringify(body)).toContain('"success":false');
    else if (!(status === 404 && path.endsWith('/'))) expectProblem(status, JSON.stringify(body));
  });

  const headers: Record<string, Record<string, string>> = {
    'a key of spaces': { 'X-API-Key': '   ' },
    'a key of 8 KiB': { 'X-API-Key': 'x'.repeat(8000) },
    'an operator as a key': { 'X-API-Key': '{"$ne":null}' },
    'an absurd organization': { 'X-Organization-Id': '{"$ne":null}' },
    'an absurd content type': { 'Content-Type': 'application/json-seq' },
    'an unknown charset': { 'Content-Type': 'application/json; charset=klingon' },
    'a compressed body that is none': { 'Content-Encoding': 'gzip' },
    'an empty idempotency key': { 'Idempotency-Key': '' },
    'an idempotency key of 1 KiB': { 'Idempotency-Key': 'x'.repeat(1024) },
    'an idempotency key with blanks': { 'Idempotency-Key': 'a b' },
  };
  for (const [what, given] of Object.entries(headers)) {
    for (const path of ['/api/phone-numbers', '/trpc/phoneNumbers.import']) {
      it(`${what} to ${path}`, async () => {
        const { status, body } = await caller.rest(
          'POST',
          path,
          JSON.stringify({ ...sip, phone_number: '+1555' }),
          given,
        );
        expectProblem(status, JSON.stringify(body));
      });
    }
  }

  it.each(['/api/phone-numbers', '/trpc/phoneNumbers.import'])(
    'names at most 50 invalid fields, and how many there are, for %s',
    async (path) => {
      const fields = Array.from({ length: 11_000 }, (_, n) => [`${n}`.padStart(3, '0'), 1]);
      const { status, body } = await caller.rest('POST', path, { ...sip, ...Object.fromEntries(fields) });
      const problem = body.error?.data ?? body;
      expect({ status, count: problem.issue_count, listed: problem.issues.length }).toEqual({
        status: 400,
        count: 11_000,
        listed: 50,
      });
      expect(problem.detail).toMatch(/; and 10980 more\.$/);
      expect(JSON.stringify(body).length).toBeLessThan(10_000);
    },
  );

  it('does not repeat the whole of an endless name', async () => {
    const { body } = await caller.rest('POST', '/api/phone-numbers', { ...sip, ['x'.repeat(90_000)]: 1 });
    expect(body).toMatchObject({ code: 'invalid_request', issue_count: 1 });
    expect(JSON.stringify(body).length).toBeLessThan(2000);
  });

  it('replaces an invalid request id, and keeps a valid one', async () => {
    const insane = await caller.rest('GET', '/api/me', undefined, { 'X-Request-Id': 'a'.repeat(500) });
    expect(insane.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    const sane = await caller.rest('GET', '/api/me', undefined, { 'X-Request-Id': 'order-17' });
    expect(sane.headers.get('x-request-id')).toBe('order-17');
  });

  const raw: Record<string, string> = {
    'what is not HTTP': 'hello\r\n\r\n',
    'a header without a name': 'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n',
    'headers over 16 KiB': `GET /api/me HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(40_000)}\r\n\r\n`,
    'two lengths': 'POST /api/phone-numbers HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
    'a length and chunks':
      'POST /api/phone-numbers HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'an absurd host over REST': 'GET /api/me HTTP/1.1\r\nHost: [::bad\r\nConnection: close\r\n\r\n',
    'an absurd host over tRPC': 'GET /trpc/me HTTP/1.1\r\nHost: [::bad\r\nConnection: close\r\n\r\n',
    'an unknown method': 'BREW /api/me HTTP/1.1\r\nHost: x\r\n\r\n',
  };
  it.each(Object.entries(raw))('%s', async (_what, request) => {
    const answer = await sendRaw(request);
    expectProblem(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]), answer);
  });
});

const sendRaw = (request: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1', () => socket.write(request));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    socket.setTimeout(5000, () => socket.destroy());
  });
