import { ACCOUNT } from './twilio-accounts.ts';
import type { Serve, Thing } from './twilio-things.ts';
import { listPage, rfc2822, TwilioRefusal } from './twilio-wire.ts';

/**
 * Numbers of other carriers that the account has verified, and may show when it calls. IE1 has none.
 * https://www.twilio.com/docs/voice/api/outgoing-caller-ids
 */
export const serveCallerIds: Serve = (route) => {
  route('listCallerIds', 'get', `${ACCOUNT}/OutgoingCallerIds.json`, async ({ things, region, req }) => {
    if (region === 'ie1') throw TwilioRefusal.notFound(req.path);
    const { PhoneNumber } = req.query;
    const where = PhoneNumber === undefined ? {} : { phone_number: PhoneNumber };
    return listPage('outgoing_caller_ids', (await things.list('caller_id', where)).map(describe), req);
  });
};

const describe = (caller_id: Thing) => ({
  ...caller_id,
  date_created: rfc2822(caller_id.date_created),
  date_updated: rfc2822(caller_id.date_updated),
  uri: `/2010-04-01/Accounts/${caller_id.account_sid}/OutgoingCallerIds/${caller_id.sid}.json`,
});
