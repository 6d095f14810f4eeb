import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { openSandbox, type Sandbox } from '../../src/sandbox/server.ts';
import { createMemoryShelf } from '../../src/sandbox/shelf.ts';
import type { TwilioAccountState, TwilioKeyState } from '../../src/sandbox/twilio-accounts.ts';
import { seedAccount } from '../../src/sandbox/twilio-seed.ts';
import { drawSid } from '../../src/sandbox/twilio-things.ts';
import { askTwilio } from './twilio-wire.ts';

const keyOf = (kind: TwilioKeyState['kind'], more: Partial<TwilioKeyState> = {}): TwilioKeyState => ({
  sid: drawSid('SK'),
  secret: 'a-secret',
  ...(kind && { kind }),
  ...more,
});
const main = keyOf('main');
const standard = keyOf('standard');
const restricted = keyOf('restricted', { allow: ['listNumbers'] });
const ofIe1 = keyOf('standard', { region: 'ie1' });

let sandbox: Sandbox;
let owner: TwilioAccountState;
let subaccount: TwilioAccountState;
beforeAll(async () => {
  sandbox = await openSandbox({ shelf: createMemoryShelf(), clock: systemClock, port: 0 });
  const api_keys = [main, standard, restricted, ofIe1];
  owner = await seedAccount(sandbox.shelf, [{ phone_number: '+15550000001' }], { api_keys, type: 'Trial' });
  const ofOwner = { owner_account_sid: owner.sid };
  subaccount = await seedAccount(sandbox.shelf, [{ phone_number: '+15550000002' }], ofOwner);
});
afterAll(() => sandbox?.close());

const numbersOf = ({ sid }: TwilioAccountState) => `/2010-04-01/Accounts/${sid}/IncomingPhoneNumbers.json`;
const accountOf = ({ sid }: TwilioAccountState) => `/2010-04-01/Accounts/${sid}.json`;
const byKey = ({ sid, secret }: TwilioKeyState) => askTwilio(sandbox.url, { user: sid, password: secret });
const byToken = ({ sid, auth_token }: TwilioAccountState) =>
  askTwilio(sandbox.url, { user: sid, password: auth_token });
const unauthenticated = { status: 401, body: { code: 20_003, status: 401 } };

// https://www.twilio.com/docs/iam/api-keys
describe('an API key', () => {
  it('of the main type can read the account; a standard one cannot', async () => {
    expect(await byKey(main)('GET', accountOf(owner))).toMatchObject({ status: 200, body: { type: 'Trial' } });
    expect(await byKey(standard)('GET', accountOf(owner))).toMatchObject(unauthenticated);
    expect(await byKey(standard)('GET', numbersOf(owner))).toMatchObject({ status: 200 });
  });

  // https://www.twilio.com/docs/api/errors/70051
  it('of the restricted type may do what is permitted, and gets 70051 for the rest', async () => {
    expect(await byKey(restricted)('GET', numbersOf(owner))).toMatchObject({ status: 200 });
    expect(await byKey(restricted)('GET', '/v1/Trunks')).toMatchObject({ body: { code: 70_051 } });
  });

  it('works in the Region where it was created', async () => {
    expect(await byKey(ofIe1)('GET', numbersOf(owner))).toMatchObject(unauthenticated);
    const { sid: user, secret: password } = ofIe1;
    const inIe1 = askTwilio(sandbox.url, { user, password, host: 'api.dublin.ie1.twilio.com' });
    expect(await inIe1('GET', numbersOf(owner))).toMatchObject({ status: 200 });
  });
});

// https://www.twilio.com/docs/iam/api/subaccounts
describe('a subaccount', () => {
  it('can be used by its owner in the 2010 API, but not the other way round', async () => {
    expect((await byToken(owner)('GET', numbersOf(subaccount))).body.incoming_phone_numbers).toMatchObject([
      { phone_number: '+15550000002', account_sid: subaccount.sid },
    ]);
    expect(await byToken(subaccount)('GET', numbersOf(owner))).toMatchObject(unauthenticated);
    expect((await byToken(owner)('GET', accountOf(subaccount))).body.owner_account_sid).toBe(owner.sid);
  });

  it("does not get the trunks made with its owner's credentials, because trunking names no account", async () => {
    const { body: trunk } = await byToken(owner)('POST', '/v1/Trunks', { FriendlyName: 'whose' });
    expect(trunk.account_sid).toBe(owner.sid);
    expect(await byToken(subaccount)('GET', `/v1/Trunks/${trunk.sid}`)).toMatchObject({ status: 404 });
  });
});

// https://www.twilio.com/docs/voice/api/outgoing-caller-ids
it("verified caller IDs are not among the account's numbers", async () => {
  const caller_id = { sid: drawSid('PN'), account_sid: owner.sid, phone_number: '+15550000003' };
  await sandbox.shelf.put('twilio.caller_id', caller_id.sid, caller_id);
  const path = `/2010-04-01/Accounts/${owner.sid}/OutgoingCallerIds.json`;
  const { body } = await byToken(owner)('GET', `${path}?PhoneNumber=%2B15550000003`);
  expect(body.outgoing_caller_ids).toMatchObject([{ phone_number: '+15550000003' }]);
  const { body: owned } = await byToken(owner)('GET', `${numbersOf(owner)}?PhoneNumber=%2B15550000003`);
  expect(owned.incoming_phone_numbers).toEqual([]);
});

describe('a call that succeeds, but is carried out differently', () => {
  it('can leave a number where it is, and says so', async () => {
    const { body: trunk } = await byToken(owner)('POST', '/v1/Trunks', { FriendlyName: 'asked' });
    const { body } = await byToken(owner)('GET', numbersOf(owner));
    const { sid } = body.incoming_phone_numbers[0];
    sandbox.faults.add({ call: 'twilio.updateNumber', kind: 'not_as_asked', body: { TrunkSid: null } });
    const path = numbersOf(owner).replace('.json', `/${sid}.json`);
    const attach = () => byToken(owner)('POST', path, { TrunkSid: trunk.sid, FriendlyName: 'as asked' });
    expect(await attach()).toMatchObject({ status: 200, body: { trunk_sid: null, friendly_name: 'as asked' } });
    expect(await attach()).toMatchObject({ status: 200, body: { trunk_sid: trunk.sid } });
  });

  it('can make a trunk with another domain', async () => {
    const other = { DomainName: 'other.pstn.twilio.com', Secure: 'false' };
    sandbox.faults.add({ call: 'twilio.createTrunk', kind: 'not_as_asked', body: other });
    const asked = { DomainName: 'asked.pstn.twilio.com', Secure: 'true' };
    expect(await byToken(owner)('POST', '/v1/Trunks', asked)).toMatchObject({
      status: 201,
      body: { domain_name: 'other.pstn.twilio.com', secure: false },
    });
  });
});
