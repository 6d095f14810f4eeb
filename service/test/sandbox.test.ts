import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { openSandbox, type Sandbox } from '../src/sandbox/server.ts';
import { createMemoryShelf } from '../src/sandbox/shelf.ts';

let sandbox: Sandbox;
let port: string;
beforeAll(async () => {
  sandbox = await openSandbox({ shelf: createMemoryShelf(), clock: systemClock, port: 0 });
  ({ port } = new URL(sandbox.url));
});
afterAll(() => sandbox.close());

const ask = (method: string, path: string, headers: Record<string, string>): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request(sandbox.url + path, { method, headers }, (res) => resolve(res.resume().statusCode))
      .on('error', reject)
      .end(method === 'POST' ? '{"kind":"slow"}' : undefined);
  });

const routes = [
  ['GET', '/sandbox'],
  ['GET', '/sandbox/overview'],
  ['POST', '/sandbox/faults'],
  ['DELETE', '/sandbox/faults'],
  ['GET', '/2010-04-01/Accounts.json'],
  ['POST', '/twirp/livekit.SIP/ListSIPInboundTrunk'],
] as const;

describe.each(routes)('the sandbox at %s %s', (method, path) => {
  it.each([
    ['a name that leads here (DNS rebinding)', () => ({ Host: `attacker.example:${port}` })],
    ['a name that begins like ours', () => ({ Host: `localhost.attacker.example:${port}` })],
    ['a page of another site', () => ({ Host: `127.0.0.1:${port}`, Origin: 'https://attacker.example' })],
    ['a page of another port', () => ({ Host: `127.0.0.1:${port}`, Origin: 'http://127.0.0.1:8080' })],
    ['a page without an origin', () => ({ Host: `127.0.0.1:${port}`, Origin: 'null' })],
  ])('is closed to %s', async (_what, headers) => {
    expect(await ask(method, path, { ...headers(), 'Content-Type': 'application/json' })).toBe(403);
    expect(sandbox.faults.take('any')).toBeUndefined();
  });

  it('is open through a tunnel on another port, and to its own page there', async () => {
    const headers = { Host: '127.0.0.1:1', 'Content-Type': 'application/json' };
    expect(await ask(method, path, headers)).not.toBe(403);
    expect(await ask(method, path, { ...headers, Origin: 'http://127.0.0.1:1' })).not.toBe(403);
    sandbox.faults.clear();
  });

  it.each(['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]'])('is open to this machine as %s', async (name) => {
    const headers = { Host: `${name}:${port}`, Origin: `http://127.0.0.1:${port}`, 'Content-Type': 'application/json' };
    expect(await ask(method, path, headers)).not.toBe(403);
    sandbox.faults.clear();
  });
});

describe('/sandbox', () => {
  const get = async (accept: string | undefined) => {
    const response = await fetch(`${sandbox.url}/sandbox`, { headers: accept === undefined ? {} : { Accept: accept } });
    return {
      type: response.headers.get('content-type'),
      vary: response.headers.get('vary'),
      text: await response.text(),
    };
  };

  it.each([['application/json'], ['*/*'], ['application/json, text/html'], ['text/plain']])(
    'answers JSON to a program that accepts %s',
    async (accept) => {
      const { type, vary, text } = await get(accept);
      expect({ type, vary }).toEqual({ type: 'application/json; charset=utf-8', vary: 'Accept' });
      const kinds = { inbound_trunk: [], outbound_trunk: [], dispatch_rule: [] };
      expect(JSON.parse(text)).toMatchObject({ twilio: { number: [], trunk: [] }, livekit: kinds });
      expect(text).toMatch(/^\{\n {2}"twilio": \{\n {4}"number"/);
    },
  );

  it('answers a page to a browser', async () => {
    const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';
    const { type, vary, text } = await get(browser);
    expect({ type, vary }).toEqual({ type: 'text/html; charset=utf-8', vary: 'Accept' });
    expect(text).toMatch(/^<!doctype html>/);
  });
});
