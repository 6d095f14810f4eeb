import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDeleteIntegration } from '../src/integrations/delete.ts';
import { describeDeletion } from '../src/integrations/describe.ts';
import { seedAccount } from '../src/sandbox/twilio-seed.ts';
import { drawSid } from '../src/sandbox/twilio-things.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService({
    environment: { PROVIDER_TIMEOUT_SECONDS: '20', LEASE_SECONDS: '60', IMPORT_DEADLINE_SECONDS: '3600' },
  });
});
afterEach(() => service.sandbox.faults.clear());
afterAll(() => service.close());

/** An integrated account with a trunk. Its number was imported and, unless it is kept, released again. */
const prepare = async ({ keep = false } = {}) => {
  const caller = await service.newOrganization();
  const phone_number = drawNumber();
  const account = await seedAccount(service.sandbox.shelf, [{ phone_number }]);
  const credentials = { provider: 'twilio', account_sid: account.sid, auth_token: account.auth_token } as const;
  const integrate = async () => (await caller.client.integrations.create.mutate({ name: 'Test', credentials })).data;
  const { integration_id } = await integrate();
  const path = `/api/integrations/${integration_id}`;
  const importing = () =>
    caller.rest('POST', '/api/phone-numbers', {
      ...{ phone_number, provider: 'twilio', supports_inbound: true, supports_outbound: true, integration_id },
    });
  const { status, body } = await importing();
  expect(status).toBe(201);
  const { phone_number_id } = body.data;
  const release = () => caller.rest('DELETE', `/api/phone-numbers/${phone_number_id}`);
  if (!keep) expect((await release()).status).toBe(200);
  return {
    ...{ caller, phone_number, phone_number_id, account, integration_id, path, integrate, importing, release },
    remove: (query = '', headers?: Record<string, string>) => caller.rest('DELETE', path + query, undefined, headers),
    get: () => caller.rest('GET', path),
    row: () => service.connection.collection('integrations').findOne({ integration_id }),
    /** How many resources the account has at Twilio, besides its number. */
    left: async () => {
      const { trunks, lists, credentials, urls, permissions } = await readWorld(service);
      return [trunks, lists, credentials, urls, permissions].flat().filter((it) => it.account_sid === account.sid)
        .length;
    },
    events: async () =>
      (await service.connection.collection('events').find({ subject_id: integration_id }).toArray()).map(
        (it) => it.type,
      ),
  };
};

