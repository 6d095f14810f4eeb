import { ImportPhoneNumber } from '@trunkline/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount } from '../src/sandbox/twilio-seed.ts';
import { type Caller, drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, settle } from './world.ts';

let service: OpenedService;
let replica: OpenedService;
let caller: Caller;
beforeAll(async () => {
  service = await openService();
  replica = await service.openReplica();
  caller = service.admin;
});
afterEach(() => service.sandbox.faults.clear());
afterAll(async () => {
  await replica.close();
  await service.close();
});

const sip = () => ({
  phone_number: drawNumber(),
  provider: 'sip',
  supports_inbound: true,
  sip_username: 'user',
  sip_password: 'secret-in-the-request',
});
let keys = 0;
const drawKey = () => ({ 'Idempotency-Key': `key-${keys++}` });
const post = (input: unknown, headers: Record<string, string>, as = caller) =>
  as.rest('POST', '/api/phone-numbers', input, headers);

describe('an Idempotency-Key', () => {
  it('repeats the first answer, and does nothing twice', async () => {
    const [input, headers] = [sip(), drawKey()];
    const first = await post(input, headers);
    const again = await post(input, headers);
    expect(first.status).toBe(201);
    expect({ status: again.status, body: again.body, location: again.headers.get('location') }).toEqual({
      status: 201,
      body: first.body,
      location: first.headers.get('location'),
    });
    const overTrpc = await caller.rest('POST', '/trpc/phoneNumbers.import', input, headers);
    expect(overTrpc.body.result.data).toEqual(first.body);
  });

  it('works across replicas', async () => {
    const [input, headers] = [sip(), drawKey()];
    const first = await post(input, headers);
    const elsewhere = await fetch(`${replica.url}/api/phone-numbers`, {
      method: 'POST',
      headers: {
        'X-API-Key': caller.api_key,
        'X-Organization-Id': caller.organization_id,
        'Content-Type': 'application/json',
        ...headers,
      },
      body: JSON.stringify(input),
    });
    expect({ status: elsewhere.status, body: await elsewhere.json() }).toEqual({ status: 201, body: first.body });
  });

  it('answers 422 for a different request', async () => {
    const headers = drawKey();
    await post(sip(), headers);
    const { status, body } = await post(sip(), headers);
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'idempotency_key_reused' });
  });

  it('belongs to one organization', async () => {
    const headers = drawKey();
    expect((await post(sip(), headers)).status).toBe(201);
    expect((await post(sip(), headers, await service.newOrganization())).status).toBe(201);
  });

  it('stores refusals too', async () => {
    const [input, headers] = [sip(), drawKey()];
    await post(input, {});
    const refused = await post(input, headers);
    expect(refused.body.code).toBe('phone_number_taken');
    const again = await post(input, headers);
    expect(again.body).toEqual({ ...refused.body, request_id: again.body.request_id });
  });

  it('stores no answer that may differ the next time', async () => {
    const [input, headers] = [sip(), drawKey()];
    service.sandbox.faults.add({ call: 'livekit.CreateSIPInboundTrunk', kind: 'answer', status: 503, times: 3 });
    expect((await post(input, headers)).status).toBe(503);
    await settle(service);
    expect((await post(input, headers)).status).toBe(201);
  });

  it('accepts no different request after a 503, because it would answer that number', async () => {
    const [input, headers] = [sip(), drawKey()];
    service.sandbox.faults.add({ call: 'livekit.CreateSIPInboundTrunk', kind: 'answer', status: 503, times: 3 });
    expect((await post(input, headers)).status).toBe(503);
    await settle(service);
    const { status, body } = await post({ ...input, supports_outbound: false, inbound_room_name: 'other' }, headers);
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'idempotency_key_reused' });
    expect((await post(input, headers)).status).toBe(201);
  });

  it('can be reused after 24 hours; the number it imported is taken', async () => {
    const [input, headers] = [sip(), drawKey()];
    const first = await post(input, headers);
    service.clock.advance(24 * 3_600_000 + 1);
    const { status, body } = await post({ ...input, inbound_room_name: 'other' }, headers);
    expect({ status, code: body.code, id: body.phone_number_id }).toEqual({
      status: 409,
      code: 'phone_number_taken',
      id: first.body.data.phone_number_id,
    });
  });

  it('answers 409 while the first request is under way', async () => {
    const [input, headers] = [sip(), drawKey()];
    service.sandbox.faults.add({ call: 'livekit.CreateSIPInboundTrunk', kind: 'hold_before' });
    const first = post(input, headers);
    await service.sandbox.faults.holding();
    const { status, body } = await post(input, headers);
    expect({ status, code: body.code, retry_after_seconds: body.retry_after_seconds }).toEqual({
      status: 409,
      code: 'idempotency_key_in_use',
      retry_after_seconds: 1,
    });
    service.sandbox.faults.release();
    expect((await first).status).toBe(201);
  });

  it('answers the imported number if the first answer was lost with its replica', async () => {
    const [input, headers] = [sip(), drawKey()];
    const first = await post(input, headers);
    // As after a crash: the number is imported, the answer was not stored.
    await service.connection
      .collection('idempotency_keys')
      .updateOne({ idempotency_key: headers['Idempotency-Key'] }, { $unset: { answer: 1 } });
    expect((await post(input, headers)).body.code).toBe('idempotency_key_in_use');
    service.clock.advance(3_600_000);
    const again = await post(input, headers);
    expect({ status: again.status, id: again.body.data.phone_number_id }).toEqual({
      status: 201,
      id: first.body.data.phone_number_id,
    });
    await settle(service);
    await expectWholeWorld(service);
  });

  it('stays in use as long as its request may take, even if another replica takes it over', async () => {
    const headers = drawKey();
    await post(sip(), headers);
    const { held_until, expires_at } = (await service.connection
      .collection('idempotency_keys')
      .findOne({ idempotency_key: headers['Idempotency-Key'] }))!;
    const begun = expires_at.getTime() - 24 * 3_600_000;
    const deadline_ms = 25_000;
    const call_ms = 1000;
    expect(held_until.getTime() - begun).toBe(2 * deadline_ms + call_ms);
  });

  it('expires after 24 hours', async () => {
    const headers = drawKey();
    await post(sip(), headers);
    service.clock.advance(24 * 3_600_000 + 1);
    expect((await post(sip(), headers)).status).toBe(201);
  });

  it('belongs to one API key: with another key, it is a different request', async () => {
    const headers = drawKey();
    const admin = await service.newKey(caller, 'admin');
    const [first, second] = [await post(sip(), headers), await post(sip(), headers, admin)];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.data.phone_number_id).not.toBe(first.body.data.phone_number_id);
  });

  it('compares the JSON values as sent, without defaults', async () => {
    const [input, headers] = [sip(), drawKey()];
    const first = await post(input, headers);
    const turned = Object.fromEntries(Object.entries(input).toReversed());
    const again = await post(JSON.stringify(turned, null, 2), { ...headers, 'Content-Type': 'application/json' });
    expect(again.body).toEqual(first.body);
    const { status, body } = await post({ ...input, supports_outbound: false }, headers);
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'idempotency_key_reused' });
  });

  it('accepts rows of schema 1: their fingerprints, and answers without a key id', async () => {
    const [input, headers] = [sip(), drawKey()];
    const first = await post(input, headers);
    const rows = service.connection.collection('idempotency_keys');
    const { key_id } = (await caller.client.me.query()).data;
    const sent = { ...input, supports_outbound: false, media_encryption: 'allow', sip_transport: 'auto' };
    const asRead = JSON.stringify(ImportPhoneNumber.parse(sent));
    await rows.updateOne(
      { idempotency_key: headers['Idempotency-Key'], key_id },
      { $unset: { key_id: 1 }, $set: { fingerprint: service.secrets.fingerprint(asRead) } },
    );
    expect((await post(input, headers)).body).toEqual(first.body);
  });
});

