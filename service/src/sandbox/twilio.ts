import { randomBytes } from 'node:crypto';
import express, { type Request, type Router } from 'express';
import type { Clock } from '../clock.ts';
import type { Faults } from './faults.ts';
import type { Shelf } from './shelf.ts';
import { type Reply, serve } from './stand-in.ts';
import {
  listPage,
  account as readAccount,
  type TwilioAccountState,
  TwilioRefusal,
  versionPage,
} from './twilio-wire.ts';

export interface TwilioStandInOptions {
  shelf: Shelf;
  faults: Faults;
  clock: Clock;
}

/** A thing that Twilio keeps, as it is answered. */
interface Thing {
  sid: string;
  account_sid: string;
  [field: string]: unknown;
}

// https://www.twilio.com/docs/sip-trunking/scale-and-limits and …/docs/voice/sip/api/sip-credentiallist-resource
const MOST_TRUNKS = 100;
const MOST_CREDENTIAL_LISTS = 100;
const RESERVED_MS = 30 * 24 * 3600 * 1000;

/**
 * Twilio's REST API, as far as it makes numbers ring at a trunk: numbers, trunks, origination URLs, credential lists.
 * It keeps Twilio's rules, and answers refusals with Twilio's codes. It takes no calls.
 */
export const createTwilioStandIn = ({ shelf, faults, clock }: TwilioStandInOptions): Router => {
  const router = express.Router();
  router.use(express.urlencoded({ extended: false }));

  type Act = (account: TwilioAccountState, req: Request, params: Record<string, string>) => Promise<Reply>;
  const route = (call: string, method: 'get' | 'post' | 'delete', path: string, act: Act): void => {
    const answer = async (req: Request): Promise<Reply> => {
      try {
        const params = req.params as Record<string, string>;
        const account = await readAccount(req.headers.authorization, params.account, shelf);
        return await act(account, req, params);
      } catch (error) {
        if (error instanceof TwilioRefusal) return error.reply;
        throw error;
      }
    };
    router[method](path, serve(`twilio.${call}`, answer, { faults, clock }));
  };

  const mine = async (kind: string, account: TwilioAccountState) =>
    (await shelf.list<Thing>(kind)).filter(({ account_sid }) => account_sid === account.sid);
  const find = async (
    kind: string,
    account: TwilioAccountState,
    sid: string | undefined,
    req: Request,
  ): Promise<Thing> => {
    const thing = await shelf.get<Thing>(kind, sid ?? '');
    if (thing?.account_sid !== account.sid) throw TwilioRefusal.notFound(req.path);
    return thing;
  };
  const keep = async (kind: string, prefix: string, account: TwilioAccountState, fields: object): Promise<Reply> => {
    const now = new Date(clock.now()).toISOString();
    const thing = { sid: drawSid(prefix), account_sid: account.sid, ...fields, date_created: now, date_updated: now };
    await shelf.put(kind, thing.sid, thing);
    return { status: 201, body: thing };
  };
  const drop = async (kind: string, thing: Thing): Promise<Reply> => {
    await shelf.remove(kind, thing.sid);
    return { status: 204 };
  };

  const numbers = '/2010-04-01/Accounts/:account/IncomingPhoneNumbers';
  route('listNumbers', 'get', `${numbers}.json`, async (account, req) => {
    const wanted = String(req.query.PhoneNumber ?? '');
    // Parts of numbers match, and `*` stands for any digit.
    // https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource#read-multiple-incomingphonenumber-resources
    const pattern = new RegExp(wanted.split('*').map(escapePattern).join('[0-9]'));
    const matching = (await mine('twilio.number', account)).filter(({ phone_number }) =>
      pattern.test(String(phone_number)),
    );
    return listPage('incoming_phone_numbers', matching, req);
  });
  route('fetchNumber', 'get', `${numbers}/:sid.json`, async (account, req, { sid }) => ({
    status: 200,
    body: await find('twilio.number', account, sid, req),
  }));
  route('updateNumber', 'post', `${numbers}/:sid.json`, async (account, req, { sid }) => {
    const number = await find('twilio.number', account, sid, req);
    const { TrunkSid, VoiceApplicationSid, VoiceUrl, VoiceMethod, VoiceFallbackUrl, VoiceFallbackMethod } =
      req.body ?? {};
    if (TrunkSid) await find('twilio.trunk', account, TrunkSid, req);
    const updated = {
      ...number,
      ...(VoiceUrl !== undefined && { voice_url: VoiceUrl }),
      ...(VoiceMethod !== undefined && { voice_method: VoiceMethod }),
      ...(VoiceFallbackUrl !== undefined && { voice_fallback_url: VoiceFallbackUrl }),
      ...(VoiceFallbackMethod !== undefined && { voice_fallback_method: VoiceFallbackMethod }),
      // "Setting a trunk_sid will automatically delete your voice_application_sid and vice versa."
      ...(TrunkSid !== undefined && { trunk_sid: TrunkSid || null, ...(TrunkSid && { voice_application_sid: '' }) }),
      ...(VoiceApplicationSid !== undefined && {
        voice_application_sid: VoiceApplicationSid,
        ...(VoiceApplicationSid && { trunk_sid: null }),
      }),
      date_updated: new Date(clock.now()).toISOString(),
    };
    await shelf.put('twilio.number', number.sid, updated);
    return { status: 200, body: updated };
  });

  route('listTrunks', 'get', '/v1/Trunks', async (account, req) =>
    versionPage('trunks', await mine('twilio.trunk', account), req),
  );
  route('createTrunk', 'post', '/v1/Trunks', async (account, req) => {
    const { FriendlyName = '', DomainName, Secure = 'false', TransferMode = 'disable-all' } = req.body ?? {};
    if (FriendlyName.length > 64) throw TwilioRefusal.invalid('FriendlyName is too long');
    if (DomainName !== undefined && !/^[A-Za-z0-9-]+\.pstn\.twilio\.com$/.test(DomainName)) {
      throw TwilioRefusal.invalid('Domain names can contain letters, digits, and - and must end with pstn.twilio.com');
    }
    if ((await mine('twilio.trunk', account)).length >= MOST_TRUNKS)
      throw TwilioRefusal.invalid('The account has its 100 trunks');
    if (DomainName !== undefined && (await isTaken(DomainName))) throw TwilioRefusal.domainTaken();
    return keep('twilio.trunk', 'TK', account, {
      friendly_name: FriendlyName,
      domain_name: DomainName ?? null,
      secure: Secure === 'true',
      transfer_mode: TransferMode,
    });
  });
  const isTaken = async (domain: string): Promise<boolean> => {
    const trunks = await shelf.list<Thing>('twilio.trunk');
    if (trunks.some(({ domain_name }) => domain_name === domain)) return true;
    const reserved = await shelf.get<{ until: number }>('twilio.reserved_domain', domain);
    return reserved !== undefined && reserved.until > clock.now();
  };
  route('fetchTrunk', 'get', '/v1/Trunks/:trunk', async (account, req, { trunk }) => ({
    status: 200,
    body: await find('twilio.trunk', account, trunk, req),
  }));
  route('deleteTrunk', 'delete', '/v1/Trunks/:trunk', async (account, req, { trunk }) => {
    const found = await find('twilio.trunk', account, trunk, req);
    if (found.domain_name)
      await shelf.put('twilio.reserved_domain', String(found.domain_name), { until: clock.now() + RESERVED_MS });
    return drop('twilio.trunk', found);
  });

  const inTrunk = async (
    kind: string,
    account: TwilioAccountState,
    req: Request,
    { trunk }: Record<string, string>,
  ) => {
    const { sid } = await find('twilio.trunk', account, trunk, req);
    return (await mine(kind, account)).filter(({ trunk_sid }) => trunk_sid === sid);
  };
  route('listOriginationUrls', 'get', '/v1/Trunks/:trunk/OriginationUrls', async (account, req, params) =>
    versionPage('origination_urls', await inTrunk('twilio.origination_url', account, req, params), req),
  );
  route('createOriginationUrl', 'post', '/v1/Trunks/:trunk/OriginationUrls', async (account, req, { trunk }) => {
    const { sid: trunk_sid } = await find('twilio.trunk', account, trunk, req);
    const { Weight, Priority, Enabled, FriendlyName, SipUrl } = req.body ?? {};
    const missing = Object.entries({ Weight, Priority, Enabled, FriendlyName, SipUrl }).find(
      ([, value]) => value === undefined,
    );
    if (missing) throw TwilioRefusal.invalid(`Missing required parameter ${missing[0]} in the post body`);
    if (!/^sip:/.test(SipUrl)) throw TwilioRefusal.invalid('SipUrl must be a SIP URI with the scheme sip');
    return keep('twilio.origination_url', 'OU', account, {
      trunk_sid,
      weight: Number(Weight),
      priority: Number(Priority),
      enabled: Enabled === 'true',
      friendly_name: FriendlyName,
      sip_url: SipUrl,
    });
  });
  route('deleteOriginationUrl', 'delete', '/v1/Trunks/:trunk/OriginationUrls/:sid', async (account, req, { sid }) =>
    drop('twilio.origination_url', await find('twilio.origination_url', account, sid, req)),
  );

  route('listPermissions', 'get', '/v1/Trunks/:trunk/CredentialLists', async (account, req, params) => {
    const permitted = await inTrunk('twilio.permission', account, req, params);
    return versionPage(
      'credential_lists',
      permitted.map((permission) => ({ ...permission, sid: permission.credential_list_sid })),
      req,
    );
  });
  route('createPermission', 'post', '/v1/Trunks/:trunk/CredentialLists', async (account, req, { trunk }) => {
    const { sid: trunk_sid } = await find('twilio.trunk', account, trunk, req);
    const list = await find('twilio.credential_list', account, req.body?.CredentialListSid, req);
    const permission = {
      sid: `${trunk_sid}-${list.sid}`,
      account_sid: account.sid,
      trunk_sid,
      credential_list_sid: list.sid,
      friendly_name: list.friendly_name,
    };
    await shelf.put('twilio.permission', permission.sid, permission);
    return { status: 201, body: { ...permission, sid: list.sid } };
  });
  route(
    'deletePermission',
    'delete',
    '/v1/Trunks/:trunk/CredentialLists/:list',
    async (account, req, { trunk, list }) =>
      drop('twilio.permission', await find('twilio.permission', account, `${trunk}-${list}`, req)),
  );

  const lists = '/2010-04-01/Accounts/:account/SIP/CredentialLists';
  route('listCredentialLists', 'get', `${lists}.json`, async (account, req) =>
    listPage('credential_lists', await mine('twilio.credential_list', account), req),
  );
  route('createCredentialList', 'post', `${lists}.json`, async (account, req) => {
    const { FriendlyName } = req.body ?? {};
    if (!FriendlyName) throw TwilioRefusal.invalid('Missing required parameter FriendlyName in the post body');
    if ((await mine('twilio.credential_list', account)).length >= MOST_CREDENTIAL_LISTS)
      throw TwilioRefusal.invalid('The account has its 100 credential lists');
    return keep('twilio.credential_list', 'CL', account, { friendly_name: FriendlyName });
  });
  route('deleteCredentialList', 'delete', `${lists}/:list.json`, async (account, req, { list }) => {
    const found = await find('twilio.credential_list', account, list, req);
    for (const credential of await mine('twilio.credential', account)) {
      if (credential.credential_list_sid === found.sid) await shelf.remove('twilio.credential', credential.sid);
    }
    return drop('twilio.credential_list', found);
  });
  route('listCredentials', 'get', `${lists}/:list/Credentials.json`, async (account, req, { list }) => {
    const { sid } = await find('twilio.credential_list', account, list, req);
    const credentials = (await mine('twilio.credential', account)).filter(
      ({ credential_list_sid }) => credential_list_sid === sid,
    );
    return listPage('credentials', credentials.map(withoutPassword), req);
  });
  route('createCredential', 'post', `${lists}/:list/Credentials.json`, async (account, req, { list }) => {
    const { sid: credential_list_sid } = await find('twilio.credential_list', account, list, req);
    const { Username = '', Password = '' } = req.body ?? {};
    if (Username.length < 1 || Username.length > 32)
      throw TwilioRefusal.invalid('Username must have 1 to 32 characters');
    if (Password.length < 12 || !/[0-9]/.test(Password) || !/[a-z]/.test(Password) || !/[A-Z]/.test(Password)) {
      throw TwilioRefusal.invalid('Password must have 12 characters or more, a digit, and small and capital letters');
    }
    const others = (await mine('twilio.credential', account)).filter(
      (credential) => credential.credential_list_sid === credential_list_sid,
    );
    if (others.some(({ username }) => username === Username))
      throw TwilioRefusal.invalid('Username is taken in this list');
    const { status, body } = await keep('twilio.credential', 'CR', account, {
      credential_list_sid,
      username: Username,
      password: Password,
    });
    return { status, body: withoutPassword(body as Thing) };
  });
  route('deleteCredential', 'delete', `${lists}/:list/Credentials/:sid.json`, async (account, req, { sid }) =>
    drop('twilio.credential', await find('twilio.credential', account, sid, req)),
  );

  router.all(['/2010-04-01/{*path}', '/v1/{*path}'], (req, res) => {
    const { status, body } = TwilioRefusal.notFound(req.path).reply;
    res.status(status).setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
  });

  return router;
};

const withoutPassword = ({ password, ...credential }: Thing) => credential;
const escapePattern = (text: string): string => text.replace(/[\\^$.|?+()[\]{}]/g, '\\$&');
export const drawSid = (prefix: string): string => prefix + randomBytes(16).toString('hex');