describe('Deleting an integration', () => {
  it('removes its resources at Twilio and its credentials, and the account can be integrated again at once', async () => {
    const { remove, left, row, events, get, integrate, integration_id, account } = await prepare();
    expect(await left()).toBe(5);
    const { status, body } = await remove();
    expect({ status, data: body.data }).toEqual({
      status: 200,
      data: { integration_id, name: 'Test', account_sid: account.sid, state: 'deleted' },
    });
    expect([await left(), (await get()).status, (await remove()).status]).toEqual([0, 404, 404]);
    expect(await row()).toMatchObject({ state: 'gone', credentials: null, carrier: { password: null } });
    expect(await events()).toEqual(['integration.created', 'integration.deleted']);
    const again = await integrate();
    expect(again.integration_id).not.toBe(integration_id);
    await settle(service);
    await expectWholeWorld(service);
  });

  it('that has made nothing calls nothing at Twilio', async () => {
    const caller = await service.newOrganization();
    const { integration_id } = await service.integrate(caller, []);
    const begun = service.sandbox.faults.calls.length;
    expect((await caller.rest('DELETE', `/api/integrations/${integration_id}`)).status).toBe(200);
    expect(service.sandbox.faults.calls.slice(begun)).toEqual([]);
  });

  it('answers 409 while it has numbers, even by force, and names them', async () => {
    const { remove, phone_number, phone_number_id, get, release } = await prepare({ keep: true });
    const before = (await get()).body;
    for (const query of ['', '?force=true']) {
      const { status, body } = await remove(query);
      expect({ status, code: body.code }).toEqual({ status: 409, code: 'integration_in_use' });
      expect(body).toMatchObject({ phone_numbers: [{ phone_number, phone_number_id }], phone_number_count: 1 });
    }
    expect((await get()).body).toEqual(before);
    expect((await release()).status).toBe(200);
    expect((await remove()).status).toBe(200);
  });

  it('answers 409 with its first hundred numbers, and how many there are', async () => {
    const { remove, integration_id, caller } = await prepare({ keep: true });
    const numbers = service.connection.collection('phone_numbers');
    const { _id, ...row } = (await numbers.findOne({ integration_id }))!;
    const more = Array.from({ length: 300 }, (_, n) => {
      const [phone_number, phone_number_id] = [`+1445${1_000_000 + n}`, `phon_${n.toString(16).padStart(12, '0')}`];
      return { ...row, phone_number, phone_number_id, holds: phone_number };
    });
    await numbers.insertMany(more);
    const { status, body } = await remove();
    expect({ status, count: body.phone_number_count, listed: body.phone_numbers.length }).toEqual({
      ...{ status: 409, count: 301, listed: 100 },
    });
    expect(body.detail).toContain('in use by 301 phone numbers');
    expect(body.detail).toContain('291 more');
    await numbers.deleteMany({ organization_id: caller.organization_id, phone_number: /^\+1445/ });
  });

  it('on two replicas at once has one outcome', async () => {
    const { path, caller, events, left } = await prepare();
    await using replica = await service.openReplica({ admin: service.admin });
    const both = await Promise.all([caller.rest('DELETE', path), replica.as(caller).rest('DELETE', path)]);
    await settle(service);
    expect(both.every(({ status }) => [200, 202, 404].includes(status))).toBe(true);
    expect((await events()).filter((type) => type === 'integration.deleted')).toHaveLength(1);
    expect(await left()).toBe(0);
  });

  it('continues if the process dies after marking it', async () => {
    const { path, caller, row, left } = await prepare();
    const killed = await service.openReplica({ admin: service.admin });
    service.sandbox.faults.add({ call: 'twilio.deletePermission', kind: 'hold_before' });
    const answer = killed
      .as(caller)
      .rest('DELETE', path)
      .catch(() => undefined);
    await service.sandbox.faults.holding();
    expect((await row())?.state).toBe('deleting');
    killed.kill();
    await answer;
    service.sandbox.faults.release();
    service.clock.advance(120_000);
    await settle(service);
    expect([await left(), (await row())?.state]).toEqual([0, 'gone']);
  });

  it('accepts only true or false as force', async () => {
    const { remove, get } = await prepare();
    expect((await remove('?force=perhaps')).body).toMatchObject({
      code: 'invalid_request',
      issues: [{ path: 'force', message: 'must be true or false' }],
    });
    expect((await get()).body.data.state).toBe('active');
  });

  it('answers 412 for another revision', async () => {
    const { remove } = await prepare();
    expect((await remove('', { 'If-Match': '"7"' })).body.code).toBe('precondition_failed');
    expect((await remove('', { 'If-Match': '"1"' })).status).toBe(200);
  });

  it('twice at once has one outcome', async () => {
    const { remove, events, left } = await prepare();
    const both = await Promise.all([remove(), remove()]);
    for (const { status, body } of both) {
      if (status === 200) expect(body.data.state).toBe('deleted');
      else expect(status).toBe(404);
    }
    expect(both.map(({ status }) => status)).toContain(200);
    expect((await events()).filter((type) => type === 'integration.deleted')).toHaveLength(1);
    expect(await left()).toBe(0);
  });

  it('leaves nothing of a concurrent import, or is refused because of it', async () => {
    for (let n = 0; n < 8; n++) {
      const { remove, importing, caller, phone_number, row, left } = await prepare();
      const [removed, imported] = await Promise.all([remove(), importing()]);
      await settle(service);
      const [number] = (await caller.client.phoneNumbers.list.query({ phone_number })).data;
      const isGone = (await row())?.state === 'gone';
      // The answer must be true: a number never lacks its integration.
      expect(isGone && number !== undefined).toBe(false);
      expect([200, 202].includes(removed.status)).toBe(isGone);
      expect(imported.status === 201).toBe(number !== undefined);
      if (isGone) expect(await left()).toBe(0);
      else expect((await row())?.state).toBe('active');
    }
    await expectWholeWorld(service);
  });

  it('is not stopped by an import that begins after it was marked, which answers 404', async () => {
    const { remove, importing, get, caller, integration_id } = await prepare();
    service.sandbox.faults.add({ call: 'twilio.deleteTrunk', kind: 'hold_before' });
    const removing = remove();
    await service.sandbox.faults.holding();
    expect((await get()).body.data.state).toBe('deleting');
    const path = `/api/integrations/${integration_id}`;
    for (const answer of [
      await importing(),
      await caller.rest('PUT', path, { name: 'x' }),
      await caller.rest('GET', `${path}/available-numbers`),
    ])
      expect(answer).toMatchObject({ status: 404, body: { code: 'integration_not_found' } });
    service.sandbox.faults.release();
    expect((await removing).status).toBe(200);
  });

  it('waits for all work of the account, including numbers that are gone, and then continues by itself', async () => {
    const { remove, left, row, phone_number_id } = await prepare();
    const due_at = new Date(service.clock.now() + 30_000);
    const numbers = service.connection.collection('phone_numbers');
    await numbers.updateOne({ phone_number_id }, { $set: { 'provisioning.due_at': due_at } });
    const { status, body } = await remove();
    expect({ status, state: body.data.state }).toEqual({ status: 202, state: 'deleting' });
    expect(await left()).toBe(5);
    await settle(service);
    expect([await left(), (await row())?.state]).toEqual([0, 'gone']);
  });

  it.each(['deletePermission', 'deleteCredential', 'deleteOriginationUrl', 'deleteCredentialList', 'deleteTrunk'])(
    'leaves nothing if %s fails, in each way',
    async (call) => {
      for (const kind of ['drop_before', 'drop_after', 'answer'] as const) {
        const { remove, left, row } = await prepare();
        service.sandbox.faults.add({ call: `twilio.${call}`, kind, status: 503, times: 4 });
        const { status } = await remove();
        service.sandbox.faults.clear();
        expect([200, 202, 503]).toContain(status);
        await settle(service);
        if (status === 503) expect((await row())?.state).toBe('active');
        else expect([kind, await left(), (await row())?.state]).toEqual([kind, 0, 'gone']);
      }
      await expectWholeWorld(service);
    },
  );

  it('that Twilio refuses leaves it as it was, also where an earlier answer was lost', async () => {
    const { remove, get, left, integration_id } = await prepare();
    const now = new Date(service.clock.now());
    const uncertain = { 'provisioning.uncertain_until': now };
    await service.connection.collection('integrations').updateOne({ integration_id }, { $set: uncertain });
    const before = await left();
    const body = { code: 20_003, message: 'Authenticate', status: 401 };
    service.sandbox.faults.add({ kind: 'answer', status: 401, body, call: 'twilio.', times: 1000 });
    expect((await remove()).body).toMatchObject({ status: 400, code: 'provider_credentials_refused' });
    service.sandbox.faults.clear();
    expect((await get()).body.data.state).toBe('active');
    expect(await left()).toBe(before);
  });

  it('of a closed account leaves it as it was, and by force says what may be left', async () => {
    const { remove, account, row, get } = await prepare();
    await service.sandbox.shelf.put('twilio.account', account.sid, { ...account, status: 'closed' });
    const { status, body } = await remove();
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'provider_credentials_refused' });
    expect(body.detail).toMatch(/The integration is as it was\.$/);
    expect((await get()).body.data.state).toBe('active');
    const forced = await remove('?force=true');
    expect({ status: forced.status, state: forced.body.data.state }).toEqual({ status: 200, state: 'deleted' });
    expect(forced.body.data.warnings).toContainEqual(expect.stringMatching(/^The trunk TK\w+ may be left at Twilio: /));
    const gone = await row();
    expect(gone?.state).toBe('gone');
    const subject_id = gone?.integration_id;
    const told = await service.connection.collection('events').findOne({ subject_id, type: 'integration.deleted' });
    expect(told?.changes.problem).toMatch(/The trunk TK\w+ may be left at Twilio: /);
  });
});

