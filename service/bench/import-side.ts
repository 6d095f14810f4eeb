import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Bench } from './open-bench.ts';

/** A request to one side: an import of this kind, with this delay at each call to a provider. */
export interface ImportAsked {
  kind: 'existing' | 'first' | 'sip';
  delay_ms: number;
}

/** One checkout in its own process: it imports on request, and replies with the time in milliseconds. */
const [, , checkout = '', mongodb_uri = ''] = process.argv;
const { openBench }: { openBench(mongodb_uri: string): Promise<Bench> } = await import(
  pathToFileURL(join(checkout, 'service/bench/open-bench.ts')).href
);
const { client, integrate, drawNumber, setDelay } = await openBench(mongodb_uri);
const existing = await integrate();
const both = { supports_inbound: true, supports_outbound: true } as const;

const inputOf = async (kind: ImportAsked['kind']) => {
  const phone_number = drawNumber();
  if (kind === 'sip') return { phone_number, provider: 'sip', ...both, sip_server_address: 'sip.example.com' } as const;
  const integration_id = kind === 'existing' ? existing : await integrate();
  return { phone_number, provider: 'twilio', ...both, integration_id } as const;
};

process.on('message', async ({ kind, delay_ms }: ImportAsked) => {
  const input = await inputOf(kind);
  await setDelay(delay_ms);
  const begun = performance.now();
  await client.phoneNumbers.import.mutate(input);
  const took_ms = performance.now() - begun;
  await setDelay(0);
  process.send?.(took_ms);
});
process.once('disconnect', () => process.exit());
process.send?.('ready');
