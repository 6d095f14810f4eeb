import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { fieldsOf, IF_REVISION, operations } from '@trunkline/contracts';
import openapi from '@trunkline/contracts/openapi.json' with { type: 'json' };
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { docsFolder } from '../src/http/docs.ts';
import { type OpenedService, openService } from './open-service.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

interface Got {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** Without the automatic decompression of fetch. */
const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> =>
  new Promise((resolve, reject) => {
    request(service.url + path, { method, headers }, async (res) => {
      const chunks: Buffer[] = [];
      for await (const chunk of res) chunks.push(chunk);
      resolve({ status: res.statusCode!, headers: res.headers as never, body: Buffer.concat(chunks) });
    })
      .on('error', reject)
      .end();
  });

const forEver = 'public, max-age=31536000, immutable';
const paths = [
  ['/openapi.json', 'public, max-age=300'],
  ['/docs.md', 'public, max-age=300'],
  ['/llms.txt', 'public, max-age=300'],
  [`${docsFolder}/start.js`, forEver],
  [`${docsFolder}/style.css`, forEver],
  [`${docsFolder}/openapi.json`, forEver],
  [`${docsFolder}/icon.svg`, forEver],
  [`${docsFolder}/scalar/standalone.esm.js`, forEver],
] as const;

it('/docs/ is not cached, because each visit has its own nonce', async () => {
  const [first, second] = [await get('/docs/'), await get('/docs/')];
  expect(first).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
  expect(first.headers).not.toHaveProperty('etag');
  expect(first.body.length).toBeLessThan(2_000);
  expect(first.body.equals(second.body)).toBe(false);
});

describe.each(paths)('%s', (path, cache_control) => {
  it('is sent in the encoding that the client accepts, with the same content in each', async () => {
    const whole = await get(path);
    expect(whole.headers).not.toHaveProperty('content-encoding');
    const gzip = await get(path, { 'Accept-Encoding': 'gzip' });
    const br = await get(path, { 'Accept-Encoding': 'gzip, deflate, br' });
    const neither = await get(path, { 'Accept-Encoding': 'zstd, gzip;q=0' });
    expect(neither.body.equals(whole.body)).toBe(true);
    for (const { status, headers } of [whole, gzip, br, neither]) {
      expect(status).toBe(200);
      expect(headers).toMatchObject({ vary: 'Accept-Encoding', 'cache-control': cache_control });
    }
    expect(gzip.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(gzip.body).equals(whole.body)).toBe(true);
    expect(br.headers['content-encoding']).toBe('br');
    expect(brotliDecompressSync(br.body).equals(whole.body)).toBe(true);
    expect(br.body.length).toBeLessThan(whole.body.length);
  });

  it('is not sent again to a client that has it in that encoding', async () => {
    const tags = new Set<string>();
    for (const encoding of ['identity', 'gzip', 'br']) {
      const first = await get(path, { 'Accept-Encoding': encoding });
      const { etag } = first.headers;
      expect(etag).toMatch(/^"[\w-]+"$/);
      tags.add(etag!);
      const again = await get(path, { 'Accept-Encoding': encoding, 'If-None-Match': `"other", W/${etag}` });
      expect({ status: again.status, length: again.body.length, etag: again.headers.etag }).toEqual({
        status: 304,
        length: 0,
        etag,
      });
      expect((await get(path, { 'Accept-Encoding': encoding, 'If-None-Match': '"other"' })).status).toBe(200);
    }
    expect(tags.size).toBe(3);
  });

  it('answers HEAD with its size', async () => {
    const whole = await get(path);
    const head = await get(path, {}, 'HEAD');
    expect(head.body).toHaveLength(0);
    expect(head.headers['content-length']).toBe(String(whole.body.length));
  });
});

it('/openapi.json is the whole document of the API', async () => {
  const { body, headers } = await get('/openapi.json');
  expect(JSON.parse(body.toString())).toEqual(openapi);
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  expect(createHash('sha256').update(body).digest('base64url')).toContain(headers.etag?.slice(1, -1));
});

describe('the reference as Markdown', () => {
  const readText = async (path: string) => (await get(path)).body.toString();

  it('has every operation with its route, permission, example answer and fields', async () => {
    const text = await readText('/docs.md');
    for (const [name, { summary, route, permission, problems, input }] of operations) {
      const [, section = ''] = text.split(`\n### ${summary}\n`);
      const [operation = ''] = section.split(/\n##/);
      expect(operation, name).toContain(`\`${route.method} /api${route.path}\``);
      expect(operation, name).toContain(`\`${name}\``);
      if (permission !== 'any key') expect(operation).toContain(`\`${permission}\``);
      expect(operation, name).toMatch(/Answer 20[01]: .*"success": true/s);
      for (const code of problems) expect(operation, name).toContain(`\`${code}\``);
      for (const field of Object.keys(fieldsOf(input))) {
        expect(text, name).toContain(field === IF_REVISION ? '`If-Match`' : `\`${field}\` (`);
      }
    }
  });

  it('has no broken link', async () => {
    const text = await readText('/docs.md');
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading.toLowerCase().replaceAll(' ', '-'),
    );
    const linked = [...text.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor]) => anchor);
    expect(linked.length).toBeGreaterThan(50);
    expect(linked.filter((anchor) => !headings.includes(anchor!))).toEqual([]);

    const list = await readText('/llms.txt');
    for (const [, path = '', anchor] of list.matchAll(/\]\((\/[^)#]*)#?([^)]*)\)/g)) {
      expect((await get(path)).status, path).toBe(200);
      if (anchor) expect(headings).toContain(anchor);
    }
    for (const { summary } of operations.values()) expect(list).toContain(`[${summary}](/docs.md#`);
  });
});

describe('a request without a valid key', () => {
  const anonymous = [
    ['GET', '/openapi.json'],
    ['GET', '/llms.txt'],
    ['GET', '/docs/'],
    ['GET', `${docsFolder}/style.css`],
    ['GET', '/'],
    ['GET', '/nothing'],
    ['GET', '/api/nothing'],
    ['PATCH', '/api/me'],
    ['GET', '/api/me'],
    ['GET', '/trpc/me'],
    ['POST', '/trpc/apiKeys.create'],
    ['GET', '/trpc/me?batch=2'],
    ['HEAD', '/trpc/me'],
  ] as const;

  it.each(anonymous)('%s %s is limited by address, with Retry-After', async (method, path) => {
    await using limited = await openService({ environment: { ANONYMOUS_RATE_LIMIT_RPS: '1' } });
    const ask = () => fetch(limited.url + path, { method, redirect: 'manual' });
    // A page's files have a limit sixty times as high.
    const answers = await Promise.all(Array.from({ length: path.startsWith(docsFolder) ? 100 : 8 }, ask));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]!.headers.get('retry-after')).toBe('1');
    if (method !== 'HEAD') expect(await refused[0]!.text()).toContain('"code":"rate_limited"');
  });

