import { afterEach, expect, it, vi } from 'vitest';
import { ProviderProblem } from '../provisioning/index.ts';
import { createTwilio } from './twilio.ts';

afterEach(() => vi.restoreAllMocks());

const account = createTwilio({ url: undefined, timeout_ms: 1000, measureCall: (_call, run) => run() })({
  provider: 'twilio',
  account_sid: `AC${'0'.repeat(32)}`,
  auth_token: 'a-token',
});

it.each([
  'https://attacker.example/v1/Trunks?Page=1',
  'https://trunking.twilio.com.attacker.example/v1/Trunks?Page=1',
  'https://trunking.twilio.com:8443/v1/Trunks?Page=1',
  'http://trunking.twilio.com/v1/Trunks?Page=1',
])('sends no credentials to %s, even if a list names it as its next page', async (next_page_url) => {
  const meta = { key: 'trunks', page: 0, page_size: 1000, url: '', next_page_url };
  const fetched = vi
    .spyOn(globalThis, 'fetch')
    .mockImplementation(async () => Response.json({ trunks: [], meta }, { status: 200 }));
  await expect(account.findTrunks('ours')).rejects.toThrow(ProviderProblem);
  expect(fetched.mock.calls.map(([url]) => new URL(String(url)).host)).toEqual(['trunking.twilio.com']);
});
