import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService();
});
afterEach(() => service.sandbox.faults.clear());
afterAll(() => service.close());

const refuse = (call: string, code: number, message: string, times = 1) =>
  service.sandbox.faults.add({
    ...{ call: `twilio.${call}`, kind: 'answer', status: 400, times },
    body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status: 400 },
  });

const open = async () => {
  const owner = await service.newOrganization();
  const phone_number = drawNumber();
  const { integration_id, account_sid } = await service.integrate(owner, [{ phone_number }]);
  const input = { phone_number, provider: 'twilio', supports_inbound: true, integration_id } as const;
  return { owner, input, account_sid, phone_number, integration_id };
};

const statusOf = async (owner: Caller, integration_id: `intg_${string}`) =>
  (await owner.client.integrations.get.query({ integration_id })).data.status;

describe('an import that Twilio refuses for its own reasons', () => {
  it.each([
    ['updateNumber', 21_649, 'Phone Number Requires a Bundle'],
    ['updateNumber', 21_422, 'PhoneNumber is not available'],
    ['createTrunk', 21_244, 'Maximum Number of Trunks reached'],
  ])("at %s with %i answers Twilio's message, and the number is free", async (call, code, message) => {
    const { owner, input, phone_number } = await open();
    refuse(call, code, message);
    const { status, body } = await owner.rest('POST', '/api/phone-numbers', input);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'provider_refused' });
    expect(body.detail).toContain(message);
    expect(body.provider).toMatchObject({ name: 'twilio', status: 400, code: String(code), message });
    expect((await owner.client.phoneNumbers.list.query({ phone_number })).data).toEqual([]);
    await settle(service);
    await expectWholeWorld(service);
    expect((await owner.rest('POST', '/api/phone-numbers', input)).status).toBe(201);
  });

  it('answers the same over tRPC', async () => {
    const { owner, input } = await open();
    refuse('updateNumber', 21_649, 'Phone Number Requires a Bundle');
    await expect(owner.client.phoneNumbers.import.mutate(input)).rejects.toMatchObject({
      data: { code: 'provider_refused', provider: { code: '21649', message: 'Phone Number Requires a Bundle' } },
    });
  });

  it('halfway through its carrier trunk says what stays, and the next import continues from there', async () => {
    const { owner, input, account_sid } = await open();
    refuse('createPermission', 21_240, 'Credential List Validation Error');
    const { body } = await owner.rest('POST', '/api/phone-numbers', input);
    expect(body).toMatchObject({ code: 'provider_refused', detail: expect.stringContaining('stay, and the next') });
    expect((await owner.rest('POST', '/api/phone-numbers', input)).status).toBe(201);
    const { trunks, lists } = await readWorld(service);
    for (const things of [trunks, lists]) {
      expect(things.filter((thing) => thing.account_sid === account_sid)).toHaveLength(1);
    }
  });

  it('because a key lacks a permission names it, and the integration stays active', async () => {
    const { phone_number, account_sid } = await open();
    const other = await service.newOrganization();
    const kept = await service.sandbox.shelf.get<any>('twilio.account', account_sid);
    const [api_key] = kept.api_keys;
    const { data } = await other.client.integrations.create.mutate({
      name: 'By a restricted key',
      credentials: { provider: 'twilio', account_sid, api_key_sid: api_key.sid, api_key_secret: api_key.secret },
    });
    service.sandbox.faults.add({
      ...{ call: 'twilio.createTrunk', kind: 'answer', status: 401 },
      body: { code: 70_051, message: 'Authorization Error', status: 401 },
    });
    const input = { phone_number, provider: 'twilio', supports_inbound: true, integration_id: data.integration_id };
    const { status, body } = await other.rest('POST', '/api/phone-numbers', input);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'provider_refused' });
    expect(body.detail).toContain(`The API key ${api_key.sid} lacks the permission to create a SIP trunk.`);
    expect(await statusOf(other, data.integration_id)).toBe('active');
  });
});
