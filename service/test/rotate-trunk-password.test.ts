import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sealedFieldsOf } from '../src/database/sealed.ts';
import { integrationsCollection } from '../src/integrations/store.ts';
import { seedAccount } from '../src/sandbox/twilio-seed.ts';
import { openDatabaseProxy } from './database-proxy.ts';
import { drawNumber, type OpenedService, openService, uniqueDatabase } from './open-service.ts';
import { expectWholeWorld, isSomethingDue, readWorld, settle } from './world.ts';

const mongodb_uri = uniqueDatabase();
let service: OpenedService;
let replica: OpenedService;
beforeAll(async () => {
  service = await openService({
    mongodb_uri,
    environment: { PROVIDER_TIMEOUT_SECONDS: '20', LEASE_SECONDS: '60', IMPORT_DEADLINE_SECONDS: '3600' },
  });
  replica = await service.openReplica({ admin: service.admin });
});
afterEach(async () => {
  service.sandbox.faults.clear();
  service.sandbox.faults.release();
  await settle(service, replica);
});
afterAll(async () => {
  await replica.close();
  await service.close();
});

const both = { supports_inbound: true, supports_outbound: true };
const outboundOnly = { supports_outbound: true };
const inboundOnly = { supports_inbound: true };

/** An integrated account with an imported number of each of these kinds, and one that is not imported. */
const prepare = async (...kinds: object[]) => {
  const caller = await service.newOrganization();
  const numbers = [...kinds, both].map(() => drawNumber());
  const account = await seedAccount(
    service.sandbox.shelf,
    numbers.map((phone_number) => ({ phone_number })),
  );
  const credentials = { provider: 'twilio', account_sid: account.sid, auth_token: account.auth_token } as const;
  const { data } = await caller.client.integrations.create.mutate({ name: 'Test', credentials });
  const { integration_id } = data;
  const path = `/api/integrations/${integration_id}`;
  const importing = (n: number, kind: object, at = service) =>
    at.as(caller).rest('POST', '/api/phone-numbers', {
      ...{ phone_number: numbers[n], provider: 'twilio', integration_id, ...kind },
    });
  const imported: string[] = [];
  for (const [n, kind] of kinds.entries()) imported.push((await importing(n, kind)).body.data.phone_number_id);
  const row = async () => (await service.connection.collection('integrations').findOne({ integration_id }))!;
  const atTwilio = async () => {
    const { credentials } = await readWorld(service);
    const own = credentials.filter((it) => it.account_sid === account.sid);
    return own.map(({ username, password }: any) => ({ username, password }));
  };
  /** The credentials with which LiveKit dials out for these numbers. */
  const dialing = async () => {
    const { outbound } = await readWorld(service);
    const own = outbound.filter((it) => it.numbers?.some((number) => numbers.includes(number)));
    return own.map(({ authUsername, authPassword }: any) => ({ username: authUsername, password: authPassword }));
  };
  return {
    ...{ caller, numbers, imported, account, integration_id, path, importing, row, atTwilio, dialing },
    /** The index of the number that is not imported. */
    last: kinds.length,
    rotate: (headers?: Record<string, string>, more = {}) =>
      caller.rest('PUT', path, { rotate_trunk_password: true, ...more }, headers),
    rotation: async () => (await caller.rest('GET', path)).body.data.trunk_password_rotation,
    /** No call is refused: Twilio accepts whatever credentials LiveKit dials with. */
    expectTaken: async () => {
      const taken = await atTwilio();
      for (const credentials of await dialing()) expect(taken).toContainEqual(credentials);
    },
    events: async () =>
      (await service.connection.collection('events').find({ subject_id: integration_id }).toArray()).map(
        ({ type, changes, actor, request_id }) => ({ type, changes, actor, request_id }),
      ),
  };
};

type Prepared = Awaited<ReturnType<typeof prepare>>;

