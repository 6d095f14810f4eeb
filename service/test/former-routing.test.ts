import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, drawNumber, type OpenedService, openService } from './open-service.ts';
import { readWorld, settle } from './world.ts';

let service: OpenedService;
let admin: Caller;
beforeAll(async () => {
  service = await openService({ environment: { LOG_LEVEL: 'trace' } });
  admin = service.admin;
});
afterAll(() => service.close());

const secrets = ['MARKED-user', 'MARKED-pass', 'MARKED-token', 'MARKED-fragment'];
const voice_url = 'https://MARKED-user:MARKED-pass@example.com/voice?token=MARKED-token&a=b#MARKED-fragment';

/** A Twilio number whose voice URL carries secrets. */
const prepare = async () => {
  const phone_number = drawNumber();
  const { integration_id } = await service.integrate(admin, [{ phone_number, voice_url }]);
  const input = { phone_number, provider: 'twilio', supports_inbound: true, integration_id } as const;
  const number = async () => (await readWorld(service)).numbers.find((it) => it.phone_number === phone_number);
  return { input, number };
};

const database = async () => {
  const collections = await service.connection.db!.listCollections().toArray();
  const rows = collections.map(({ name }) => service.connection.collection(name).find().toArray());
  return JSON.stringify(await Promise.all(rows));
};
const expectNoSecret = (text: string) => {
  for (const secret of secrets) expect(text).not.toContain(secret);
};

describe('the former voice URL of a number', () => {
  it('is answered without user info and query, and stored encrypted', async () => {
    const { input } = await prepare();
    const { data } = await admin.client.phoneNumbers.import.mutate(input);
    const user = await service.newKey(admin, 'user');
    const { status, body } = await user.rest('GET', `/api/phone-numbers/${data.phone_number_id}`);
    expect({ status, url: body.data.provisioning.former_routing.voice_url }).toEqual({
      status: 200,
      url: 'https://***@example.com/voice?***',
    });
    expectNoSecret(JSON.stringify([body, data]));
    expectNoSecret(await database());
    expectNoSecret(service.logged.join('\n'));
    const row = await service.connection.collection('phone_numbers').findOne({ phone_number: input.phone_number });
    expect(row?.former_routing).toMatch(/^eyJ/);
  });

  it('is restored whole, and not logged even though Twilio quotes it', async () => {
    const { input, number } = await prepare();
    const before = await number();
    const { faults } = service.sandbox;
    const quoting = { message: `VoiceUrl ${voice_url} (user MARKED-user, token=MARKED-token) is down`, code: 21502 };
    faults.add({ call: 'twilio.updateNumber', kind: 'drop_after' });
    faults.add({ call: 'twilio.listNumbers', kind: 'answer', status: 400, skip: 1, times: 1, body: {} });
    faults.add({ call: 'twilio.updateNumber', kind: 'answer', status: 503, times: 2, body: quoting });
    await expect(admin.client.phoneNumbers.import.mutate(input)).rejects.toThrow();
    await settle(service);
    faults.clear();
    await settle(service);
    expect(await number()).toEqual({ ...before, date_updated: expect.anything() });
    const log = service.logged.join('\n');
    expect(log).toContain('giveBack');
    expect(log).toContain('VoiceUrl');
    expectNoSecret(log);
    expectNoSecret(await database());
  });
});
