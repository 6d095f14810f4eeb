import { afterAll, beforeAll, expect, it } from 'vitest';
import { seedAccount } from '../src/sandbox/twilio-seed.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService({ environment: { PROVIDER_TIMEOUT_SECONDS: '20', LEASE_SECONDS: '60' } });
});
afterAll(() => service.close());

const HOUR_MS = 3_600_000;

it.each([
  ['that is closed', { status: 'closed' }],
  ['whose token was revoked', { auth_token: 'another' }],
])('an account %s is reported within an hour, once, and again when it works', async (_what, changes) => {
  const caller = await service.newOrganization();
  const numbers = [drawNumber(), drawNumber(), drawNumber()];
  const { integration_id, account_sid } = await service.integrate(
    caller,
    numbers.map((phone_number) => ({ phone_number })),
  );
  for (const phone_number of numbers) {
    const input = { phone_number, provider: 'twilio', supports_inbound: true, integration_id };
    expect((await caller.rest('POST', '/api/phone-numbers', input)).status).toBe(201);
  }
  const events = async () =>
    (await service.connection.collection('events').find({ subject_id: integration_id }).toArray()).map((it) => it.type);
  const status = async () => (await caller.client.integrations.get.query({ integration_id })).data.status;
  const { shelf } = service.sandbox;
  const account = (await shelf.get<{ status: string }>('twilio.account', account_sid))!;
  await shelf.put('twilio.account', account_sid, { ...account, ...changes });
  await service.reconciler.turn();
  expect(await status()).toBe('active');
  for (let hour = 0; hour < 3; hour++) {
    service.clock.advance(HOUR_MS + 1);
    await service.reconciler.turn();
    expect(await status()).toBe('refused');
  }
  expect(await events()).toEqual(['integration.created', 'integration.refused']);
  await service.measure();
  expect(await service.metrics.registry.metrics()).toContain('trunkline_integrations{status="refused"} 1');
  await shelf.put('twilio.account', account_sid, account);
  service.clock.advance(HOUR_MS + 1);
  await service.reconciler.turn();
  expect(await status()).toBe('active');
  expect((await events()).at(-1)).toBe('integration.accepted');
});

it('an account without imported numbers is checked too', async () => {
  const caller = await service.newOrganization();
  const { integration_id, account_sid } = await service.integrate(caller, []);
  const { shelf } = service.sandbox;
  const account = (await shelf.get<{ status: string }>('twilio.account', account_sid))!;
  await shelf.put('twilio.account', account_sid, { ...account, auth_token: 'another' });
  service.clock.advance(HOUR_MS + 1);
  await service.reconciler.turn();
  expect((await caller.client.integrations.get.query({ integration_id })).data.status).toBe('refused');
});

it('an account is checked again within minutes if Twilio was unavailable', async () => {
  const caller = await service.newOrganization();
  const { integration_id, account_sid } = await service.integrate(caller, []);
  const { shelf, faults } = service.sandbox;
  const account = (await shelf.get<{ status: string }>('twilio.account', account_sid))!;
  await shelf.put('twilio.account', account_sid, { ...account, auth_token: 'another' });
  faults.add({ call: 'twilio.listNumbers', kind: 'answer', status: 503, times: 1000 });
  service.clock.advance(HOUR_MS + 1);
  await service.reconciler.turn();
  faults.clear();
  const status = async () => (await caller.client.integrations.get.query({ integration_id })).data.status;
  expect(await status()).toBe('active');
  service.clock.advance(300_001);
  await service.reconciler.turn();
  expect(await status()).toBe('refused');
});

it('an account is reported once by the first call that is refused, however many are', async () => {
  const caller = await service.newOrganization();
  const owned = Array.from({ length: 10 }, () => ({ phone_number: drawNumber() }));
  const { integration_id, account_sid } = await service.integrate(caller, owned);
  const { shelf } = service.sandbox;
  const account = (await shelf.get<{ status: string }>('twilio.account', account_sid))!;
  await shelf.put('twilio.account', account_sid, { ...account, auth_token: 'another' });
  const answers = await Promise.all(
    owned.map(({ phone_number }) =>
      caller.rest('POST', '/api/phone-numbers', {
        ...{ phone_number, provider: 'twilio', supports_inbound: true, integration_id },
      }),
    ),
  );
  expect(new Set(answers.map(({ body }) => body.code))).toEqual(new Set(['provider_credentials_refused']));
  expect((await caller.client.integrations.get.query({ integration_id })).data.status).toBe('refused');
  const told = await service.connection.collection('events').find({ subject_id: integration_id }).toArray();
  expect(told.map(({ type }) => type)).toEqual(['integration.created', 'integration.refused']);
});

it('an account whose key is refused one action is not marked as refused if the check of the key fails', async () => {
  const caller = await service.newOrganization();
  const phone_number = drawNumber();
  const { sid: account_sid, api_keys } = await seedAccount(service.sandbox.shelf, [{ phone_number }]);
  const [key] = api_keys;
  const credentials = { provider: 'twilio', account_sid, api_key_sid: key!.sid, api_key_secret: key!.secret } as const;
  const { data } = await caller.client.integrations.create.mutate({ name: 'Test', credentials });
  const { integration_id } = data;
  const { faults } = service.sandbox;
  const body = { code: 20_003, message: 'Authenticate', status: 401 };
  faults.add({ call: 'twilio.createTrunk', kind: 'answer', status: 401, body });
  faults.add({ call: 'twilio.listNumbers', kind: 'answer', status: 503, skip: 1, times: 3 });
  const input = { phone_number, provider: 'twilio', supports_inbound: true, integration_id };
  expect((await caller.rest('POST', '/api/phone-numbers', input)).body.code).toBe('provider_credentials_refused');
  faults.clear();
  expect((await caller.client.integrations.get.query({ integration_id })).data.status).toBe('active');
});
