import { connect } from '../src/database/connect.ts';
import { listenByHand } from './by-hand.ts';
import { openBench } from './open-bench.ts';
import type { Ready, Side } from './reads.ts';

/** One side of the comparison, in its own process. */
const [, , side, mongodb_uri = ''] = process.argv as [string, string, Side, string];

const openTrunkline = async (): Promise<Ready> => {
  const { url, api_key, organization_id, client, integrate, drawNumber } = await openBench(mongodb_uri);
  const integration_id = await integrate();
  const both = { supports_inbound: true, supports_outbound: true };
  const { data } = await client.phoneNumbers.import.mutate({
    phone_number: drawNumber(),
    provider: 'twilio',
    ...both,
    integration_id,
  });
  return readyOf(url, api_key, organization_id, data.phone_number_id);
};

const readyOf = (url: string, api_key: string, organization_id: string, phone_number_id: string): Ready => ({
  url,
  headers: { 'X-API-Key': api_key, 'X-Organization-Id': organization_id },
  rest: `/api/phone-numbers/${phone_number_id}`,
  trpc: `/trpc/phoneNumbers.get?input=${encodeURIComponent(JSON.stringify({ phone_number_id }))}`,
});

/** Reads the number that the other side wrote, with its own API key. */
const openByHand = async (): Promise<Ready> => {
  const connection = await connect(mongodb_uri);
  const { url, api_key, organization_id, phone_number_id } = await listenByHand(connection);
  return readyOf(url, api_key, organization_id, phone_number_id);
};

const ready = side === 'trunkline' ? await openTrunkline() : await openByHand();
process.send?.(ready);
