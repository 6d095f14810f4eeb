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
 * What Twilio documents to say, where, and what comes of it. Not every page tells the HTTP status, so it is only likely.
 * Nothing documents what is said of a refused field, or of moving a number from trunk to trunk: nothing of ours reads it.
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

describe("an error of Twilio's documentation becomes what a caller understands:", () => {
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

  it('a body without a code, as proxies send, by its status', async () => {
    account.faults.add({ call: 'twilio.createTrunk', kind: 'answer', status: 502, body: {} });
    await expect(account.twilio.createTrunk(trunk('proxy'))).rejects.toMatchObject(failed);
  });

  // RFC 9457, which twilio 6.2.0 reads into another class of error (lib/base/TwilioServiceException).
  it('a problem document, alike for one thing and for a list', async () => {
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

  it('silence, and a connection that breaks, as doubt', async () => {
    account.faults.add({ call: 'twilio.createTrunk', kind: 'drop_after' });
    await expect(account.twilio.createTrunk(trunk('silence'))).rejects.toMatchObject(failed);
    expect(await account.twilio.findTrunks('a trunk')).toHaveLength(1);
  });
});

describe('the stand-in says by itself', () => {
  // https://www.twilio.com/docs/api/errors/20003 names suspended and closed accounts among the causes.
  it.each(['suspended', 'closed'])('20003 of an account that is %s', async (status) => {
    const other = await account.newAccount();
    const kept = await account.shelf.get<object>('twilio.account', other.account_sid);
    await account.shelf.put('twilio.account', other.account_sid, { ...kept, status });
    expect((await other.get('/IncomingPhoneNumbers.json')).body).toMatchObject({ code: 20003, status: 401 });
    await expect(other.twilio.proveCredentials()).rejects.toMatchObject(refused);
  });

  // https://www.twilio.com/docs/api/errors/20404: "the SID does not exist", for this account.
  it('20404 of what belongs to another account', async () => {
    const other = await account.newAccount([{ phone_number: '+15550000003' }]);
    const { number_sid = '' } = (await other.owned()) ?? {};
    expect(await account.twilio.readNumber(number_sid)).toBeUndefined();
    expect(await account.twilio.findNumber('+15550000003')).toBeUndefined();
    await expect(account.twilio.routeToTrunk(number_sid, `TK${'0'.repeat(32)}`)).rejects.toMatchObject({
      code: 'provider_refused',
    });
  });

  // https://support.twilio.com/hc/en-us/articles/51034176439707
  it('21248 of a domain that anybody has, and for 30 days after it was removed', async () => {
    const other = await account.newAccount();
    const trunk_sid = await other.twilio.createTrunk(trunk('taken'));
    await expect(account.twilio.createTrunk(trunk('taken'))).rejects.toBeInstanceOf(Conflict);
    await other.twilio.removeTrunk(trunk_sid);
    await expect(account.twilio.createTrunk(trunk('taken'))).rejects.toBeInstanceOf(Conflict);
    account.clock.advance(30 * 24 * 3600 * 1000 + 1);
    await account.twilio.createTrunk(trunk('taken'));
  });
});