/** Runs the reconcilers until nothing is due, and checks after each turn that no call would be refused. */
const carryOn = async ({ expectTaken }: Prepared, ...replicas: OpenedService[]) => {
  for (let turns = 0; turns < 40 && (await isSomethingDue(service)); turns++) {
    await Promise.all(replicas.map(({ reconciler }) => reconciler.turn()));
    await expectTaken();
    service.clock.advance(30_000);
  }
  expect(await isSomethingDue(service)).toBe(false);
};

/** The account has one credential, a new one, and every number dials with it. */
const expectRotated = async ({ atTwilio, dialing, rotation, row }: Prepared, before: { username: string }[]) => {
  const [credential, ...others] = await atTwilio();
  expect(others).toEqual([]);
  expect(before.map(({ username }) => username)).not.toContain(credential!.username);
  for (const used of await dialing()) expect(used).toEqual(credential);
  expect(await rotation()).toBeNull();
  expect((await row()).rotation).toBeNull();
  expect((await row()).provisioning.parts).not.toHaveProperty('other_credential');
};

/** Deletes everything of these kinds in the account, as somebody might in Twilio's console. */
const removeByHand = async ({ account }: Prepared, kinds: readonly string[]) => {
  const { shelf } = service.sandbox;
  for (const kind of kinds) {
    const things = await shelf.list<{ sid: string; account_sid: string }>(kind);
    for (const { sid, account_sid } of things) if (account_sid === account.sid) await shelf.remove(kind, sid);
  }
};

