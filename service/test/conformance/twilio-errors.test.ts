import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Conflict } from '../../src/provisioning/index.ts';
import { openStandInAccount, type StandInAccount } from './twilio-accounts.ts';

let account: StandInAccount;
beforeAll(async () => {
  account = await openStandInAccount();
});
afterEach(() => account.faults.clear());
afterAll(() => account?.close());

const trunk = (domain: string) => ({ name: 'a trunk', domain_name: `${domain}.pstn.twilio.com`, secure: false });

const notPermitted = { code: 'provider_refused', passing: false, doubtful: false };
const refused = { code: 'provider_credentials_refused', passing: false, doubtful: false };
const busy = { code: 'provider_unavailable', passing: true, doubtful: false };
const failed = { code: 'provider_unavailable', passing: true, doubtful: true };
const defect = { code: 'provider_error', passing: false, doubtful: false };

/**
 * Twilio's documented errors, their pages, and what they become. Not every page has the HTTP status, so some are
 * assumptions. Errors for a refused field, or for moving a number between trunks, are not documented; no code of ours
 * depends on them.
 */
const documented = [
  [401, 20003, 'Authenticate', 'https://www.twilio.com/docs/api/errors/20003', refused],
  [403, 20403, 'Forbidden', 'https://www.twilio.com/docs/api/errors/20403', notPermitted],
  [401, 20005, 'Account not active', 'https://www.twilio.com/docs/api/errors/20005', refused],
  [403, 10001, 'Account is not active', 'https://www.twilio.com/docs/api/errors/10001', refused],
  [429, 20429, 'Too Many Requests', 'https://www.twilio.com/docs/api/errors/20429', busy],
  [400, 21247, 'Trunk Dependencies', 'https://www.twilio.com/docs/api/errors/21247', defect],
  [400, 400, 'Bad Request', 'https://www.twilio.com/docs/api/errors/400', defect],
  [500, 20500, 'Internal Server Error', 'https://www.twilio.com/docs/api/errors/20500', failed],
  [503, 20503, 'Service Unavailable', 'https://www.twilio.com/docs/api/errors/20503', failed],
] as const;

describe("an error in Twilio's documentation becomes a problem:", () => {
  it.each(documented)('%i with %i, %s (%s)', async (status, code, message, more_info, problem) => {
    const { twilio } = account;
    for (const [call, run] of [
      ['twilio.createTrunk', () => twilio.createTrunk(trunk('documented'))],
      ['twilio.listTrunks', () => twilio.findTrunks('a trunk')],
      ['twilio.listNumbers', () => twilio.findNumber('+15550000001')],
      ['twilio.updateNumber', () => twilio.routeToTrunk(`PN${'0'.repeat(32)}`, `TK${'0'.repeat(32)}`)],
    ] as const) {
      account.faults.add({ call, kind: 'answer', status, body: { code, message, more_info, status } });
      await expect(run(), call).rejects.toMatchObject(problem);
    }
  });

  it('a response without a code, as from a proxy, by its status', async () => {
    account.faults.add({ call: 'twilio.createTrunk', kind: 'answer', status: 502, body: {} });
    await expect(account.twilio.createTrunk(trunk('proxy'))).rejects.toMatchObject(failed);
  });

  // RFC 9457, which twilio 6.2.0 parses into another error class (lib/base/TwilioServiceException).
  it('a problem document, for a single resource and for a list', async () => {
    const body = {
      type: 'https://www.twilio.com/docs/api/errors/20429',
      title: 'Too Many Requests',
      status: 429,
      code: 20429,
    };
    for (const call of ['twilio.createTrunk', 'twilio.listTrunks'])
      account.faults.add({ call, kind: 'answer', status: 429, body });
    await expect(account.twilio.createTrunk(trunk('problem'))).rejects.toMatchObject(busy);
    await expect(account.twilio.findTrunks('a trunk')).rejects.toMatchObject(busy);
  });

  it('silence, or a broken connection, as uncertain', async () => {
    account.faults.add({ call: 'twilio.createTrunk', kind: 'drop_after' });
    await expect(account.twilio.createTrunk(trunk('silence'))).rejects.toMatchObject(failed);
    expect(await account.twilio.findTrunks('a trunk')).toHaveLength(1);
  });
});

describe('the stand-in itself answers', () => {
  // https://www.twilio.com/docs/api/errors/20003 names suspended and closed accounts among the causes.
  it.each(['suspended', 'closed'])('20003 if the account is %s', async (status) => {
    const other = await account.newAccount();
    const kept = await account.shelf.get<object>('twilio.account', other.account_sid);
    await account.shelf.put('twilio.account', other.account_sid, { ...kept, status });
    expect((await other.get('/IncomingPhoneNumbers.json')).body).toMatchObject({ code: 20003, status: 401 });
    await expect(other.twilio.proveCredentials()).rejects.toMatchObject(refused);
  });

  // https://www.twilio.com/docs/api/errors/20404: "the SID does not exist", for this account.
  it('20404 for a resource of another account', async () => {
    const other = await account.newAccount([{ phone_number: '+15550000003' }]);
    const { number_sid = '' } = (await other.owned()) ?? {};
    expect(await account.twilio.readNumber(number_sid)).toBeUndefined();
    expect(await account.twilio.findNumber('+15550000003')).toBeUndefined();
    await expect(account.twilio.routeToTrunk(number_sid, `TK${'0'.repeat(32)}`)).rejects.toMatchObject({
      code: 'provider_refused',
    });
  });

  // https://support.twilio.com/hc/en-us/articles/51034176439707
  it('21248 for a domain name that is taken, and for 30 days after its removal', async () => {
    const other = await account.newAccount();
    const trunk_sid = await other.twilio.createTrunk(trunk('taken'));
    await expect(account.twilio.createTrunk(trunk('taken'))).rejects.toBeInstanceOf(Conflict);
    await other.twilio.removeTrunk(trunk_sid);
    await expect(account.twilio.createTrunk(trunk('taken'))).rejects.toBeInstanceOf(Conflict);
    account.clock.advance(30 * 24 * 3600 * 1000 + 1);
    await account.twilio.createTrunk(trunk('taken'));
  });
});
