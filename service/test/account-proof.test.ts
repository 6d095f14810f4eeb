import { problemIn } from '@trunkline/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TwilioKeyState } from '../src/sandbox/twilio-accounts.ts';
import { seedAccount } from '../src/sandbox/twilio-seed.ts';
import { drawSid } from '../src/sandbox/twilio-things.ts';
import { type Caller, drawNumber, type OpenedService, openService } from './open-service.ts';
import { readWorld, settle } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService({ environment: { PROVIDER_TIMEOUT_SECONDS: '2' } });
});
afterEach(() => service.sandbox.faults.clear());
afterAll(() => service.close());

const seen = ['listNumbers', 'listTrunks', 'listCredentialLists'];
const restrictedKey = (allow: string[]): TwilioKeyState => ({
  ...{ sid: drawSid('SK'), secret: 'a-secret', kind: 'restricted' },
  allow,
});

const integrate = (caller: Caller, account_sid: string, { sid, secret }: TwilioKeyState) =>
  caller.client.integrations.create.mutate({
    name: 'Test',
    credentials: { provider: 'twilio', account_sid, api_key_sid: sid, api_key_secret: secret },
  });

const prepare = async (key: TwilioKeyState) => {
  const caller = await service.newOrganization();
  const phone_number = drawNumber();
  const account = await seedAccount(service.sandbox.shelf, [{ phone_number }], { api_keys: [key] });
  return { caller, phone_number, account, integrating: () => integrate(caller, account.sid, key) };
};

const accepted = async (caller: Caller) => (await caller.client.integrations.list.query()).data.length;

describe('a restricted key', () => {
  it.each([
    ['listNumbers', "read the account's phone numbers"],
    ['listTrunks', 'list SIP trunks'],
    ['listCredentialLists', 'list SIP credential lists'],
  ])('without %s is refused naming the missing permission, and is not stored', async (lacking, act) => {
    const { caller, integrating } = await prepare(restrictedKey(seen.filter((call) => call !== lacking)));
    const problem = await integrating().catch(problemIn);
    expect(problem).toMatchObject({ code: 'provider_refused', status: 400, provider: { code: '70051' } });
    expect(problem).toMatchObject({ detail: expect.stringContaining(`lack the permission to ${act}, which`) });
    expect(await accepted(caller)).toBe(0);
  });

  it.each([20_003, 403, 70_051])(
    'that lacks two permissions is refused naming both, even if Twilio answers %i',
    async (code) => {
      const { integrating } = await prepare(restrictedKey(seen));
      for (const call of ['twilio.listTrunks', 'twilio.listCredentialLists']) {
        service.sandbox.faults.add({ call, kind: 'answer', status: 401, body: { code, message: 'no', status: 401 } });
      }
      expect(await integrating().catch(problemIn)).toMatchObject({
        code: 'provider_refused',
        detail: expect.stringContaining('to list SIP trunks, and to list SIP credential lists, which'),
      });
    },
  );

  it('that is wrong is refused', async () => {
    const { caller, account } = await prepare(restrictedKey(seen));
    const wrong = integrate(caller, account.sid, restrictedKey(seen)).catch(problemIn);
    expect(await wrong).toMatchObject({ code: 'provider_credentials_refused' });
  });

  it('that sees everything is stored, and stays active when one action is refused', async () => {
    const key = restrictedKey([...seen, 'createTrunk', 'createOriginationUrl', 'createCredentialList']);
    key.allow?.push('createCredential', 'createPermission', 'fetchTrunk');
    const { caller, phone_number, integrating } = await prepare(key);
    const { integration_id } = (await integrating()).data;
    const input = { phone_number, provider: 'twilio', supports_inbound: true, integration_id } as const;
    const statusNow = async () => (await caller.client.integrations.get.query({ integration_id })).data.status;

    const refused = await caller.client.phoneNumbers.import.mutate(input).catch(problemIn);
    expect(refused).toMatchObject({
      code: 'provider_refused',
      detail: expect.stringContaining('lacks the permission to update the phone number'),
    });
    expect(await statusNow()).toBe('active');

    const body = { code: 20_003, message: 'Authenticate', status: 401 };
    service.sandbox.faults.add({ call: 'twilio.updateNumber', kind: 'answer', status: 401, body });
    expect(await caller.client.phoneNumbers.import.mutate(input).catch(problemIn)).toMatchObject({
      code: 'provider_credentials_refused',
      detail: expect.stringContaining('also needs the permission to update the phone number'),
    });
    expect(await statusNow()).toBe('active');

    service.sandbox.faults.add({ call: 'twilio.', kind: 'answer', status: 401, body, times: 100 });
    await caller.client.phoneNumbers.import.mutate(input).catch(problemIn);
    expect(await statusNow()).toBe('refused');
    service.sandbox.faults.clear();
    await settle(service);
  });
});