it('a deletion looks for what another replica may have made, before it completes', async () => {
  const { remove, left, row, integration_id, account } = await prepare();
  service.sandbox.faults.add({ call: 'twilio.deleteTrunk', kind: 'hold_after' });
  const removed = remove();
  await service.sandbox.faults.holding();
  const { shelf } = service.sandbox;
  const [sid, friendly_name] = [drawSid('TK'), `trunkline ${service.installation_id} ${integration_id}`];
  await shelf.put('twilio.trunk', sid, { sid, friendly_name, account_sid: account.sid, secure: false });
  const requeued = { $set: { 'provisioning.is_requeued': true } };
  await service.connection.collection('integrations').updateOne({ integration_id }, requeued);
  service.sandbox.faults.release();
  expect((await removed).status).toBe(202);
  service.clock.advance(61_000);
  await settle(service);
  expect([await left(), (await row())?.state]).toEqual([0, 'gone']);
});

it('a forced deletion that another request completes also answers what may be left', async () => {
  const named = { integration_id: 'intg_000000000000', name: 'Test', account_sid: 'AC', revision: 1 } as const;
  const deleting = { ...named, state: 'deleting', provisioning: { parts: {} } };
  const problem = { code: 'provider_refused', detail: 'The trunk TK may be left at Twilio: It is closed.' } as const;
  const gone = { ...named, state: 'gone', provisioning: { parts: { trunk: { state: 'undone', problem } } } };
  const rows = [deleting, null];
  const { start } = createDeleteIntegration({
    store: { get: async () => rows.shift(), getRow: async () => gone, forceDeletion: async () => {} },
    getOwn: async () => deleting,
    clock: { ...service.clock, sleep: async () => {} },
    deadline_ms: 1000,
  } as never);
  const caller = { organization_id: 'org_000000000000', key_id: 'key_000000000000', request_id: null } as never;
  const ended = await start(caller, { integration_id: named.integration_id, force: true });
  expect(describeDeletion(ended)).toMatchObject({ state: 'deleted', warnings: [problem.detail] });
});

