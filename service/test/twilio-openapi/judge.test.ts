import { beforeAll, describe, expect, it } from 'vitest';
import { findDocuments } from './find-documents.ts';
import { openJudge } from './judge.ts';

const folder = findDocuments();

describe.skipIf(folder === undefined)('the judge', () => {
  let judge: ReturnType<typeof openJudge>;
  beforeAll(() => {
    judge = openJudge(folder ?? '');
  });
  const account = `AC${'0'.repeat(32)}`;
  const Authorization = `Basic ${Buffer.from(`${account}:token`).toString('base64')}`;
  const ask = (method: string, path: string, body = '') => ({
    method,
    url: new URL(path, 'http://localhost'),
    headers: {
      authorization: Authorization,
      accept: 'application/json',
      ...(body && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    body,
  });
  const answer = (status: number, body: unknown) => ({ status, type: 'application/json', body: JSON.stringify(body) });
  const number = `/2010-04-01/Accounts/${account}/IncomingPhoneNumbers/PN${'0'.repeat(32)}.json`;

  it.each([
    ['GET', '/v1/Trunks?PageSize=1000', ''],
    ['POST', '/v1/Trunks', 'FriendlyName=name&Secure=true'],
    ['POST', number, `TrunkSid=TK${'0'.repeat(32)}`],
  ])('accepts %s %s %s', (method, path, body) => {
    expect(judge.request(ask(method, path, body))).toEqual([]);
  });

  it.each([
    ['GET', '/v1/Trunk', '', 'path'],
    ['GET', '/v1/Trunks?PageSize=1001', '', 'query/PageSize'],
    ['GET', '/v1/Trunks?Size=1', '', 'query/Size'],
    ['GET', '/v1/Trunks/TK0', '', 'path/Sid'],
    ['POST', '/v1/Trunks', 'Secure=maybe', 'form/Secure'],
    ['POST', '/v1/Trunks', 'Secret=true', 'form/Secret'],
    ['POST', '/v1/Trunks', 'DomainName=example.com', 'form/DomainName'],
    ['POST', number, 'TrunkSid=', 'form/TrunkSid'],
    ['DELETE', `/v1/Trunks/TK${'0'.repeat(32)}`, 'Force=true', 'form'],
  ])('refuses %s %s %s', (method, path, body, at) => {
    expect(judge.request(ask(method, path, body)).map((breach) => breach.at)).toContain(at);
  });

  it.each([
    ['a date of another format', 200, { date_created: '2024-01-15T10:30:00.000Z' }, '200/date_created'],
    ['a field that is missing', 200, {}, '200/voice_url'],
    ['a field that nobody documents', 200, { colour: 'red' }, '200/colour'],
    ["'' where Twilio's examples have none", 200, { trunk_sid: '' }, '200/trunk_sid'],
    ['a status that nobody documents', 201, {}, '201'],
    ['a refusal without its code', 404, { message: 'gone' }, '404/code'],
  ])('refuses an answer with %s', (_what, status, body, at) => {
    expect(judge.answer(ask('GET', number), answer(status, body)).map((breach) => breach.at)).toContain(at);
  });

  it("accepts '' where Twilio's own examples have it", () => {
    const breaches = judge.answer(ask('GET', number), answer(200, { voice_application_sid: '', voice_url: null }));
    expect(breaches.filter(({ fault }) => fault !== 'is missing')).toEqual([]);
  });
});