  it('never delays a request with a valid key, or a health check', async () => {
    await using limited = await openService({ environment: { ANONYMOUS_RATE_LIMIT_RPS: '1' } });
    const user = await limited.newKey(limited.admin, 'user');
    const flood = Array.from({ length: 50 }, () => fetch(`${limited.url}/api/me`));
    for (let n = 0; n < 10; n++) {
      expect((await user.rest('GET', '/api/me')).status).toBe(200);
      expect((await user.rest('GET', '/trpc/me')).status).toBe(200);
      for (const path of ['/healthz', '/readyz']) expect((await fetch(limited.url + path)).status).toBe(200);
    }
    const statuses = (await Promise.all(flood)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
  });

  it('is limited for each address behind a trusted proxy; one IPv6 network counts as one address', async () => {
    await using limited = await openService({
      environment: { ANONYMOUS_RATE_LIMIT_RPS: '1', TRUSTED_PROXIES: '1' },
    });
    const statusesOf = async (addresses: string[]) => {
      const asked = addresses.map((address) =>
        fetch(`${limited.url}/openapi.json`, { headers: { 'X-Forwarded-For': address } }),
      );
      return (await Promise.all(asked)).map(({ status }) => status);
    };
    expect(await statusesOf(['203.0.113.1', '203.0.113.2', '2001:db8:0:1::1', '2001:db8:0:2::1'])).toEqual([
      200, 200, 200, 200,
    ]);
    const one = Array.from({ length: 8 }, (_, n) => `2001:db8:0:3::${n + 1}`);
    expect(await statusesOf(one)).toContain(429);
    const mapped = Array.from({ length: 8 }, (_, n) => (n % 2 ? '::ffff:203.0.113.9' : '203.0.113.9'));
    expect((await statusesOf(mapped)).filter((status) => status === 200).length).toBeLessThan(8);
  });
});
