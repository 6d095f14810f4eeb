import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reEncrypt } from '../src/admin/re-encrypt.ts';
import { collections } from '../src/compose/collections.ts';
import { databaseOf } from '../src/database/connect.ts';
import { sealedFieldsOf } from '../src/database/sealed.ts';
import { createSecrets, type Secrets } from '../src/database/secrets.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { settle } from './world.ts';

const key = (id: string, fill: number) => [id, Buffer.alloc(32, fill)] as const;
const older = createSecrets(new Map([key('older', 1)]));
const both = createSecrets(new Map([key('newer', 2), key('older', 1)]));
const newer = createSecrets(new Map([key('newer', 2)]));
const fields = sealedFieldsOf(collections);

let service: OpenedService;
beforeAll(async () => {
  const ENCRYPTION_KEYS = `older:${Buffer.alloc(32, 1).toString('base64')}`;
  service = await openService({ environment: { ENCRYPTION_KEYS } });
  const { admin } = service;
  for (let n = 0; n < 3; n++) {
    const sip = { provider: 'sip', phone_number: drawNumber(), supports_inbound: true, inbound_pin: '12345' };
    const credentials = { sip_username: 'user', sip_password: 'pass' };
    await admin.rest('POST', '/api/phone-numbers', { ...sip, ...credentials }, { 'Idempotency-Key': `order-${n}` });
  }
  const phone_number = drawNumber();
  const { integration_id } = await service.integrate(admin, [
    { phone_number, voice_url: 'https://example.com/before' },
  ]);
  await admin.client.phoneNumbers.import.mutate({
    phone_number,
    provider: 'twilio',
    supports_inbound: true,
    integration_id,
  });
  // Secrets of numbers that are gone, too.
  service.sandbox.faults.add({ call: 'livekit.CreateSIPDispatchRule', kind: 'answer', status: 400, times: 2 });
  const gone = { supports_inbound: true, inbound_pin: '12345' };
  const owned = drawNumber();
  const other = await service.integrate(admin, [{ phone_number: owned, voice_url: 'https://example.com/before' }]);
  const twilio = { provider: 'twilio', phone_number: owned, integration_id: other.integration_id };
  await admin.rest('POST', '/api/phone-numbers', { ...gone, ...twilio });
  const sip = { provider: 'sip', phone_number: drawNumber(), sip_username: 'user', sip_password: 'pass' };
  await admin.rest('POST', '/api/phone-numbers', { ...gone, ...sip });
  await settle(service);
  const numbers = service.connection.collection('phone_numbers');
  expect(await numbers.countDocuments({ provisioning_state: 'gone' })).toBe(2);
  // And those of a change that is under way.
  const changing = await numbers.findOne({ provider: 'sip', provisioning_state: 'active' });
  const { _id, inbound_pin, sip_password, provisioning } = changing!;
  const { actor, request_id } = { actor: { key_id: provisioning.imported_by.key_id }, request_id: 'r' };
  const wanted = { inbound_pin, inbound_pin_version: 'next', sip_password, sip_password_version: 'next' };
  const change = { kind: 'update', wanted, actor, request_id, at: new Date() };
  await numbers.updateOne({ _id }, { $set: { 'provisioning.change': change, 'provisioning.lease_token': 'held' } });
  const rotated = { rotate_trunk_password: true };
  expect((await admin.rest('PUT', `/api/integrations/${integration_id}`, rotated)).status).toBe(200);
});
afterAll(() => service.close());

type Found = { at: string; sealed: string };

/** Every text in the database that looks encrypted, and where it is. */
const findSealed = async (): Promise<Found[]> => {
  const names = (await service.connection.db!.listCollections().toArray()).map(({ name }) => name);
  const inValue = (value: unknown, path: string): Found[] => {
    if (typeof value === 'string') return /^eyJ[\w-]*(\.[\w-]*){4}$/.test(value) ? [{ at: path, sealed: value }] : [];
    if (typeof value !== 'object' || value === null || '_bsontype' in value) return [];
    return Object.entries(value).flatMap(([name, inner]) => inValue(inner, `${path}.${name}`));
  };
  const found = names.map(async (name) => {
    const rows = await service.connection.collection(name).find().toArray();
    return rows.flatMap((row) => inValue(row, name));
  });
  return (await Promise.all(found)).flat();
};

const run = async (secrets: Secrets, key_ids = ['newer', 'older']) => {
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const { connection, clock } = service;
  const isDone = await reEncrypt({ connection, collections, secrets, key_ids, clock, say, batch: 2 });
  return { isDone, said };
};
const reset = async () =>
  void (await run(createSecrets(new Map([key('older', 1), key('newer', 2)])), ['older', 'newer']));

