import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, drawNumber, type OpenedService, openService } from './open-service.ts';

let service: OpenedService;
let caller: Caller;
beforeAll(async () => {
  service = await openService();
  caller = service.admin;
});
afterAll(() => service.close());

const routes = ['/api/phone-numbers', '/trpc/phoneNumbers.import', '/trpc/phoneNumbers.import?batch=1'];

/** The body of an import whose password has these bytes. */
const bodyWith = (path: string, password: Buffer): Buffer => {
  const fields = { phone_number: drawNumber(), provider: 'sip', sip_username: 'user', sip_password: 'PASSWORD' };
  const json = JSON.stringify(path.endsWith('batch=1') ? { 0: fields } : fields);
  const [before = '', after = ''] = json.split('PASSWORD');
  return Buffer.concat([Buffer.from(before), password, Buffer.from(after)]);
};

const send = async (path: string, body: Buffer, type = 'application/json') => {
  const response = await fetch(service.url + path, {
    method: 'POST',
    headers: { 'X-API-Key': caller.api_key, 'X-Organization-Id': caller.organization_id, 'Content-Type': type },
    body: new Uint8Array(body),
  });
  return { status: response.status, text: await response.text() };
};

describe('invalid text is a 400, and is never silently replaced', () => {
  const broken: Record<string, Buffer> = {
    'a byte that begins no character': Buffer.from([0xff]),
    'a character that is cut short': Buffer.from([0xe2, 0x82]),
    'an overlong slash': Buffer.from([0xc0, 0xaf]),
    'a surrogate in UTF-8': Buffer.from([0xed, 0xa0, 0x80]),
    'an escaped high surrogate': Buffer.from('\\ud800'),
    'an escaped low surrogate': Buffer.from('\\uDC00x'),
    'an escaped pair the wrong way round': Buffer.from('\\uDE00\\uD83D'),
  };
  for (const [what, password] of Object.entries(broken)) {
    it.each(routes)(`${what} in a password to %s`, async (path) => {
      const { status, text } = await send(path, bodyWith(path, password));
      expect(status).toBe(400);
      expect(text).toContain('"code":"invalid_request"');
    });
  }

  it('in a field name and in a query', async () => {
    const field = await send('/api/phone-numbers', Buffer.from('{"\\ud800":1}'));
    expect(field).toMatchObject({ status: 400, text: expect.stringContaining('surrogate') });
    const query = '/trpc/phoneNumbers.list?input=%7B%22cursor%22%3A%22%5Cud800%22%7D';
    expect((await caller.rest('GET', query)).body.error.data.detail).toContain('surrogate');
    expect((await caller.rest('GET', '/api/phone-numbers?cursor=%FF')).body.code).toBe('invalid_request');
  });

  it('valid text is accepted, escaped or not', async () => {
    for (const path of routes) {
      for (const password of ['p\\ud83d\\ude00', 'pä😀']) {
        expect((await send(path, bodyWith(path, Buffer.from(password)))).status).toBeLessThan(300);
      }
    }
    const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bodyWith('', Buffer.from('p'))]);
    expect((await send('/api/phone-numbers', marked, 'application/json; charset=UTF-8')).status).toBe(201);
  });

  it.each(['utf-16le', 'utf-32', 'latin1'])('a body in %s is a 415', async (charset) => {
    const type = `application/json; charset=${charset}`;
    expect((await send('/api/phone-numbers', bodyWith('', Buffer.from('p')), type)).status).toBe(415);
  });
});
