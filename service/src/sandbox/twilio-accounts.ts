import type { Shelf } from './shelf.ts';
import type { Serve } from './twilio-things.ts';
import { type Region, rfc2822, TwilioRefusal } from './twilio-wire.ts';

/** An account and its credentials. */
export interface TwilioAccountState {
  sid: string;
  /** For US1. */
  auth_token: string;
  /** For the other Regions that it uses: each has its own token. */
  regional_tokens?: Partial<Record<Region, string>>;
  /** Suspended and closed accounts are refused like wrong credentials. https://www.twilio.com/docs/api/errors/20003 */
  status: 'active' | 'suspended' | 'closed';
  api_keys: TwilioKeyState[];
  /** For a subaccount: the account that it belongs to. */
  owner_account_sid?: string;
  type?: 'Trial' | 'Full';
}

/** https://www.twilio.com/docs/iam/api-keys: a main key may do everything, a standard key all but read accounts. */
export interface TwilioKeyState {
  sid: string;
  secret: string;
  kind?: 'main' | 'standard' | 'restricted';
  /** The calls that a restricted key may make, by the stand-in's names for them. */
  allow?: string[];
  region?: Region;
}

interface Credentials {
  authorization: string | undefined;
  region: Region;
  /** The account in the path, if any. */
  named: string | undefined;
  call: string;
}

/**
 * The account that a call acts on: the one of the token or key, or a subaccount that the path names. Paths that name
 * none, such as all of trunking, act on the former.
 */
export const authenticate = async (
  { authorization, region, named, call }: Credentials,
  shelf: Shelf,
): Promise<TwilioAccountState> => {
  const [username = '', password = ''] = Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64')
    .toString()
    .split(':');
  const accounts = await shelf.list<TwilioAccountState>('twilio.account');
  const opens = (key: TwilioKeyState) =>
    key.sid === username && key.secret === password && (key.region ?? 'us1') === region;
  const opened = accounts.find((account) => keysOf(account).some(opens));
  const key = opened && keysOf(opened).find(opens);
  const account = named === undefined ? opened : accounts.find(({ sid }) => sid === named);
  if (opened === undefined || key === undefined || opened.status !== 'active' || account?.status !== 'active')
    throw TwilioRefusal.unauthenticated();
  if (account.sid !== opened.sid && account.owner_account_sid !== opened.sid) throw TwilioRefusal.unauthenticated();
  if (key.kind === 'restricted' && !key.allow?.includes(call)) throw TwilioRefusal.notPermitted();
  if (key.kind !== 'main' && call === 'fetchAccount') throw TwilioRefusal.unauthenticated();
  return account;
};

/** A token has the rights of a main key. */
const keysOf = ({ sid, auth_token, regional_tokens = {}, api_keys }: TwilioAccountState): TwilioKeyState[] => [
  { sid, secret: auth_token, kind: 'main' },
  ...Object.entries(regional_tokens).map(
    ([region, secret]): TwilioKeyState => ({ sid, secret, kind: 'main', region: region as Region }),
  ),
  ...api_keys,
];

export const ACCOUNT = '/2010-04-01/Accounts/:account';

/** https://www.twilio.com/docs/iam/api/account */
export const serveAccounts: Serve = (route) => {
  route('fetchAccount', 'get', `${ACCOUNT}.json`, async ({ account }) => ({ status: 200, body: describe(account) }));
};

const describe = ({ sid, auth_token, status, owner_account_sid = sid, type = 'Full' }: TwilioAccountState) => {
  const uri = `/2010-04-01/Accounts/${sid}`;
  return {
    sid,
    auth_token,
    status,
    type,
    owner_account_sid,
    friendly_name: 'Sandbox account',
    date_created: rfc2822(ACCOUNTS_CREATED_AT),
    date_updated: rfc2822(ACCOUNTS_CREATED_AT),
    uri: `${uri}.json`,
    subresource_uris: {
      incoming_phone_numbers: `${uri}/IncomingPhoneNumbers.json`,
      outgoing_caller_ids: `${uri}/OutgoingCallerIds.json`,
      sip: `${uri}/SIP.json`,
    },
  };
};

const ACCOUNTS_CREATED_AT = '2024-01-15T10:30:00.000Z';
