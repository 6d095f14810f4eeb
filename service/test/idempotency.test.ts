import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
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
  it('has the first answer given again, and nothing done twice', async () => {
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

  it('is known to every replica', async () => {
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

  it('is taken amiss for another request', async () => {
    const headers = drawKey();
    await post(sip(), headers);
    const { status, body } = await post(sip(), headers);
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'idempotency_key_reused' });
  });

  it('is the business of one organization', async () => {
    const headers = drawKey();
    expect((await post(sip(), headers)).status).toBe(201);
    expect((await post(sip(), headers, await service.newOrganization())).status).toBe(201);
  });

  it('keeps a refusal too', async () => {
    const [input, headers] = [sip(), drawKey()];
    await post(input, {});
    const refused = await post(input, headers);
    expect(refused.body.code).toBe('phone_number_taken');
    const again = await post(input, headers);
    expect(again.body).toEqual({ ...refused.body, request_id: again.body.request_id });
  });

  it('keeps no answer that may be another the next time', async () => {
    const [input, headers] = [sip(), drawKey()];
    service.sandbox.faults.add({ call: 'livekit.CreateSIPInboundTrunk', kind: 'answer', status: 503, times: 3 });
    expect((await post(input, headers)).status).toBe(503);
    await settle(service);
    expect((await post(input, headers)).status).toBe(201);
  });

  it('takes no other request after a 503 either, whose number it would answer with', async () => {
    const [input, headers] = [sip(), drawKey()];
    service.sandbox.faults.add({ call: 'livekit.CreateSIPInboundTrunk', kind: 'answer', status: 503, times: 3 });
    expect((await post(input, headers)).status).toBe(503);
    await settle(service);
    const { status, body } = await post({ ...input, supports_outbound: false, inbound_room_name: 'other' }, headers);
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'idempotency_key_reused' });
    expect((await post(input, headers)).status).toBe(201);
  });

  it('names a new request after 24 hours: the number that it was used for is taken', async () => {
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

  it('answers 409 while the first is under way', async () => {
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

  it('answers the number that came of it where the first was lost with its replica', async () => {
    const [input, headers] = [sip(), drawKey()];
    const first = await post(input, headers);
    // As a crash leaves it: the number is made, the answer never was kept.
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

  it('is forgotten after 24 hours', async () => {
    const headers = drawKey();
    await post(sip(), headers);
    service.clock.advance(24 * 3_600_000 + 1);
    expect((await post(sip(), headers)).status).toBe(201);
  });

  it('works for every POST, and shows a raw key again', async () => {
    const headers = drawKey();
    const create = () => caller.rest('POST', '/api/api-keys', { name: 'Once', role: 'user' }, headers);
    const first = await create();
    expect((await create()).body).toEqual(first.body);
    const { data } = await caller.client.apiKeys.list.query({ page_size: 100 });
    expect(data.filter(({ name }) => name === 'Once')).toHaveLength(1);
  });

  it('cannot name several calls of a batch', async () => {
    const { status, body } = await caller.rest(
      'POST',
      '/trpc/phoneNumbers.import,phoneNumbers.import?batch=1',
      { 0: sip(), 1: sip() },
      drawKey(),
    );
    expect(status).toBe(400);
    expect(body.map(({ error }: any) => error.data.code)).toEqual(['invalid_request', 'invalid_request']);
  });

  it('keeps neither request nor answer in clear', async () => {
    const rows = JSON.stringify(await service.connection.collection('idempotency_keys').find().toArray());
    expect(rows).not.toContain('secret-in-the-request');
    expect(rows).not.toMatch(/tl_live_|phone_number_id/);
  });
});
