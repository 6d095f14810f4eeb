import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStandInAccount, type StandInAccount } from './twilio-accounts.ts';

let account: StandInAccount;
beforeAll(async () => {
  account = await openStandInAccount([
    { phone_number: '+15550000001', voice_url: 'https://example.com/answer' },
    { phone_number: '+155500000012' },
    { phone_number: '+15550000002', voice_application_sid: `AP${'1'.repeat(32)}` },
    { phone_number: '+15550000003', trunk_sid: `TK${'9'.repeat(32)}` },
    { phone_number: '+15550000004', voice: false },
  ]);
});
afterAll(() => account?.close());

const newTrunk = (domain: string, name = `trunk ${domain}`) =>
  account.twilio.createTrunk({ name, domain_name: `${domain}.pstn.twilio.com`, secure: true });

// https://www.twilio.com/docs/sip-trunking/api/trunk-resource
describe('a trunk', () => {
  it('is created, found by its full name, and removed', async () => {
    const trunk_sid = await newTrunk('life', 'a name');
    expect(trunk_sid).toMatch(/^TK[0-9a-f]{32}$/);
    expect(await account.twilio.findTrunks('a name')).toEqual([
      { resource_id: trunk_sid, content: { secure: true, call_transfers: 'disabled' } },
    ]);
    expect(await account.twilio.findTrunks('a nam')).toEqual([]);
    expect(await account.shelf.get('twilio.trunk', trunk_sid)).toMatchObject({
      friendly_name: 'a name',
      domain_name: 'life.pstn.twilio.com',
      secure: true,
    });
    expect(await account.twilio.changeTrunk(trunk_sid, { secure: false, call_transfers: 'all' })).toBe(true);
    expect(await account.twilio.findTrunks('a name')).toMatchObject([
      { content: { secure: false, call_transfers: 'all' } },
    ]);
    for (const _ of ['there', 'gone']) await account.twilio.removeTrunk(trunk_sid);
    expect(await account.twilio.findTrunks('a name')).toEqual([]);
    expect(await account.twilio.changeTrunk(trunk_sid, { secure: true })).toBe(false);
  });

  it.each(['with_underscore', 'dot.ted', ''])('is refused with the domain "%s"', async (domain) => {
    await expect(newTrunk(domain)).rejects.toMatchObject({ code: 'provider_error' });
  });

  it('is refused with a name of more than 64 characters', async () => {
    await expect(newTrunk('long', 'x'.repeat(65))).rejects.toMatchObject({ code: 'provider_error' });
    await newTrunk('just', 'x'.repeat(64));
  });

  // https://www.twilio.com/docs/sip-trunking/api/originationurl-resource
  it('sends calls to a sip address, and not to a sips address', async () => {
    const trunk_sid = await newTrunk('origination');
    const url = { name: 'LiveKit', sip_url: 'sip:example.sip.livekit.cloud;transport=tls' };
    const url_sid = await account.twilio.createOriginationUrl(trunk_sid, url);
    expect(url_sid).toMatch(/^OU/);
    const seen = async () => account.twilio.findOriginationUrls(trunk_sid, 'LiveKit');
    expect(await seen()).toEqual([{ resource_id: url_sid, content: { sip_url: url.sip_url } }]);
    expect(await account.twilio.findOriginationUrls(trunk_sid, 'LiveKi')).toEqual([]);
    const other = 'sip:other.example;transport=tcp';
    expect(await account.twilio.pointOriginationUrl(trunk_sid, url_sid, other)).toBe(true);
    expect(await seen()).toEqual([{ resource_id: url_sid, content: { sip_url: other } }]);
    const sips = { ...url, sip_url: 'sips:example.sip.livekit.cloud' };
    await expect(account.twilio.createOriginationUrl(trunk_sid, sips)).rejects.toMatchObject({
      code: 'provider_error',
    });
    await account.twilio.removeOriginationUrl(trunk_sid, url_sid);
    expect(await seen()).toEqual([]);
    expect(await account.twilio.pointOriginationUrl(trunk_sid, url_sid, other)).toBe(false);
  });

  // https://www.twilio.com/docs/sip-trunking/api/credentiallist-resource
  it('admits whoever is on its credential list', async () => {
    const trunk_sid = await newTrunk('permission');
    const list_sid = await account.twilio.createCredentialList('a list');
    expect(await account.twilio.permit(trunk_sid, list_sid)).toBe(list_sid);
    expect(await account.twilio.findPermissions(trunk_sid, list_sid)).toEqual([list_sid]);
    await account.twilio.revoke(trunk_sid, list_sid);
    expect(await account.twilio.findPermissions(trunk_sid, list_sid)).toEqual([]);
  });

  // https://www.twilio.com/docs/sip-trunking/scale-and-limits
  it('is refused if the account has a hundred', async () => {
    const { twilio } = await account.newAccount();
    const create = (n: number) =>
      twilio.createTrunk({ name: 'one of many', domain_name: `limit-${n}.pstn.twilio.com`, secure: false });
    for (let n = 0; n < 100; n++) await create(n);
    // https://www.twilio.com/docs/usage/twilios-response#pagination: fifty per page, unless more are requested.
    expect(await twilio.findTrunks('one of many')).toHaveLength(100);
    await expect(create(100)).rejects.toMatchObject({ code: 'provider_error' });
  });
});