describe('trunkline secrets re-encrypt', () => {
  it('knows every field with an encrypted text, and this test has each of them', async () => {
    const there = new Set((await findSealed()).map(({ at }) => at));
    expect([...there].toSorted()).toEqual(fields.map(({ collection, path }) => `${collection}.${path}`).toSorted());
  });

  it('re-encrypts everything with the newest key, so that no other is needed to read it', async () => {
    const before = (await findSealed()).length;
    const { isDone, said } = await run(both);
    expect(isDone).toBe(true);
    expect(said[0]).toBe(`${before} secrets were moved to newer, and all are encrypted with it now.`);
    for (const { collection, path, placeOf } of fields) {
      for (const row of await databaseOf(service.connection).collection(collection).find().toArray()) {
        const sealed = path.split('.').reduce<unknown>((within, name) => Reflect.get(Object(within), name), row);
        if (typeof sealed === 'string') expect(await newer.open(sealed, placeOf(row))).not.toBe('');
      }
    }
    expect((await run(both)).said[0]).toMatch(/^0 secrets were moved/);
  });

  it('says until when stored requests need an older key, and then that it can be removed', async () => {
    const { said } = await run(both);
    const last = await service.connection.collection('idempotency_keys').find().sort({ expires_at: -1 }).next();
    expect(said[1]).toContain(`older can be removed from ${last?.expires_at.toISOString()} on`);
    service.clock.advance(25 * 3600_000);
    expect((await run(both)).said[1]).toMatch(/^older can be removed now\./);
  });

  it('continues where it was interrupted', async () => {
    await reset();
    const before = (await findSealed()).length;
    let seals = 0;
    const dying: Secrets = {
      ...both,
      seal: (...args) => (++seals > 3 ? Promise.reject(new Error('killed')) : both.seal(...args)),
    };
    await expect(run(dying)).rejects.toThrow('killed');
    expect((await run(both)).said[0]).toMatch(new RegExp(`^${before - 3} secrets were moved`));
  });

  it('keeps what a replica changed in the meantime, and re-encrypts that in the next pass', async () => {
    await reset();
    const numbers = service.connection.collection('phone_numbers');
    const { phone_number_id } = (await numbers.findOne({ inbound_pin: { $ne: null } }))!;
    const place = `phone_numbers/${phone_number_id}/inbound_pin` as const;
    const changed = await older.seal('99999', place);
    let isChanged = false;
    const racing: Secrets = {
      ...both,
      seal: async (secret, at) => {
        if (at === place && !isChanged) {
          isChanged = true;
          await numbers.updateOne({ phone_number_id }, { $set: { inbound_pin: changed } });
        }
        return both.seal(secret, at);
      },
    };
    expect((await run(racing)).isDone).toBe(true);
    expect(await newer.open((await numbers.findOne({ phone_number_id }))!.inbound_pin, place)).toBe('99999');
  });

  it('reports replicas that still encrypt with another key', async () => {
    const rows = service.connection.collection('phone_numbers');
    const { phone_number_id } = (await rows.findOne({ inbound_pin: { $ne: null } }))!;
    const place = `phone_numbers/${phone_number_id}/inbound_pin` as const;
    const spoil = async () => {
      await rows.updateOne({ phone_number_id }, { $set: { inbound_pin: await older.seal('1', place) } });
    };
    await spoil();
    const spoiled: Secrets = { ...both, open: async (...args) => spoil().then(() => both.open(...args)) };
    const { isDone, said } = await run(spoiled);
    expect({ isDone, last: said.at(-1) }).toEqual({
      isDone: false,
      last: 'Restart every replica with this ENCRYPTION_KEYS, and run this again.',
    });
  });

  it('re-encrypts what it can decrypt, and names the rest', async () => {
    await reset();
    const rows = service.connection.collection('phone_numbers');
    const { phone_number_id } = (await rows.findOne({ inbound_pin: { $ne: null } }))!;
    const place = `phone_numbers/${phone_number_id}/inbound_pin` as const;
    const lost = createSecrets(new Map([key('lost', 3)]));
    await rows.updateOne({ phone_number_id }, { $set: { inbound_pin: await lost.seal('12345', place) } });
    const { isDone, said } = await run(both);
    expect(isDone).toBe(false);
    expect(said[0]).toContain(`${place}: ENCRYPTION_KEYS has no key "lost"`);
    expect((await findSealed()).filter(({ sealed }) => !both.isCurrent(sealed))).toHaveLength(1);
    await rows.updateOne({ phone_number_id }, { $set: { inbound_pin: await both.seal('12345', place) } });
  });

  it('encrypts what an earlier version stored in plain text', async () => {
    const rows = service.connection.collection('phone_numbers');
    const clear = { voice_url: 'https://user:pass@example.com', trunk_sid: null };
    const { phone_number_id } = (await rows.findOne({ provider: 'twilio' }))!;
    await rows.updateOne({ phone_number_id }, { $set: { former_routing: clear } });
    expect((await run(both)).isDone).toBe(true);
    const { former_routing } = (await rows.findOne({ phone_number_id }))!;
    const opened = await newer.open(former_routing, `phone_numbers/${phone_number_id}/former_routing`);
    expect(JSON.parse(opened)).toEqual(clear);
  });
});