it('an account is not stored if Twilio does not answer in time', async () => {
  const { caller, integrating } = await prepare(restrictedKey(seen));
  service.sandbox.faults.add({ call: 'twilio.listCredentialLists', kind: 'answer', status: 503 });
  expect(await integrating().catch(problemIn)).toMatchObject({ code: 'provider_unavailable', status: 503 });
  expect(await accepted(caller)).toBe(0);
});

describe('a key of an account for one of its subaccounts, whose trunks it cannot see', () => {
  const prepareSubaccount = async (trunk: boolean) => {
    const key = { sid: drawSid('SK'), secret: 'a-secret' };
    const owner = await seedAccount(service.sandbox.shelf, [], { api_keys: [key] });
    const phone_number = drawNumber();
    const more = { owner_account_sid: owner.sid };
    const subaccount = await seedAccount(service.sandbox.shelf, [{ phone_number }], more);
    const sid = drawSid('TK');
    const theirs = { sid, account_sid: owner.sid, friendly_name: 'Theirs' };
    if (trunk) await service.sandbox.shelf.put('twilio.trunk', sid, theirs);
    const caller = await service.newOrganization();
    return { caller, owner, subaccount, phone_number, integrating: () => integrate(caller, subaccount.sid, key) };
  };

  it('is refused at once if that is visible', async () => {
    const { integrating, owner, subaccount } = await prepareSubaccount(true);
    const told = `belong to the Twilio account ${owner.sid}, and act there instead of in ${subaccount.sid}`;
    const refused = { code: 'provider_refused', detail: expect.stringContaining(told) };
    expect(await integrating().catch(problemIn)).toMatchObject(refused);
  });

  it('is refused at the import if it shows only then, and leaves nothing in the other account', async () => {
    const { caller, integrating, owner, phone_number } = await prepareSubaccount(false);
    const { integration_id } = (await integrating()).data;
    const input = { phone_number, provider: 'twilio', supports_inbound: true, integration_id } as const;
    const problem = await caller.client.phoneNumbers.import.mutate(input).catch(problemIn);
    expect(problem).toMatchObject({ code: 'provider_refused', detail: expect.stringContaining(owner.sid) });
    await settle(service);
    const { trunks, numbers } = await readWorld(service);
    expect(trunks.filter(({ account_sid }) => account_sid === owner.sid)).toEqual([]);
    expect(numbers.find((it) => it.phone_number === phone_number)?.trunk_sid).toBeNull();
    expect((await caller.client.phoneNumbers.list.query({ phone_number })).data).toEqual([]);
  });
});

describe('routing_credentials', () => {
  const token = 'e'.repeat(32);
  const integrateIn = async (routing_credentials: object, api_keys: TwilioKeyState[] = []) => {
    const caller = await service.newOrganization();
    const account = await seedAccount(service.sandbox.shelf, [], { api_keys, regional_tokens: { ie1: token } });
    const credentials = { provider: 'twilio', account_sid: account.sid, auth_token: token, region: 'ie1' };
    const input = { name: 'Test', credentials: { ...credentials, routing_credentials } };
    return caller.rest('POST', '/api/integrations', input);
  };

  it('that are wrong are refused, naming their Region', async () => {
    const { status, body } = await integrateIn({ auth_token: 'wrong' });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'provider_credentials_refused' });
    expect(body.detail).toContain('in the Region us1');
  });

  it('that may only route are accepted', async () => {
    const key = restrictedKey(['fetchNumberRoute', 'updateNumberRoute']);
    const given = { api_key_sid: key.sid, api_key_secret: key.secret };
    expect((await integrateIn(given, [key])).status).toBe(201);
  });
});
