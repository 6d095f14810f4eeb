import { ACCOUNT } from './twilio-accounts.ts';
import type { Serve, Thing } from './twilio-things.ts';
import { listPage, rfc2822, TwilioRefusal } from './twilio-wire.ts';

// https://www.twilio.com/docs/voice/sip/api/sip-credentiallist-resource
const MOST_LISTS = 100;
const LISTS = `${ACCOUNT}/SIP/CredentialLists`;

export const serveCredentialLists: Serve = (route) => {
  route('listCredentialLists', 'get', `${LISTS}.json`, async ({ things, req }) =>
    listPage('credential_lists', (await things.list('credential_list')).map(describeList), req),
  );
  route('createCredentialList', 'post', `${LISTS}.json`, async ({ things, form: { FriendlyName } }) => {
    if (!FriendlyName) throw TwilioRefusal.invalid('Missing required parameter FriendlyName in the post body');
    if ((await things.list('credential_list')).length >= MOST_LISTS)
      throw TwilioRefusal.invalid('The account has its 100 credential lists');
    return {
      status: 201,
      body: describeList(await things.make('credential_list', 'CL', { friendly_name: FriendlyName })),
    };
  });
  route('deleteCredentialList', 'delete', `${LISTS}/:list.json`, async ({ things, params }) => {
    const list = await things.find('credential_list', params.list);
    for (const credential of await things.list('credential', { credential_list_sid: list.sid })) {
      await things.drop('credential', credential);
    }
    return things.drop('credential_list', list);
  });

  route('listCredentials', 'get', `${LISTS}/:list/Credentials.json`, async ({ things, params, req }) => {
    const { sid: credential_list_sid } = await things.find('credential_list', params.list);
    const credentials = await things.list('credential', { credential_list_sid });
    return listPage('credentials', credentials.map(describeCredential), req);
  });
  route('createCredential', 'post', `${LISTS}/:list/Credentials.json`, async ({ things, params, form }) => {
    const { sid: credential_list_sid } = await things.find('credential_list', params.list);
    const { Username: username = '', Password: password = '' } = form;
    if (username.length < 1 || username.length > 32)
      throw TwilioRefusal.invalid('Username must have 1 to 32 characters');
    if (password.length < 12 || !/[0-9]/.test(password) || !/[a-z]/.test(password) || !/[A-Z]/.test(password)) {
      throw TwilioRefusal.invalid('Password must have 12 characters or more, a digit, and small and capital letters');
    }
    if ((await things.list('credential', { credential_list_sid, username })).length > 0)
      throw TwilioRefusal.invalid('Username is taken in this list');
    const credential = await things.make('credential', 'CR', { credential_list_sid, username, password });
    return { status: 201, body: describeCredential(credential) };
  });
  route('deleteCredential', 'delete', `${LISTS}/:list/Credentials/:sid.json`, async ({ things, params }) =>
    things.drop('credential', await things.find('credential', params.sid)),
  );
};

const inVersion2010 = (thing: Thing, path: string) => ({
  ...thing,
  date_created: rfc2822(thing.date_created),
  date_updated: rfc2822(thing.date_updated),
  uri: `/2010-04-01/Accounts/${thing.account_sid}/SIP/CredentialLists/${path}.json`,
});

const describeList = (list: Thing) => {
  const { uri, ...described } = inVersion2010(list, list.sid);
  return { ...described, uri, subresource_uris: { credentials: uri.replace(/\.json$/, '/Credentials.json') } };
};

const describeCredential = ({ password, ...credential }: Thing) =>
  inVersion2010(credential as Thing, `${credential.credential_list_sid}/Credentials/${credential.sid}`);
