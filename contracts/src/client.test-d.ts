import { expectTypeOf, it } from 'vitest';
import {
  createTrunklineClient,
  type Handlers,
  type ImportPhoneNumber,
  type PhoneNumber,
  problemIn,
  type TrunklineClient,
} from './index.ts';

declare const client: TrunklineClient;

it('is created with a URL, a key and an organization, which may be left out for `me`', () => {
  expectTypeOf(createTrunklineClient).toBeCallableWith({
    url: 'http://127.0.0.1:3000',
    apiKey: 'k',
    organizationId: 'org_x',
  });
  expectTypeOf(createTrunklineClient).toBeCallableWith({ url: 'http://127.0.0.1:3000', apiKey: 'k' });
});

it('shows ids as template types and dates as strings', async () => {
  const { data } = await client.phoneNumbers.get.query({ phone_number_id: 'phon_a1b2c3d4e5f6' });
  expectTypeOf(data.phone_number_id).toEqualTypeOf<`phon_${string}`>();
  expectTypeOf(data.created_at).toEqualTypeOf<string>();
  expectTypeOf(data.provisioning.steps[0]?.state).toEqualTypeOf<'pending' | 'done' | 'failed' | 'undone' | undefined>();
  // @ts-expect-error: another resource's id
  client.phoneNumbers.get.query({ phone_number_id: 'intg_a1b2c3d4e5f6' });
});

it('narrows a number by its provider', () => {
  const number = {} as PhoneNumber;
  if (number.provider === 'twilio') {
    expectTypeOf(number.integration_id).toEqualTypeOf<`intg_${string}`>();
    expectTypeOf(number).not.toHaveProperty('sip_uri');
  } else {
    expectTypeOf(number.sip_uri).toEqualTypeOf<string>();
    expectTypeOf(number.inbound_authentication).toEqualTypeOf<'digest' | 'none'>();
    expectTypeOf(number).not.toHaveProperty('integration_id');
  }
});

it('takes only the import fields of the given provider', () => {
  const { mutate } = client.phoneNumbers.import;
  expectTypeOf(mutate).toBeCallableWith({ phone_number: '+1', provider: 'sip', sip_server_address: 'x' });
  expectTypeOf(mutate).toBeCallableWith({
    phone_number: '+1',
    provider: 'twilio',
    integration_id: 'intg_x',
    supports_inbound: true,
  });
  // @ts-expect-error: a Twilio number needs its integration
  mutate({ phone_number: '+1', provider: 'twilio' });
  // @ts-expect-error: a SIP number has none
  mutate({ phone_number: '+1', provider: 'sip', integration_id: 'intg_x' });
});

it('calls a list without input', () => {
  expectTypeOf(client.phoneNumbers.list.query).toBeCallableWith();
  expectTypeOf(client.me.query).toBeCallableWith();
  expectTypeOf(client.phoneNumbers.list.query).toBeCallableWith({ page_size: 50, status: 'free' });
});

it('reads the problem from the error of a failed call', () => {
  expectTypeOf(problemIn(new Error())?.code).extract<'phone_number_taken'>().toEqualTypeOf<'phone_number_taken'>();
});

it('requires a handler for each operation, typed by its input and output', () => {
  expectTypeOf<Handlers['phoneNumbers']['assign']>()
    .parameter(1)
    .toMatchTypeOf<{ phone_number_id: `phon_${string}`; agent_id: string }>();
  expectTypeOf<Handlers['phoneNumbers']['list']>().parameter(1).toMatchTypeOf<{ page_size: number }>();
});

it('takes an idempotency key for mutations only, and refuses a misspelt one', () => {
  const { mutate } = client.phoneNumbers.import;
  const input: ImportPhoneNumber = { phone_number: '+1', provider: 'sip' };
  expectTypeOf(mutate).toBeCallableWith(input, { context: { idempotencyKey: process.env.NAME } });
  // @ts-expect-error: it is spelt idempotencyKey
  mutate(input, { context: { idempotencykey: 'order-17' } });
  // @ts-expect-error: a query has no effect to repeat
  client.me.query({}, { context: { idempotencyKey: 'order-17' } });
});

it('takes environment variables as they are', () => {
  expectTypeOf(createTrunklineClient).toBeCallableWith({
    url: process.env.URL,
    apiKey: process.env.API_KEY,
    organizationId: process.env.ORGANIZATION_ID,
  });
});
