import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createTrunklineClient, type TrunklineClient } from './client.ts';

const asked: string[] = [];
const server = createServer(({ url = '' }, res) => {
  asked.push(url);
  const names = decodeURIComponent(url.split('?')[0] ?? '').split(',');
  res.setHeader('Content-Type', 'application/json').end(JSON.stringify(names.map(() => ({ result: { data: 'x' } }))));
});
let origin: string;
let client: TrunklineClient;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = createTrunklineClient({ url: origin, apiKey: 'key', organizationId: process.env.NOT_SET });
});
afterAll(() => void server.close());
beforeEach(() => void asked.splice(0));

it('asks for twenty filtered lists in URLs that stay under 2,000 bytes', async () => {
  const lists = Array.from({ length: 20 }, (_, n) =>
    client.phoneNumbers.list.query({
      phone_number: `+1555123${4000 + n}`,
      integration_id: 'intg_a1b2c3d4e5f6',
      status: 'free',
      provider: 'twilio',
    }),
  );
  expect(await Promise.all(lists)).toHaveLength(20);
  expect(asked).toHaveLength(2);
  for (const path of asked) expect(Buffer.byteLength(origin + path)).toBeLessThan(2000);
});

it('sends a filtered list with the longest possible cursor in one request', async () => {
  await client.phoneNumbers.list.query({ cursor: '+'.repeat(200), phone_number: '+15551234567', page_size: 100 });
  expect(asked).toHaveLength(1);
});

it.each([
  [{ url: undefined, apiKey: 'key' }, /^url is missing/],
  [{ url: 'http://127.0.0.1', apiKey: process.env.NOT_SET }, /^apiKey is missing/],
  [{ url: 'http://127.0.0.1', apiKey: '' }, /^apiKey is missing/],
])('says which option is missing in %j', (options, message) => {
  expect(() => createTrunklineClient(options)).toThrow(message);
});

it('refuses a misspelt idempotency key before anything is sent', async () => {
  const misspelt = { context: { idempotencykey: 'order-17' } as object };
  const call = client.phoneNumbers.import.mutate({ phone_number: '+15551234567', provider: 'sip' }, misspelt);
  await expect(call).rejects.toThrow('The context of a call takes idempotencyKey, not idempotencykey.');
  expect(asked).toEqual([]);
});