describe('an Idempotency-Key with If-Match', () => {
  const assigned = async () => {
    const path = `/api/phone-numbers/${(await post(sip(), {})).body.data.phone_number_id}`;
    const headers = { ...drawKey(), 'If-Match': '"1"' };
    const send = () => caller.rest('POST', `${path}/assign`, { agent_id: 'reception' }, headers);
    const answer = await send();
    expect(answer).toMatchObject({ status: 200, body: { data: { revision: 2 } } });
    // As after a crash: the agent is assigned, the answer was not stored.
    await service.connection
      .collection('idempotency_keys')
      .updateOne({ idempotency_key: headers['Idempotency-Key'] }, { $unset: { answer: 1 } });
    service.clock.advance(3_600_000);
    return { path, send, answer };
  };

  it('answers the number as the request left it if the first answer was lost', async () => {
    const { send, answer } = await assigned();
    expect(await send()).toMatchObject({ status: 200, body: answer.body });
  });

  it('answers 412 if the number was changed again since', async () => {
    const { path, send } = await assigned();
    expect((await caller.rest('POST', `${path}/unassign`)).status).toBe(200);
    expect(await send()).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
    expect((await caller.rest('GET', path)).body.data.assigned_agent_id).toBeNull();
  });

  it('answers 412 to another request with the same If-Match', async () => {
    const { path } = await assigned();
    const body = { agent_id: 'reception' };
    const headers = { ...drawKey(), 'If-Match': '"1"' };
    expect((await caller.rest('POST', `${path}/assign`, body, headers)).status).toBe(412);
  });
});

