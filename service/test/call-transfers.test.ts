import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createIntegrationStore } from '../src/integrations/store.ts';
import { seedAccount } from '../src/sandbox/twilio-seed.ts';
import { type Caller, drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService({ environment: { PROVIDER_TIMEOUT_SECONDS: '2' } });
});
afterEach(() => service.sandbox.faults.clear());
afterAll(() => service.close());

const integrate = async (caller: Caller, more: object = {}) => {
  const phone_number = drawNumber();
  const { sid: account_sid, auth_token } = await seedAccount(service.sandbox.shelf, [{ phone_number }]);
  const credentials = { provider: 'twilio', account_sid, auth_token };
  const { status, body } = await caller.rest('POST', '/api/integrations', { name: 'Test', credentials, ...more });
  const importing = () =>
    caller.rest('POST', '/api/phone-numbers', {
      ...{ phone_number, provider: 'twilio', supports_inbound: true },
      integration_id: body.data.integration_id,
    });
  const trunk = async () => (await readWorld(service)).trunks.find((it) => it.account_sid === account_sid);
  return { status, body, importing, trunk };
};

describe('call_transfers of an integration', () => {
  it.each([
    [undefined, 'disabled', 'disable-all'],
    ['disabled', 'disabled', 'disable-all'],
    ['sip', 'sip', 'sip-only'],
    ['all', 'all', 'enable-all'],
  ])('%s is answered as %s, and its trunk is created with %s', async (asked, answered, transfer_mode) => {
    const { body, importing, trunk } = await integrate(service.admin, asked ? { call_transfers: asked } : {});
    expect(body.data.call_transfers).toBe(answered);
    const { integration_id } = body.data;
    const { data } = await service.admin.client.integrations.get.query({ integration_id });
    expect(data.call_transfers).toBe(answered);
    expect((await importing()).status).toBe(201);
    expect(await trunk()).toMatchObject({ transfer_mode });
  });

  it('with any other value is refused, naming the field', async () => {
    const { status, body } = await integrate(service.admin, { call_transfers: 'enable-all' });
    expect({ status, path: body.issues[0].path }).toEqual({ status: 400, path: 'call_transfers' });
  });
});

describe('a trunk whose integration now has other call_transfers', () => {
  const leases = () => ({ clock: service.clock, lease_ms: 30_000, settle_ms: 2000 });
  const change = async (integration_id: `intg_${string}`, call_transfers: 'disabled' | 'sip' | 'all' | null) => {
    await service.connection.collection('integrations').updateOne({ integration_id }, { $set: { call_transfers } });
    await createIntegrationStore(service.connection, leases()).requeue(integration_id);
  };

  it('is changed in place, in nothing else', async () => {
    const { body, importing, trunk } = await integrate(service.admin);
    await importing();
    const before = await trunk();
    await change(body.data.integration_id, 'all');
    await settle(service);
    expect(await trunk()).toEqual({ ...before, transfer_mode: 'enable-all', date_updated: expect.anything() });
    await expectWholeWorld(service);
  });

  it('is changed at the next attempt if Twilio fails, or answers with success but does not change it', async () => {
    const { body, importing, trunk } = await integrate(service.admin, { call_transfers: 'sip' });
    await importing();
    const { faults } = service.sandbox;
    faults.add({ call: 'twilio.updateTrunk', kind: 'not_as_asked', body: { TransferMode: null } });
    faults.add({ call: 'twilio.updateTrunk', kind: 'drop_before' });
    await change(body.data.integration_id, 'disabled');
    await settle(service);
    expect(await trunk()).toMatchObject({ transfer_mode: 'disable-all' });
    expect(faults.calls.filter((call) => call === 'twilio.updateTrunk').length).toBeGreaterThanOrEqual(3);
  });

  it('keeps what is set in the console if it is older than the setting', async () => {
    const { body, importing, trunk } = await integrate(service.admin);
    const { integration_id } = body.data;
    await importing();
    const { sid, ...rest } = (await trunk()) ?? expect.unreachable();
    await service.sandbox.shelf.put('twilio.trunk', sid, { sid, ...rest, transfer_mode: 'sip-only' });
    await change(integration_id, null);
    await settle(service);
    expect(await trunk()).toMatchObject({ transfer_mode: 'sip-only' });
    const { data } = await service.admin.client.integrations.get.query({ integration_id });
    expect(data.call_transfers).toBeNull();
  });
});
