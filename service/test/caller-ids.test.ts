import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { drawSid, kindIn } from '../src/sandbox/twilio-things.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService({ environment: { PROVIDER_TIMEOUT_SECONDS: '2' } });
});
afterEach(() => service.sandbox.faults.clear());
afterAll(() => service.close());

const outbound = { supports_outbound: true };

/** An account with a verified caller ID that belongs to another carrier. */
const prepare = async ({ verified = true } = {}) => {
  const caller = await service.newOrganization();
  const phone_number = drawNumber();
  const { integration_id, account_sid } = await service.integrate(caller, []);
  const sid = drawSid('PN');
  const caller_id = { sid, account_sid, phone_number, friendly_name: 'Our firm' };
  if (verified) await service.sandbox.shelf.put(kindIn('us1', 'caller_id'), sid, caller_id);
  const importing = (directions: object) =>
    caller.rest('POST', '/api/phone-numbers', {
      ...{ phone_number, provider: 'twilio', integration_id },
      ...directions,
    });
  const list = async () => (await caller.client.phoneNumbers.list.query({ phone_number })).data;
  return { caller, phone_number, sid, account_sid, integration_id, importing, list };
};

it('many verified caller IDs are read with one call when credentials are replaced', async () => {
  const { caller, account_sid, integration_id } = await prepare({ verified: false });
  const numbers = Array.from({ length: 3 }, () => drawNumber());
  for (const phone_number of numbers) {
    const sid = drawSid('PN');
    const caller_id = { sid, account_sid, phone_number, friendly_name: 'Our firm' };
    await service.sandbox.shelf.put(kindIn('us1', 'caller_id'), sid, caller_id);
    const input = { phone_number, provider: 'twilio', integration_id, ...outbound };
    expect((await caller.rest('POST', '/api/phone-numbers', input)).status).toBe(201);
  }
  const { auth_token } = (await service.sandbox.shelf.get<{ auth_token: string }>('twilio.account', account_sid))!;
  const credentials = { provider: 'twilio', account_sid, auth_token };
  const { calls } = service.sandbox.faults;
  const begun = calls.length;
  const { status } = await caller.rest('PUT', `/api/integrations/${integration_id}`, { credentials });
  const listed = calls.slice(begun).filter((call) => call === 'twilio.listCallerIds');
  expect({ status, listed }).toEqual({ status: 200, listed: ['twilio.listCallerIds'] });
});

describe('a verified caller ID', () => {
  it('can be imported for outbound calls only, and released', async () => {
    const { caller, phone_number, sid, importing, list } = await prepare();
    const { status, body } = await importing(outbound);
    expect({ status, warnings: body.data?.warnings }).toEqual({ status: 201, warnings: undefined });
    const { phone_number_id, outbound_trunk_id } = body.data;
    const { outbound: trunks } = await readWorld(service);
    expect(trunks.find(({ sipTrunkId }) => sipTrunkId === outbound_trunk_id)?.numbers).toEqual([phone_number]);
    const { data } = await caller.client.phoneNumbers.get.query({ phone_number_id });
    expect(data.provisioning.steps[0]).toMatchObject({ name: 'verify_ownership', state: 'done', resource_id: sid });
    await settle(service);
    await expectWholeWorld(service);
    expect((await caller.rest('DELETE', `/api/phone-numbers/${phone_number_id}`)).status).toBe(200);
    expect(await list()).toEqual([]);
    await expectWholeWorld(service);
  });

  it.each([
    ['inbound calls', { supports_inbound: true }],
    ['both directions', { supports_inbound: true, supports_outbound: true }],
    ['neither', {}],
  ])('is refused for %s, with the reason', async (_what, directions) => {
    const { account_sid, importing, list } = await prepare();
    const { status, body } = await importing(directions);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'phone_number_not_owned' });
    expect(body.detail).toContain(
      `is a verified caller ID of the Twilio account ${account_sid}, which does not own it`,
    );
    expect(body.detail).toContain('Import it with only supports_outbound');
    expect(await list()).toEqual([]);
  });

  it('stays outbound only when inbound is requested later', async () => {
    const { caller, importing, list } = await prepare();
    const { phone_number_id } = (await importing(outbound)).body.data;
    const { status, body } = await caller.rest('PATCH', `/api/phone-numbers/${phone_number_id}`, {
      supports_inbound: true,
    });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'phone_number_not_owned' });
    await settle(service);
    expect(await list()).toMatchObject([{ supports_inbound: false, provisioning_state: 'active' }]);
    await expectWholeWorld(service);
  });

  it('does not prevent new credentials that may call from it', async () => {
    const { caller, sid, account_sid, importing } = await prepare();
    expect((await importing(outbound)).status).toBe(201);
    const { integration_id } = (await caller.client.integrations.list.query()).data[0] ?? expect.unreachable();
    const { shelf } = service.sandbox;
    const account = await shelf.get<any>('twilio.account', account_sid);
    const credentials = { provider: 'twilio', account_sid, auth_token: account.auth_token };
    const update = () => caller.rest('PUT', `/api/integrations/${integration_id}`, { credentials });
    expect(await update()).toMatchObject({ status: 200 });
    await shelf.remove(kindIn('us1', 'caller_id'), sid);
    expect(await update()).toMatchObject({ status: 400, body: { code: 'phone_number_not_owned' } });
  });

  it('of another account is an unknown number', async () => {
    const { phone_number } = await prepare();
    const { caller, importing } = await prepare({ verified: false });
    const { integration_id } = (await caller.client.integrations.list.query()).data[0] ?? expect.unreachable();
    const input = { phone_number, provider: 'twilio', integration_id, ...outbound };
    for (const { status, body } of [
      await importing(outbound),
      await caller.rest('POST', '/api/phone-numbers', input),
    ]) {
      expect({ status, code: body.code }).toEqual({ status: 400, code: 'phone_number_not_owned' });
      expect(body.detail).toMatch(/does not own \+\d+\. Import it with the integration of the account that does\.$/);
    }
  });
});

describe('if Twilio does not list the caller IDs', () => {
  it('because it refuses, the answer says that they could not be checked', async () => {
    const { importing } = await prepare();
    const body = { code: 70_051, message: 'Authorization Error', status: 403 };
    service.sandbox.faults.add({ call: 'twilio.listCallerIds', kind: 'answer', status: 403, body });
    const answer = await importing(outbound);
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 400, code: 'phone_number_not_owned' });
    expect(answer.body.detail).toContain('Trunkline could not check whether it is a verified caller ID');
  });

  it('once, the import tries again', async () => {
    const { importing } = await prepare();
    service.sandbox.faults.add({ call: 'twilio.listCallerIds', kind: 'drop_before' });
    expect((await importing(outbound)).status).toBe(201);
  });

  it('for longer, the import says so, and leaves nothing', async () => {
    const { importing, list } = await prepare();
    service.sandbox.faults.add({ call: 'twilio.listCallerIds', kind: 'answer', status: 503, times: 100 });
    expect((await importing(outbound)).status).toBe(503);
    service.sandbox.faults.clear();
    await settle(service);
    expect(await list()).toEqual([]);
    await expectWholeWorld(service);
  });
});