describe('an Idempotency-Key of a request that creates an API key', () => {
  const create = (as: Caller, headers: object, role = 'user') =>
    as.rest('POST', '/api/api-keys', { name: 'Once', role }, { ...headers });
  const made = async (name = 'Once') =>
    (await caller.client.apiKeys.list.query({ page_size: 100 })).data.filter((key) => key.name === name).length;

  it('answers that the first answer was not stored, and creates no second key', async () => {
    const headers = drawKey();
    const before = await made();
    expect((await create(caller, headers)).status).toBe(201);
    const { status, body } = await create(caller, headers);
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'answer_not_kept' });
    expect((await made()) - before).toBe(1);
    const rows = await service.connection.collection('idempotency_keys').find().toArray();
    for (const { _id, answer } of rows) {
      const opened = answer && (await service.secrets.open(answer, `idempotency_keys/${_id.toHexString()}/answer`));
      expect(opened ?? '').not.toMatch(/tl_live_/);
    }
  });

  it('creates no second key if the process died before the answer was stored', async () => {
    const headers = drawKey();
    const before = await made();
    await create(caller, headers);
    await service.connection
      .collection('idempotency_keys')
      .updateOne({ idempotency_key: headers['Idempotency-Key'] }, { $unset: { answer: 1 } });
    service.clock.advance(3_600_000);
    const { status, body } = await create(caller, headers);
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'answer_not_kept' });
    expect((await made()) - before).toBe(1);
  });

  it('does so even if the key it created is the last one allowed', async () => {
    const few = await openService({ environment: { MAX_API_KEYS: '2' } });
    const headers = drawKey();
    expect((await create(few.admin, headers)).status).toBe(201);
    await few.connection
      .collection('idempotency_keys')
      .updateOne({ idempotency_key: headers['Idempotency-Key'] }, { $unset: { answer: 1 } });
    few.clock.advance(3_600_000);
    expect((await create(few.admin, headers)).body.code).toBe('answer_not_kept');
    await few.close();
  });

  it('gives nobody a higher role, and stores no refusal for those who have it', async () => {
    const manager = await service.newKey(caller, 'agent_manager');
    const [headers, others] = [drawKey(), drawKey()];
    expect((await create(caller, headers, 'admin')).status).toBe(201);
    const raised = await create(manager, headers, 'admin');
    expect({ status: raised.status, code: raised.body.code }).toEqual({ status: 403, code: 'permission_denied' });
    expect((await create(manager, others, 'admin')).status).toBe(403);
    expect((await create(caller, others, 'admin')).status).toBe(201);
  });
});

describe('an Idempotency-Key of a request that creates an integration', () => {
  /** Sends the same request each time. Its first answer is then lost. */
  const prepare = async () => {
    const { sid: account_sid, auth_token } = await seedAccount(service.sandbox.shelf, []);
    const input = { name: 'Once', credentials: { provider: 'twilio', account_sid, auth_token } };
    const headers = drawKey();
    const send = (key = headers) => caller.rest('POST', '/api/integrations', input, key);
    const first = await send();
    expect(first.status).toBe(201);
    await service.connection
      .collection('idempotency_keys')
      .updateOne({ idempotency_key: headers['Idempotency-Key'] }, { $unset: { answer: 1 } });
    service.clock.advance(3_600_000);
    return { first, send };
  };

  it('answers the created integration if the first answer was lost', async () => {
    const { first, send } = await prepare();
    expect(await send()).toMatchObject({ status: 201, body: { data: first.body.data } });
    expect((await send(drawKey())).body.code).toBe('integration_already_exists');
  });

  it('answers that the integration was deleted since, and makes no second one', async () => {
    const { first, send } = await prepare();
    const { integration_id } = first.body.data;
    expect((await caller.rest('DELETE', `/api/integrations/${integration_id}`)).status).toBe(200);
    const { status, body } = await send();
    expect({ status, code: body.code }).toEqual({ status: 404, code: 'integration_not_found' });
    expect(body.detail).toContain(`${integration_id}, which has been deleted since`);
    expect((await send(drawKey())).status).toBe(201);
  });
});

describe('an Idempotency-Key of any request', () => {
  it('is refused for a batch of several calls', async () => {
    const { status, body } = await caller.rest(
      'POST',
      '/trpc/phoneNumbers.import,phoneNumbers.import?batch=1',
      { 0: sip(), 1: sip() },
      drawKey(),
    );
    expect(status).toBe(400);
    expect(body.map(({ error }: any) => error.data.code)).toEqual(['invalid_request', 'invalid_request']);
  });

  it('stores neither request nor answer in plain text', async () => {
    const rows = JSON.stringify(await service.connection.collection('idempotency_keys').find().toArray());
    expect(rows).not.toContain('secret-in-the-request');
    expect(rows).not.toMatch(/tl_live_|phone_number_id/);
  });
});