describe('A rotation of the trunk password', () => {
  it('changes every number that dials, with one LiveKit call each, and reports its progress', async () => {
    const prepared = await prepare(both, outboundOnly, inboundOnly, outboundOnly);
    const { rotate, rotation, atTwilio, expectTaken, dialing, events } = prepared;
    const before = await atTwilio();
    expect(await dialing()).toHaveLength(3);
    const { status, body, headers } = await rotate();
    expect({ status, tag: headers.get('etag') }).toEqual({ status: 200, tag: '"2"' });
    expect(body.data.trunk_password_rotation).toEqual({ since: expect.any(String), phone_number_count: 3 });
    const begun = service.sandbox.faults.calls.length;
    await service.reconciler.turn();
    await expectTaken();
    expect(await rotation()).toMatchObject({ phone_number_count: 0 });
    expect(await atTwilio()).toHaveLength(2);
    await carryOn(prepared, service);
    expect(service.sandbox.faults.calls.slice(begun).toSorted()).toEqual([
      'livekit.UpdateSIPOutboundTrunk',
      'livekit.UpdateSIPOutboundTrunk',
      'livekit.UpdateSIPOutboundTrunk',
      'twilio.createCredential',
      'twilio.deleteCredential',
    ]);
    await expectRotated(prepared, before);
    const asked = { actor: { key_id: expect.any(String) }, request_id: expect.any(String) };
    expect((await events()).slice(1)).toEqual([
      { type: 'integration.updated', changes: { trunk_password: 'being rotated' }, ...asked },
      { type: 'integration.trunk_password_rotated', changes: {}, ...asked },
    ]);
    await expectWholeWorld(service);
  });

  it('can be repeated, with another name and setting in the same request', async () => {
    const prepared = await prepare(both);
    const { rotate, atTwilio, caller, path } = prepared;
    for (const name of ['A', 'B']) {
      const before = await atTwilio();
      const { body } = await rotate({}, { name, call_transfers: name === 'A' ? 'all' : 'sip' });
      expect(body.data).toMatchObject({ name, trunk_password_rotation: { phone_number_count: 1 } });
      await carryOn(prepared, service);
      await expectRotated(prepared, before);
    }
    expect((await caller.rest('GET', path)).body.data).toMatchObject({ name: 'B', call_transfers: 'sip', revision: 3 });
  });

  it('of an account without a trunk makes none, and the first import dials with the new password', async () => {
    const prepared = await prepare();
    const { rotate, row, importing, last, dialing } = prepared;
    const before = (await row()).carrier;
    const begun = service.sandbox.faults.calls.length;
    expect((await rotate()).status).toBe(200);
    await carryOn(prepared, service);
    expect(service.sandbox.faults.calls.slice(begun)).toEqual([]);
    expect((await row()).carrier.password).not.toBe(before.password);
    expect((await importing(last, both)).status).toBe(201);
    await expectRotated(prepared, [before as never]);
    expect(await dialing()).toHaveLength(1);
  });

  it('of an account whose first import was refused calls nothing at Twilio, and completes', async () => {
    const prepared = await prepare();
    const { rotate, rotation, importing, last } = prepared;
    const refused = { kind: 'answer', status: 400, body: { code: 20_001, message: 'no', status: 400 } } as const;
    service.sandbox.faults.add({ ...refused, call: 'twilio.createCredential', times: 1000 });
    expect((await importing(last, both)).status).toBe(502);
    await settle(service);
    const begun = service.sandbox.faults.calls.length;
    expect((await rotate()).status).toBe(200);
    for (let turns = 0; turns < 4; turns++) {
      await service.reconciler.turn();
      service.clock.advance(30_000);
    }
    expect(await rotation()).toBeNull();
    expect(service.sandbox.faults.calls.slice(begun)).toEqual([]);
    service.sandbox.faults.clear();
    expect((await importing(last, both)).status).toBe(201);
    await settle(service);
    await expectWholeWorld(service);
  });

  it('refuses a second one, and names the numbers that still dial with the former password', async () => {
    const prepared = await prepare(outboundOnly, inboundOnly);
    const { rotate, numbers, imported, caller, path } = prepared;
    const all = await Promise.all(Array.from({ length: 8 }, () => rotate()));
    expect(all.map(({ status }) => status).toSorted()).toEqual([200, ...Array.from({ length: 7 }, () => 409)]);
    const refused = all.find(({ status }) => status === 409)!.body;
    expect(refused).toMatchObject({
      code: 'rotation_under_way',
      phone_numbers: [{ phone_number: numbers[0], phone_number_id: imported[0] }],
      phone_number_count: 1,
    });
    expect(refused.detail).toContain('Retry when trunk_password_rotation is null.');
    // Any other request is accepted.
    expect((await caller.rest('PUT', path, { name: 'x' })).status).toBe(200);
    await carryOn(prepared, service);
    expect((await rotate()).status).toBe(200);
  });

  it('requires the value true, and the current revision', async () => {
    const { caller, path, rotate } = await prepare();
    for (const rotate_trunk_password of [false, null, 'yes'])
      expect((await caller.rest('PUT', path, { rotate_trunk_password })).body.code).toBe('invalid_request');
    expect((await rotate({ 'If-Match': '"7"' })).status).toBe(412);
    expect((await rotate({ 'If-Match': '"1"' })).status).toBe(200);
  });

  it('is carried out once by two replicas', async () => {
    const prepared = await prepare(both, outboundOnly, outboundOnly);
    const before = await prepared.atTwilio();
    expect((await prepared.rotate()).status).toBe(200);
    await carryOn(prepared, service, replica);
    await expectRotated(prepared, before);
    expect((await prepared.events()).filter(({ type }) => type === 'integration.trunk_password_rotated')).toHaveLength(
      1,
    );
    await expectWholeWorld(service);
  });
});

