import { createTRPCClient, httpBatchLink, httpBatchStreamLink } from '@trpc/client';
import type { AppRouter } from '@trunkline/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, type OpenedService, openService } from './open-service.ts';

let service: OpenedService;
let caller: Caller;
beforeAll(async () => {
  service = await openService({ environment: { RATE_LIMIT_RPS: '1000' } });
  caller = service.admin;
});
afterAll(() => service.close());

const noOrganization = { 'X-Organization-Id': '' };

/** The status of this request, and how many calls of the key it used up according to the response headers. */
const counted = async (path: string): Promise<{ status: number; calls: number }> => {
  const other = await service.newOrganization();
  const { status, headers } = await other.rest('GET', path);
  const [, left] = /r=(\d+)/.exec(headers.get('ratelimit') ?? '') ?? [];
  return { status, calls: left === undefined ? 0 : 1000 - Number(left) };
};

describe('an ambiguous tRPC address is a 400, and nothing of it runs', () => {
  const names = 'me,me,me';
  it.each([
    ['batch twice', `/trpc/${names}?batch=1&batch=1`],
    ['batch, then no batch', `/trpc/${names}?batch=1&batch=0`],
    ['no batch, then batch', `/trpc/${names}?batch=0&batch=1`],
    ['batch in brackets', `/trpc/${names}?batch[]=1`],
    ['batch in encoded brackets', `/trpc/${names}?batch%5B%5D=1`],
    ['batch that is no 1', `/trpc/${names}?batch=true`],
    ['batch that is empty', `/trpc/${names}?batch=`],
    ['batch that is 1 only once trimmed', `/trpc/${names}?batch=1%20`],
    ['batch in other letters', `/trpc/${names}?BATCH=1`],
    ['an encoded second batch', `/trpc/${names}?batch=1&%62atch=1`],
    ['names without batch', `/trpc/${names}`],
    ['encoded commas without batch', '/trpc/me%2Cme'],
    ['a slash in the name', '/trpc/me,z/apiKeys.list?batch=1'],
    ['an encoded slash in the name', '/trpc/me,z%2FapiKeys.list?batch=1'],
    ['a slash twice encoded', '/trpc/me%252FapiKeys.list'],
    ['a backslash in the name', '/trpc/me,z%5CapiKeys.list?batch=1'],
    ['a leading slash', '/trpc//me'],
    ['a trailing slash', '/trpc/me/'],
    ['a name between slashes', '/trpc/x/me'],
    ['no name', '/trpc/'],
    ['an empty name in a batch', '/trpc/me,,me?batch=1'],
    ['a trailing comma', '/trpc/me,?batch=1'],
    ['a matrix parameter', '/trpc/me;batch=1'],
    ['a null byte', '/trpc/me%00'],
    ['a blank', '/trpc/me%20'],
    ['an unknown member of the query', '/trpc/me?_=1'],
    ['connection parameters', '/trpc/me?connectionParams=%7B%7D'],
    ['the id of a subscription', '/trpc/me?lastEventId=1'],
    ['two inputs', '/trpc/phoneNumbers.list?input=%7B%7D&input=%7B%22page_size%22%3A1%7D'],
    ['an input that is no UTF-8', '/trpc/me?input=%FF'],
    ['21 calls', `/trpc/${Array.from({ length: 21 }, () => 'me').join(',')}?batch=1`],
  ])('for a query: %s', async (_what, path) => {
    for (const headers of [{}, noOrganization]) {
      const { status, body } = await caller.rest('GET', path, undefined, headers);
      expect({ status, code: body.error?.data?.code ?? body.code }).toEqual({ status: 400, code: 'invalid_request' });
    }
  });

  it('for a mutation', async () => {
    const before = (await caller.client.apiKeys.list.query()).data.length;
    const body = { 0: { name: 'x', role: 'user' }, 1: { name: 'y', role: 'user' } };
    for (const path of [
      '/trpc/apiKeys.create,apiKeys.create?batch=1&batch=1',
      '/trpc/me,z/apiKeys.create,apiKeys.create?batch=1',
      '/trpc/apiKeys.create?input=%7B%7D',
    ]) {
      expect((await caller.rest('POST', path, body, noOrganization)).status).toBe(400);
    }
    expect((await caller.client.apiKeys.list.query()).data).toHaveLength(before);
  });
});

describe('the calls that were checked are the ones that run', () => {
  it('every call of a batch is counted', async () => {
    const one = await counted('/trpc/me?input=%7B%7D');
    expect(one).toEqual({ status: 200, calls: 1 });
    const batch = `/trpc/${Array.from({ length: 20 }, () => 'me').join(',')}?batch=1&input=%7B%7D`;
    expect(await counted(batch)).toEqual({ status: 200, calls: 20 });
    expect(await counted(batch.replaceAll(',', '%2C'))).toEqual({ status: 200, calls: 20 });
    expect((await counted('/trpc/me,nothing?batch=1')).calls).toBe(2);
  });

  it('a batch needs X-Organization-Id if one of its calls does', async () => {
    const { status, body } = await caller.rest('GET', '/trpc/me,apiKeys.list?batch=1&input=%7B%7D', undefined, {
      'X-Organization-Id': '',
    });
    expect(status).toBe(400);
    expect(body[0].error.data.code).toBe('organization_required');
  });

  it.each(['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'])(
    '%s is answered 405, with the allowed methods',
    async (method) => {
      const { status, headers } = await caller.rest(method, '/trpc/me');
      expect({ status, allow: headers.get('allow') }).toEqual({ status: 405, allow: 'GET, POST' });
    },
  );

  it('a mutation does not run by GET, nor a query by POST', async () => {
    const create = await caller.rest(
      'GET',
      '/trpc/apiKeys.create?input=%7B%22name%22%3A%22x%22%2C%22role%22%3A%22user%22%7D',
    );
    expect(create).toMatchObject({ status: 405, body: { error: { data: { code: 'method_not_allowed' } } } });
    expect((await caller.rest('POST', '/trpc/me', {})).status).toBe(405);
    expect((await caller.rest('POST', '/trpc/me', {}, { 'X-HTTP-Method-Override': 'GET' })).status).toBe(405);
  });

  it.each([
    'application/json, multipart/form-data',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'application/jsonl',
    'application/json; charset=utf-16le',
    'text/plain',
  ])('a body of type %s is a 415', async (type) => {
    const { status, body } = await caller.rest('POST', '/trpc/apiKeys.create', '{}', { 'Content-Type': type });
    expect({ status, code: body.error.data.code }).toEqual({ status: 415, code: 'unsupported_media_type' });
  });
});

describe('the usual tRPC clients', () => {
  it.each([
    ['in batches', httpBatchLink],
    ['in streams', httpBatchStreamLink],
  ])('are answered %s', async (_how, link) => {
    const headers = { 'X-API-Key': caller.api_key, 'X-Organization-Id': caller.organization_id };
    const client = createTRPCClient<AppRouter>({ links: [link({ url: `${service.url}/trpc`, headers })] });
    const [me, keys, unknown] = await Promise.all([
      client.me.query(),
      client.apiKeys.list.query({ page_size: 1 }),
      client.phoneNumbers.get.query({ phone_number_id: 'phon_000000000000' }).catch((error) => error),
    ]);
    expect(me.data.organization_id).toBe(caller.organization_id);
    expect(keys.data).toHaveLength(1);
    expect(unknown.data).toMatchObject({ code: 'phone_number_not_found', status: 404 });
  });
});
