import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { openSandbox, type Sandbox } from '../../src/sandbox/server.ts';
import { createMemoryShelf } from '../../src/sandbox/shelf.ts';
import type { TwilioAccountState } from '../../src/sandbox/twilio-accounts.ts';
import { seedAccount } from '../../src/sandbox/twilio-seed.ts';
import { createTwilio } from '../../src/vendors/twilio.ts';
import { askTwilio } from './twilio-wire.ts';

const TOKEN_OF_IE1 = 'e'.repeat(32);
const NUMBER = '+15550000001';
const BOUGHT_IN_IE1 = '+15550000002';

let sandbox: Sandbox;
let account: TwilioAccountState;
beforeAll(async () => {
  sandbox = await openSandbox({ shelf: createMemoryShelf(), clock: systemClock, port: 0 });
  account = await seedAccount(
    sandbox.shelf,
    [{ phone_number: NUMBER }, { phone_number: BOUGHT_IN_IE1, voice_region: 'ie1' }],
    { regional_tokens: { ie1: TOKEN_OF_IE1 } },
  );
});
afterAll(() => sandbox?.close());

const connect = (region: 'us1' | 'ie1' | 'au1', auth_token: string) =>
  createTwilio({ url: sandbox.url, timeout_ms: 10_000, measureCall: (_call, run) => run() })({
    provider: 'twilio',
    account_sid: account.sid,
    auth_token,
    region,
  });
const us1 = () => connect('us1', account.auth_token);
const ie1 = () => connect('ie1', TOKEN_OF_IE1);
const numberOf = async (twilio: ReturnType<typeof connect>, phone_number = NUMBER) =>
  (await twilio.findNumber(phone_number)) ?? expect.unreachable();

// https://www.twilio.com/docs/global-infrastructure/understanding-twilio-regions
describe('each Region', () => {
  it('accepts its own token, and no other', async () => {
    await us1().proveCredentials();
    await ie1().proveCredentials();
    for (const twilio of [
      connect('us1', TOKEN_OF_IE1),
      connect('ie1', account.auth_token),
      connect('au1', TOKEN_OF_IE1),
    ])
      await expect(twilio.proveCredentials()).rejects.toMatchObject({ code: 'provider_credentials_refused' });
  });

  it('has its own trunks, and its own configuration of each number', async () => {
    const trunk_sid = await ie1().createTrunk({ name: 'of ie1', domain_name: 'ie1.pstn.twilio.com', secure: true });
    expect(await ie1().findTrunks('of ie1')).toMatchObject([{ resource_id: trunk_sid }]);
    expect(await us1().findTrunks('of ie1')).toEqual([]);
    const { number_sid } = await numberOf(ie1());
    await ie1().routeToTrunk(number_sid, trunk_sid);
    expect((await numberOf(ie1())).routing.trunk_sid).toBe(trunk_sid);
    expect((await numberOf(us1())).routing.trunk_sid).toBeNull();
    await expect(us1().routeToTrunk(number_sid, trunk_sid)).rejects.toMatchObject({ code: 'provider_refused' });
  });

  it('shares its domain names with all others', async () => {
    const domain_name = 'shared.pstn.twilio.com';
    await us1().createTrunk({ name: 'first', domain_name, secure: true });
    await expect(ie1().createTrunk({ name: 'second', domain_name, secure: true })).rejects.toThrow('21248');
  });
});

// https://www.twilio.com/docs/global-infrastructure/inbound-processing-region-api
describe('the routing table', () => {
  const ask = () => askTwilio(sandbox.url, { user: account.sid, password: account.auth_token });

  it('has the Region in which a number was bought, or the one set since', async () => {
    expect((await ask()('GET', `/v2/PhoneNumbers/${NUMBER}`)).body.voice_region).toBe('us1');
    const { body } = await ask()('GET', `/v2/PhoneNumbers/${BOUGHT_IN_IE1}`);
    expect(body.voice_region).toBe('ie1');
    await ask()('POST', `/v2/PhoneNumbers/${BOUGHT_IN_IE1}`, { VoiceRegion: 'us1' });
    expect((await ask()('GET', `/v2/PhoneNumbers/${BOUGHT_IN_IE1}`)).body).toMatchObject({
      voice_region: 'us1',
      sid: body.sid,
    });
  });

  it("is served in US1, for the account's own numbers", async () => {
    const inIe1 = { user: account.sid, password: TOKEN_OF_IE1 };
    const path = `/v2/PhoneNumbers/${NUMBER}`;
    expect(await askTwilio(sandbox.url, inIe1)('GET', path)).toMatchObject({ status: 401, body: { code: 20_003 } });
    expect(await ask()('GET', '/v2/PhoneNumbers/+15550009999')).toMatchObject({ status: 404 });
    expect(await ask()('POST', path, { VoiceRegion: 'moon' })).toMatchObject({ status: 400 });
  });
});

// https://www.twilio.com/docs/global-infrastructure/regional-product-and-feature-availability
it("IE1 has neither verified caller IDs nor the list of a trunk's numbers", async () => {
  const ask = (host: string) => askTwilio(sandbox.url, { user: account.sid, password: TOKEN_OF_IE1, host });
  const trunk_sid = await ie1().createTrunk({ name: 'alone', domain_name: 'alone.pstn.twilio.com', secure: true });
  const callerIds = `/2010-04-01/Accounts/${account.sid}/OutgoingCallerIds.json`;
  expect((await ask('api.dublin.ie1.twilio.com')('GET', callerIds)).status).toBe(404);
  const numbers = `/v1/Trunks/${trunk_sid}/PhoneNumbers`;
  expect((await ask('trunking.dublin.ie1.twilio.com')('GET', numbers)).status).toBe(404);
});