// https://www.twilio.com/docs/voice/sip/api/sip-credentiallist-resource and …/sip-credential-resource
describe('a credential list', () => {
  const password = 'A-password-with-1-digit';

  it('is created with a credential, found, and removed with it', async () => {
    const list_sid = await account.twilio.createCredentialList('life');
    const credential_sid = await account.twilio.createCredential(list_sid, { username: 'user', password });
    expect([list_sid, credential_sid]).toEqual([expect.stringMatching(/^CL/), expect.stringMatching(/^CR/)]);
    expect(await account.twilio.findCredentialLists('life')).toEqual([list_sid]);
    expect(await account.twilio.findCredentials(list_sid, 'user')).toEqual([credential_sid]);
    expect(await account.twilio.findCredentials(list_sid, 'other')).toEqual([]);
    await account.twilio.removeCredential(list_sid, credential_sid);
    expect(await account.twilio.findCredentials(list_sid, 'user')).toEqual([]);
    for (const _ of ['there', 'gone']) await account.twilio.removeCredentialList(list_sid);
    expect(await account.twilio.findCredentialLists('life')).toEqual([]);
  });

  it('never returns a password', async () => {
    const list_sid = await account.twilio.createCredentialList('secret');
    await account.twilio.createCredential(list_sid, { username: 'user', password });
    const { body } = await account.get(`/SIP/CredentialLists/${list_sid}/Credentials.json`);
    expect(body.credentials).toMatchObject([{ username: 'user' }]);
    expect(JSON.stringify(body)).not.toContain(password);
  });

  it.each([
    { username: 'u'.repeat(33), password },
    { username: 'user', password: 'Short-1' },
    { username: 'user', password: 'no-capital-letter-1' },
    { username: 'user', password: 'No-digit-in-there' },
  ])('is refused a credential as $username, $password', async (credential) => {
    const list_sid = await account.twilio.createCredentialList('refusals');
    await expect(account.twilio.createCredential(list_sid, credential)).rejects.toMatchObject({
      code: 'provider_error',
    });
  });
});

// https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
describe('a number', () => {
  const find = async (phone_number: string) => {
    const number = await account.twilio.findNumber(phone_number);
    if (number === undefined) throw new Error(`${phone_number} is not there`);
    return number;
  };

  it('is found by all its digits, not by some of them', async () => {
    expect((await find('+15550000001')).number_sid).not.toBe((await find('+155500000012')).number_sid);
    expect(await account.twilio.findNumber('+1555000000')).toBeUndefined();
    const { body } = await account.get('/IncomingPhoneNumbers.json?PhoneNumber=555000000');
    expect(body.incoming_phone_numbers).toHaveLength(5);
  });

  it('matches exactly one digit with a star', async () => {
    const matching = async (pattern: string) =>
      (await account.get(`/IncomingPhoneNumbers.json?PhoneNumber=${encodeURIComponent(pattern)}`)).body
        .incoming_phone_numbers.length;
    expect(await matching('+1555000000*')).toBe(5);
    expect(await matching('+155500000**2')).toBe(1);
    expect(await matching('*3')).toBe(1);
    expect(await account.twilio.findNumber('+1555000000*')).toBeUndefined();
  });

  it('shows whether it has voice', async () => {
    expect((await find('+15550000004')).has_voice).toBe(false);
    expect((await find('+15550000001')).has_voice).toBe(true);
  });

  it('shows another trunk that has it, which is the only warning: Twilio does not document what it answers to moving it', async () => {
    expect((await find('+15550000003')).routing.trunk_sid).toBe(`TK${'9'.repeat(32)}`);
  });

  it('keeps its voice URL while on a trunk, and has it again afterwards', async () => {
    const trunk_sid = await newTrunk('routing-url');
    const { number_sid, routing } = await find('+15550000001');
    await account.twilio.routeToTrunk(number_sid, trunk_sid);
    expect((await find('+15550000001')).routing).toEqual({ ...routing, trunk_sid });
    await account.twilio.giveBack(number_sid, routing);
    expect((await find('+15550000001')).routing).toEqual(routing);
  });

  it('loses its voice application to a trunk, and can be given it again', async () => {
    const trunk_sid = await newTrunk('routing-application');
    const { number_sid, routing } = await find('+15550000002');
    await account.twilio.routeToTrunk(number_sid, trunk_sid);
    expect((await find('+15550000002')).routing).toEqual({ ...routing, trunk_sid, voice_application_sid: null });
    await account.twilio.giveBack(number_sid, routing);
    expect((await find('+15550000002')).routing).toEqual(routing);
  });

  it('cannot be routed to a trunk that does not exist', async () => {
    const { number_sid } = await find('+15550000001');
    await expect(account.twilio.routeToTrunk(number_sid, `TK${'0'.repeat(32)}`)).rejects.toMatchObject({
      code: 'provider_refused',
      members: { provider: { status: 404, code: '20404' } },
    });
  });
});