it('an integration is kept if one of its numbers turns up during the deletion', async () => {
  let isThere = false;
  const number = { phone_number_id: 'pn_000000000000', phone_number: '+15551234567' };
  const released: object[] = [];
  const { goOn } = createDeleteIntegration({
    store: { requeue: async () => {} },
    clock: service.clock,
    log: { warn: () => {} },
    jobOf: () => {
      throw new Error('The trunk is taken away');
    },
    numbers: {
      isAnyDue: async () => {
        isThere = true;
        return false;
      },
      referringTo: async () => ({ phone_numbers: isThere ? [number] : [], phone_number_count: isThere ? 1 : 0 }),
    },
  } as never);
  await goOn({
    record: { provisioning: { parts: {}, uncertain_until: null, attempt: 0 }, queue: 'twilio' },
    release: async (update: object) => void released.push(update),
  } as never);
  expect(released).toEqual([{ $set: { state: 'active', deletion: null } }]);
});

it('an import whose integration was deleted before its record existed is dropped, also by another replica', async () => {
  const { importing, remove, left, phone_number, phone_number_id, caller } = await prepare();
  const numbers = service.connection.collection('phone_numbers');
  service.sandbox.faults.add({ call: 'twilio.listNumbers', kind: 'hold_before' });
  const answer = importing();
  await service.sandbox.faults.holding();
  const { _id, ...begun } = (await numbers.findOne({ holds: phone_number }))!;
  service.sandbox.faults.release();
  expect((await answer).status).toBe(201);
  const [kept] = (await caller.client.phoneNumbers.list.query({ phone_number })).data;
  await caller.client.phoneNumbers.release.mutate({ phone_number_id: kept!.phone_number_id });
  expect((await remove()).status).toBe(200);
  // As left by a process killed between that insert and its look at the integration.
  await numbers.deleteMany({ phone_number_id: { $in: [kept!.phone_number_id, phone_number_id] } });
  const due_at = new Date(service.clock.now());
  await numbers.insertOne({ ...begun, provisioning: { ...begun.provisioning, lease_token: null, due_at } });
  await settle(service);
  expect(await numbers.findOne({ phone_number_id: begun.phone_number_id })).toMatchObject({
    provisioning_state: 'gone',
    provisioning: { outcome: { code: 'integration_not_found' } },
  });
  expect(await left()).toBe(0);
});

it('work for a number whose integration is gone completes', async () => {
  const { remove, phone_number_id } = await prepare();
  expect((await remove()).status).toBe(200);
  const numbers = service.connection.collection('phone_numbers');
  const due_at = new Date(service.clock.now());
  await numbers.updateOne({ phone_number_id }, { $set: { 'provisioning.due_at': due_at } });
  await settle(service);
  expect(await numbers.findOne({ phone_number_id })).toMatchObject({ provisioning_state: 'gone' });
});