describe('An import that began before a rotation', () => {
  it.each(['twilio.listNumbers', 'livekit.CreateSIPInboundTrunk', 'livekit.CreateSIPOutboundTrunk'])(
    'and is held at %s ends with the new password: until then Twilio accepts both',
    async (call) => {
      const prepared = await prepare(outboundOnly);
      const { importing, last, rotate, atTwilio, expectTaken, dialing } = prepared;
      const before = await atTwilio();
      service.sandbox.faults.add({ call, kind: 'hold_before' });
      const held = importing(last, both, replica);
      await service.sandbox.faults.holding();
      expect((await rotate()).status).toBe(200);
      for (let turns = 0; turns < 3; turns++) {
        await service.reconciler.turn();
        service.clock.advance(6000);
      }
      expect(await atTwilio()).toHaveLength(2);
      service.sandbox.faults.release();
      expect((await held).status).toBe(201);
      await expectTaken();
      await carryOn(prepared, service);
      await expectRotated(prepared, before);
      expect(await dialing()).toHaveLength(2);
      await expectWholeWorld(service);
    },
  );

  it('ends with the new password even if it is stored only after the rotation', async () => {
    const prepared = await prepare(outboundOnly);
    const { importing, last, rotate, atTwilio, dialing } = prepared;
    const before = await atTwilio();
    const { clock, sandbox, admin } = service;
    await using proxy = await openDatabaseProxy(mongodb_uri, 'aggregate');
    await using slow = await openService({ clock, sandbox, admin, mongodb_uri: proxy.mongodb_uri });
    // It has read the integration, and waits for the count of its numbers.
    const held = importing(last, outboundOnly, slow);
    await proxy.holding();
    expect((await rotate()).status).toBe(200);
    await carryOn(prepared, service);
    await expectRotated(prepared, before);
    proxy.release();
    expect((await held).status).toBe(201);
    await expectRotated(prepared, before);
    expect(await dialing()).toHaveLength(2);
  });

  it('and makes the trunk ends with the new password', async () => {
    const prepared = await prepare();
    const { importing, last, rotate, row } = prepared;
    const before = (await row()).carrier;
    service.sandbox.faults.add({ call: 'twilio.createOriginationUrl', kind: 'hold_before' });
    const held = importing(last, both, replica);
    await service.sandbox.faults.holding();
    expect((await rotate()).status).toBe(200);
    service.sandbox.faults.release();
    expect((await held).status).toBe(201);
    await carryOn(prepared, service);
    await expectRotated(prepared, [before as never]);
    await expectWholeWorld(service);
  });
});

describe('A number that cannot be changed during a rotation', () => {
  it.each([
    ['LiveKit refuses', { kind: 'answer', status: 400, body: { code: 'invalid_argument', msg: 'no' } }],
    ['LiveKit is away', { kind: 'drop_before' }],
  ] as const)('because %s keeps the former password valid until it can', async (_why, fault) => {
    const prepared = await prepare(both, outboundOnly);
    const { rotate, rotation, atTwilio, expectTaken, imported, caller } = prepared;
    const before = await atTwilio();
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPOutboundTrunk', times: 1000, ...fault });
    expect((await rotate()).status).toBe(200);
    for (let turns = 0; turns < 10; turns++) {
      await service.reconciler.turn();
      service.clock.advance(600_000);
      await expectTaken();
    }
    expect(await atTwilio()).toHaveLength(2);
    expect(await rotation()).toMatchObject({ phone_number_count: 2 });
    const number = await caller.rest('GET', `/api/phone-numbers/${imported[0]}`);
    expect(number.body.data.provisioning_state).toBe('active');
    service.sandbox.faults.clear();
    await carryOn(prepared, service);
    await expectRotated(prepared, before);
    await expectWholeWorld(service);
  });

  it('is no longer waited for once it is released', async () => {
    const prepared = await prepare(both, outboundOnly);
    const { rotate, rotation, atTwilio, imported, caller } = prepared;
    const before = await atTwilio();
    service.sandbox.faults.add({ call: 'livekit.UpdateSIPOutboundTrunk', kind: 'drop_before', times: 1000 });
    expect((await rotate()).status).toBe(200);
    await service.reconciler.turn();
    service.clock.advance(60_000);
    service.sandbox.faults.clear();
    for (const id of imported) expect((await caller.rest('DELETE', `/api/phone-numbers/${id}`)).status).toBe(200);
    expect(await rotation()).toMatchObject({ phone_number_count: 0 });
    await carryOn(prepared, service);
    await expectRotated(prepared, before);
    await expectWholeWorld(service);
  });
});

