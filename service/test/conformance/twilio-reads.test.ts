import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, openRealAccount, openStandInAccount } from './twilio-accounts.ts';

const { TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN } = process.env;
const sid = (prefix: string) => prefix + '0'.repeat(32);
const NOBODYS = 'trunkline: a name that nobody has given';

// Nothing is changed here, so this can run on any account.
describe.each([
  { side: 'the stand-in', open: openStandInAccount, isMissing: false },
  { side: 'Twilio', open: openRealAccount, isMissing: !TWILIO_ACCOUNT_SID || !TWILIO_AUTH_TOKEN },
])('$side', ({ open, isMissing }) => {
  describe.skipIf(isMissing)('tells an account', () => {
    let account: Account;
    beforeAll(async () => {
      account = await open();
    });
    afterAll(() => account?.close());

    it('that its credentials are valid', async () => {
      await expect(account.twilio.proveCredentials()).resolves.toBeUndefined();
    });

    // https://www.twilio.com/docs/api/errors/20003
    it('that a wrong token is refused, with a code and a link to its page', async () => {
      await expect(account.stranger.proveCredentials()).rejects.toMatchObject({ code: 'provider_credentials_refused' });
      expect(await account.get('/IncomingPhoneNumbers.json', 'f'.repeat(32))).toMatchObject({
        status: 401,
        body: {
          code: 20003,
          status: 401,
          message: expect.any(String),
          more_info: 'https://www.twilio.com/docs/errors/20003',
        },
      });
    });

    // https://www.twilio.com/docs/api/errors/20404
    it('that a number of another account, or of none, is not found', async () => {
      expect(await account.twilio.readNumber(sid('PN'))).toBeUndefined();
      const path = `/IncomingPhoneNumbers/${sid('PN')}.json`;
      expect(await account.get(path)).toEqual({
        status: 404,
        body: {
          code: 20404,
          status: 404,
          message: `The requested resource /2010-04-01/Accounts/${account.account_sid}${path} was not found`,
          more_info: 'https://www.twilio.com/docs/errors/20404',
        },
      });
    });

    it('of nothing below a trunk or list that does not exist', async () => {
      expect(await account.twilio.findOriginationUrls(sid('TK'), 'a name')).toEqual([]);
      expect(await account.twilio.findPermissions(sid('TK'), sid('CL'))).toEqual([]);
      expect(await account.twilio.findCredentials(sid('CL'), 'nobody')).toEqual([]);
    });

    it('of no trunk or list with an unused name', async () => {
      expect(await account.twilio.findTrunks(NOBODYS)).toEqual([]);
      expect(await account.twilio.findCredentialLists(NOBODYS)).toEqual([]);
    });

    it('of no number that it does not own', async () => {
      expect(await account.twilio.findNumber('+15550009999')).toBeUndefined();
    });

    it('of a number that it owns, the same by its digits and by its SID', async (context) => {
      const owned = await account.owned();
      if (owned === undefined) return context.skip('the account owns no number');
      const found = await account.twilio.findNumber(owned.phone_number);
      expect(found).toMatchObject({ number_sid: owned.number_sid, has_voice: expect.any(Boolean) });
      expect(await account.twilio.readNumber(owned.number_sid)).toEqual(found);
    });

    // https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource#read-multiple-incomingphonenumber-resources
    it('of a number by part of its digits, and with a star for any digit', async (context) => {
      const owned = await account.owned();
      if (owned === undefined) return context.skip('the account owns no number');
      const digits = owned.phone_number.slice(1);
      for (const pattern of [digits.slice(0, -1), digits.slice(1), digits.replace(/.$/, '*')]) {
        const { body } = await account.get(`/IncomingPhoneNumbers.json?PhoneNumber=${encodeURIComponent(pattern)}`);
        expect(body.incoming_phone_numbers.map(({ sid }: any) => sid)).toContain(owned.number_sid);
      }
    });

    // https://www.twilio.com/docs/usage/twilios-response#pagination
    it('the pages of a list, each naming the next', async () => {
      const { body } = await account.get('/IncomingPhoneNumbers.json?PageSize=1');
      expect(body).toMatchObject({ page: 0, page_size: 1, incoming_phone_numbers: expect.any(Array) });
      expect(body).toHaveProperty('next_page_uri');
      if (body.next_page_uri !== null) expect(body.next_page_uri).toMatch(/^\/2010-04-01\/Accounts\/AC\w+\/Incoming/);
    });
  });
});
