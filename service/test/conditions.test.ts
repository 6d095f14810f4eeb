import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TwilioAccountState } from '../src/sandbox/twilio-accounts.ts';
import type { NumberFields } from '../src/sandbox/twilio-numbers.ts';
import { drawSid } from '../src/sandbox/twilio-things.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { readWorld, settle } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

const both = { supports_inbound: true, supports_outbound: true };

const prepare = async (fields: NumberFields, more: Partial<TwilioAccountState> = {}) => {
  const caller = await service.newOrganization();
  const phone_number = drawNumber();
  const { integration_id } = await service.integrate(caller, [{ phone_number, ...fields }], more);
  const importing = async (directions: object = both) => {
    const input = { phone_number, provider: 'twilio', integration_id, ...directions };
    const { status, body } = await caller.rest('POST', '/api/phone-numbers', input);
    expect(status, JSON.stringify(body)).toBe(201);
    return body.data as { phone_number_id: `phon_${string}`; warnings?: string[] };
  };
  const warningsNow = async (phone_number_id: `phon_${string}`) =>
    (await caller.client.phoneNumbers.get.query({ phone_number_id })).data.warnings;
  /** Changes the number as somebody might in Twilio's console. */
  const set = async (changes: object) => {
    const number = (await readWorld(service)).numbers.find((it) => it.phone_number === phone_number);
    await service.sandbox.shelf.put('twilio.number', number?.sid ?? '', { ...number, ...changes });
  };
  return { caller, phone_number, integration_id, importing, warningsNow, set };
};

describe('an import, and every later read of the number, warns that', () => {
  it.each<[what: string, fields: NumberFields, said: string]>([
    ['it takes faxes', { voice_receive_mode: 'fax' }, 'for faxes'],
    ['it is not in use yet', { status: 'pending' }, 'does not list'],
    ['an address is missing', { address_requirements: 'local' }, 'requires an address'],
    [
      'its emergency address is refused',
      { emergency_address_status: 'registration-failure' },
      'could not register the emergency address',
    ],
    ['it is in use for emergency calls', { emergency_status: 'Active' }, 'in use for emergency calls'],
  ])('%s', async (_what, fields, said) => {
    const { importing, warningsNow } = await prepare(fields);
    const { phone_number_id, warnings } = await importing();
    expect(warnings).toEqual([expect.stringContaining(said)]);
    expect(await warningsNow(phone_number_id)).toEqual(warnings);
  });

  it('several things apply at once', async () => {
    const { importing } = await prepare({ voice_receive_mode: 'fax', emergency_status: 'Active' }, { type: 'Trial' });
    expect((await importing()).warnings).toHaveLength(3);
  });
});

describe('there is no warning', () => {
  it.each<[what: string, fields: NumberFields]>([
    ['for an ordinary number', {}],
    ['if the required address exists', { address_requirements: 'any', address_sid: drawSid('AD') }],
    ['if the required bundle exists', { address_requirements: 'foreign', bundle_sid: drawSid('BU') }],
    ['if Twilio says nothing', { status: null, voice_receive_mode: null, address_requirements: null }],
    ['if the fields cannot be read', { status: 5, emergency_status: ['Active'] }],
  ])('%s', async (_what, fields) => {
    const { importing } = await prepare(fields);
    expect(await importing()).not.toHaveProperty('warnings');
  });

  it('about inbound calls if only outbound calls were requested', async () => {
    const { importing } = await prepare({ voice_receive_mode: 'fax', emergency_status: 'Active' });
    expect(await importing({ supports_outbound: true })).not.toHaveProperty('warnings');
  });
});

it('warnings follow what was read last', async () => {
  const { importing, warningsNow, set, phone_number } = await prepare({ voice_receive_mode: 'fax' });
  const { phone_number_id } = await importing();
  await set({ voice_receive_mode: 'voice', emergency_status: 'Active' });
  const records = service.connection.collection('phone_numbers');
  const at = new Date(service.clock.now());
  await records.updateOne(
    { holds: phone_number },
    { $set: { 'provisioning.due_at': at, 'provisioning.uncertain_until': at } },
  );
  await settle(service);
  expect(await warningsNow(phone_number_id)).toEqual([expect.stringContaining('emergency calls')]);
});

describe('a trial account', () => {
  it('is reported at its integration and its numbers, until it is upgraded', async () => {
    const { caller, integration_id, importing, warningsNow } = await prepare({}, { type: 'Trial' });
    const warningsOfAccount = async () =>
      (await caller.client.integrations.get.query({ integration_id })).data.warnings;
    expect(await warningsOfAccount()).toEqual([expect.stringContaining('is a trial')]);
    const { phone_number_id, warnings } = await importing();
    expect(warnings).toEqual([expect.stringContaining('is a trial')]);

    await caller.client.phoneNumbers.release.mutate({ phone_number_id });
    const { data } = await caller.client.integrations.get.query({ integration_id });
    const account = await service.sandbox.shelf.get<TwilioAccountState>('twilio.account', data.account_sid);
    await service.sandbox.shelf.put('twilio.account', data.account_sid, { ...account, type: 'Full' });
    const again = await importing();
    expect(again).not.toHaveProperty('warnings');
    expect(await warningsNow(again.phone_number_id)).toBeUndefined();
    expect(await warningsOfAccount()).toBeUndefined();
  });

  it('is not reported if the credentials cannot see it', async () => {
    const caller = await service.newOrganization();
    const { account_sid } = await service.integrate(await service.newOrganization(), [], { type: 'Trial' });
    const kept = await service.sandbox.shelf.get<TwilioAccountState>('twilio.account', account_sid);
    const [key] = kept?.api_keys ?? [];
    const credentials = {
      provider: 'twilio',
      account_sid,
      api_key_sid: key!.sid,
      api_key_secret: key!.secret,
    } as const;
    const { data } = await caller.client.integrations.create.mutate({ name: 'By a standard key', credentials });
    expect(data).toMatchObject({ status: 'active' });
    expect(data).not.toHaveProperty('warnings');
  });
});