describe('A number that never dials out', () => {
  it('does not delay a rotation while its import lasts', async () => {
    const prepared = await prepare(outboundOnly);
    const { importing, last, rotate, rotation } = prepared;
    service.sandbox.faults.add({ call: 'livekit.CreateSIPInboundTrunk', kind: 'hold_before' });
    const held = importing(last, inboundOnly, replica);
    await service.sandbox.faults.holding();
    expect((await rotate()).status).toBe(200);
    for (let turns = 0; turns < 4; turns++) {
      await service.reconciler.turn();
      service.clock.advance(6000);
    }
    expect(await rotation()).toBeNull();
    service.sandbox.faults.release();
    expect((await held).status).toBe(201);
    await expectWholeWorld(service);
  });

  it('does not delay a rotation while its release fails', async () => {
    const prepared = await prepare(inboundOnly, outboundOnly);
    const { rotate, rotation, caller, imported } = prepared;
    service.sandbox.faults.add({ call: 'livekit.DeleteSIPDispatchRule', kind: 'answer', status: 400, times: 1000 });
    const released = await caller.rest('DELETE', `/api/phone-numbers/${imported[0]}`);
    expect(released.body.data.provisioning_state).toBe('releasing');
    expect((await rotate()).status).toBe(200);
    for (let turns = 0; turns < 10; turns++) {
      await service.reconciler.turn();
      service.clock.advance(30_000);
    }
    expect(await rotation()).toBeNull();
    service.sandbox.faults.clear();
    await settle(service);
    await expectWholeWorld(service);
  });
});

describe('A rotation with a failing call', () => {
  const calls = ['twilio.createCredential', 'livekit.UpdateSIPOutboundTrunk', 'twilio.deleteCredential'];

  it.each(calls)('to %s continues, however the call fails', async (call) => {
    for (const fault of [
      { kind: 'answer', status: 503 },
      { kind: 'answer', status: 400, body: { code: 'invalid_argument', msg: 'no', message: 'no' } },
      { kind: 'drop_before' },
      { kind: 'drop_after' },
    ] as const) {
      const prepared = await prepare(both, outboundOnly);
      const before = await prepared.atTwilio();
      service.sandbox.faults.add({ call, ...fault });
      expect((await prepared.rotate()).status).toBe(200);
      await carryOn(prepared, service);
      await expectRotated(prepared, before);
    }
    await expectWholeWorld(service);
  });

  it('reports the problem, and a lasting refusal leaves the credentials in force', async () => {
    const prepared = await prepare(outboundOnly);
    const { rotate, rotation, atTwilio, dialing } = prepared;
    const before = await atTwilio();
    const refused = { status: 401, body: { code: 20_003, message: 'Authenticate', status: 401 } };
    service.sandbox.faults.add({ call: 'twilio.createCredential', kind: 'answer', times: 1000, ...refused });
    expect((await rotate()).status).toBe(200);
    await service.reconciler.turn();
    expect(await rotation()).toMatchObject({
      phone_number_count: 1,
      problem: { code: 'provider_credentials_refused' },
    });
    expect([await atTwilio(), await dialing()]).toEqual([before, before]);
    service.sandbox.faults.clear();
    await carryOn(prepared, service);
    await expectRotated(prepared, before);
  });

  it.each(calls.flatMap((call) => (['hold_before', 'hold_after'] as const).map((kind) => [call, kind] as const)))(
    'to %s (%s) whose replica is killed is continued by another',
    async (call, kind) => {
      const prepared = await prepare(both, outboundOnly);
      const before = await prepared.atTwilio();
      expect((await prepared.rotate()).status).toBe(200);
      const killed = await service.openReplica({ admin: service.admin });
      service.sandbox.faults.add({ call, kind });
      const working = (async () => {
        for (let turns = 0; turns < 10; turns++) {
          await killed.reconciler.turn();
          service.clock.advance(6000);
        }
      })().catch(() => {});
      await service.sandbox.faults.holding();
      killed.kill();
      // The call on its way takes effect while the other replica is already working.
      service.clock.advance(61_000);
      await service.reconciler.turn();
      await prepared.expectTaken();
      service.sandbox.faults.release();
      await working;
      await carryOn(prepared, service);
      await expectRotated(prepared, before);
      await expectWholeWorld(service);
    },
  );
});

