import type { Caller, Handlers } from '@trunkline/contracts';
import type { Shelf } from '../sandbox/shelf.ts';
import { type SeededNumber, seedAccount } from '../sandbox/twilio-seed.ts';

/** The numbers of the sample account. The last ones show what is refused. */
const numbers: readonly SeededNumber[] = [
  ...['+15551234567', '+15551234568', '+15551234569', '+15551234570', '+15551234571'].map((phone_number) => ({
    phone_number,
  })),
  { phone_number: '+15551234572', voice_url: 'https://example.com/answer' },
  { phone_number: '+15551234573', voice: false },
  { phone_number: '+15551234574', trunk_sid: `TK${'0'.repeat(32)}` },
];

/** A number that can be imported now, in the form that an import accepts. */
export interface Sample {
  phone_number: string;
  provider: 'twilio';
  integration_id: string;
}

/** Finds a number to import. First creates an integration of a sandbox account, unless the database has one. */
export const openSample = async (
  { integrations, phoneNumbers }: Pick<Handlers, 'integrations' | 'phoneNumbers'>,
  caller: Caller,
  shelf: Shelf,
): Promise<Sample> => {
  const { data: known } = await integrations.list(caller, { page_size: 100, include_total: false });
  const integration = known.at(-1) ?? (await integrate(integrations, caller, shelf));
  const { data: imported } = await phoneNumbers.list(caller, { page_size: 100, include_total: false });
  const free = numbers.find(({ phone_number }) => !imported.some((number) => number.phone_number === phone_number));
  const { integration_id } = integration;
  return { phone_number: free?.phone_number ?? '+15551234567', provider: 'twilio', integration_id };
};

const integrate = async (integrations: Handlers['integrations'], caller: Caller, shelf: Shelf) => {
  const { sid: account_sid, auth_token } = await seedAccount(shelf, numbers);
  const credentials = { provider: 'twilio', account_sid, auth_token } as const;
  return (await integrations.create(caller, { name: 'Sandbox account', credentials, call_transfers: 'disabled' })).data;
};