it('A rotation makes a credential list again that somebody deleted', async () => {
  const prepared = await prepare(both);
  const before = await prepared.atTwilio();
  await removeByHand(prepared, ['twilio.credential_list', 'twilio.credential', 'twilio.permission']);
  expect(await prepared.atTwilio()).toEqual([]);
  expect((await prepared.rotate()).status).toBe(200);
  await settle(service);
  await expectRotated(prepared, before);
  await expectWholeWorld(service);
});

it('A rotation makes a trunk again that somebody deleted, even if it is unknown what was sent for a part of it', async () => {
  const prepared = await prepare(both);
  const before = await prepared.atTwilio();
  await removeByHand(prepared, ['twilio.trunk', 'twilio.origination_url', 'twilio.permission']);
  const { integration_id } = prepared;
  const unknown = { $unset: { 'provisioning.parts.origination_url.sent': 1 } } as const;
  await service.connection.collection('integrations').updateOne({ integration_id }, unknown);
  expect((await prepared.rotate()).status).toBe(200);
  await settle(service);
  await expectRotated(prepared, before);
  await expectWholeWorld(service);
});

describe('Deleting an integration during a rotation', () => {
  it.each([
    ['before the rotation has made anything', 0],
    ['while Twilio accepts both passwords', 1],
  ])('%s leaves nothing at Twilio', async (_when, turns) => {
    const { rotate, imported, caller, path, atTwilio, row } = await prepare(both);
    expect((await rotate()).status).toBe(200);
    for (let n = 0; n < turns; n++) await service.reconciler.turn();
    expect(await atTwilio()).toHaveLength(1 + turns);
    expect((await caller.rest('DELETE', path)).body.code).toBe('integration_in_use');
    expect((await row()).provisioning.due_at).toBeDefined();
    const released = await caller.rest('DELETE', `/api/phone-numbers/${imported[0]}`);
    expect(released.body.data.provisioning_state).toBe('released');
    expect([200, 202]).toContain((await caller.rest('DELETE', path)).status);
    await settle(service);
    expect([await atTwilio(), (await row()).state, (await row()).rotation]).toEqual([[], 'gone', null]);
    await expectWholeWorld(service);
  });
});

it('both passwords are stored encrypted during a rotation, where re-encrypting finds them', async () => {
  const { rotate, row, atTwilio } = await prepare(both);
  service.sandbox.faults.add({ call: 'livekit.UpdateSIPOutboundTrunk', kind: 'drop_before', times: 3 });
  expect((await rotate()).status).toBe(200);
  await service.reconciler.turn();
  const integration = await row();
  const opened = sealedFieldsOf([integrationsCollection])
    .filter(({ path }) => path.endsWith('.password'))
    .map(async ({ path, placeOf }) => {
      const { username, password } = integration[path.split('.')[0]!];
      return { username, password: await service.secrets.open(password, placeOf(integration)) };
    });
  const passwords = await Promise.all(opened);
  expect(passwords).toHaveLength(2);
  expect(passwords).toEqual(expect.arrayContaining(await atTwilio()));
  for (const line of service.logged) for (const { password } of passwords) expect(line).not.toContain(password);
});

it('a password that is re-encrypted while a rotation puts it in force stays re-encrypted', async () => {
  const prepared = await prepare(both);
  const { rotate, row, integration_id, atTwilio } = prepared;
  const before = await atTwilio();
  expect((await rotate()).status).toBe(200);
  service.sandbox.faults.add({ call: 'twilio.createCredential', kind: 'hold_before' });
  const turn = service.reconciler.turn();
  await service.sandbox.faults.holding();
  const place = `integrations/${integration_id}/carrier_password` as const;
  const anew = async (sealed: string) => service.secrets.seal(await service.secrets.open(sealed, place), place);
  const { carrier, rotation } = await row();
  const passwords = {
    'carrier.password': await anew(carrier.password),
    'rotation.password': await anew(rotation.password),
  };
  await service.connection.collection('integrations').updateOne({ integration_id }, { $set: passwords });
  service.sandbox.faults.release();
  await turn;
  await carryOn(prepared, service);
  expect((await row()).carrier.password).toBe(passwords['rotation.password']);
  await expectRotated(prepared, before);
});
