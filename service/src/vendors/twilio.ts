import {
  type FormerRouting,
  Problem,
  type ProblemMembers,
  type ProviderAnswer,
  type TwilioCredentials,
} from '@trunkline/contracts';
import twilio from 'twilio';
import { z } from 'zod';
import type { ListedNumber, RegionTable } from '../integrations/available-numbers.ts';
import type { TrunkAccount, TrunkSettings } from '../integrations/carrier-trunk.ts';
import type { ProvableAccount } from '../integrations/prove.ts';
import type { ReachedAccount } from '../integrations/reach.ts';
import type { Condition } from '../phone-numbers/conditions.ts';
import type { Carrier, OwnedNumber, RoutingTable } from '../phone-numbers/providers.ts';
import { Conflict, type Content, ProviderProblem, type Seen } from '../provisioning/index.ts';
import { secretsOfUrl } from '../telemetry/mask-url.ts';
import { type AnsweredCall, afterUndoing, requireAsAsked } from './as-asked.ts';
import {
  afterwards,
  inQuotes,
  quote,
  quoteText,
  translateSilence,
  translateStatus,
  type VendorCall,
} from './failure.ts';
import type { MeasureCall } from './measure-call.ts';
import { itemsOf, PAGE_SIZE, type Page } from './pages.ts';
import type { TwilioSaid } from './twilio-answer.ts';
import { type Exchange, TwilioHttp } from './twilio-http.ts';
import {
  acts,
  advice,
  DOMAIN_NAME_TAKEN,
  reasonOf,
  staysOf,
  type TwilioCall,
  UPDATED_BY_ANOTHER,
} from './twilio-refusals.ts';

export interface TwilioOptions {
  /** A base URL that replaces all of Twilio's hosts, for a proxy or a stand-in. */
  url: string | undefined;
  timeout_ms: number;
  measureCall: MeasureCall;
}

/** A Twilio account: its numbers, and the parts of its trunks. */
export interface TwilioAccount
  extends Carrier,
    TrunkAccount,
    ReachedAccount,
    RoutingTable,
    RegionTable,
    ProvableAccount {}

/** The edges, for the SDK's host names. https://www.twilio.com/docs/global-infrastructure/edge-locations */
const edges = { us1: 'ashburn', ie1: 'dublin', au1: 'sydney' } as const;

/** Connects accounts. All share one HTTP client, which opens its first connection at the first call. */
export const createTwilio = ({ url, timeout_ms, measureCall }: TwilioOptions) => {
  const httpClient = new TwilioHttp(url);
  return (credentials: TwilioCredentials, areInForce = async () => true): TwilioAccount =>
    connect(credentials, { httpClient, timeout_ms, measureCall, areInForce });
};

interface Connection extends Pick<TwilioOptions, 'timeout_ms' | 'measureCall'> {
  httpClient: TwilioHttp;
  /** Whether the credentials are still the current ones. Checked before each request. */
  areInForce(): Promise<boolean>;
}

const connect = (credentials: TwilioCredentials, connection: Connection): TwilioAccount => {
  const { httpClient } = connection;
  const client = clientOf(credentials, httpClient);
  const { trunks } = client.trunking.v1;
  const { credentialLists } = client.sip;

  const call = callerOf(credentials, connection);
  const { account_sid } = credentials;
  /** If the path names no account, as in all of trunking, a key acts on the account that it belongs to. */
  const isOurs = ({ accountSid }: InAccount) => !accountSid || accountSid === account_sid;
  const ofAnother = ({ accountSid }: InAccount) =>
    new ProviderProblem(
      'provider_refused',
      `The credentials belong to the Twilio account ${accountSid}, and act there instead of in ${account_sid}. Integrate ${account_sid} with a key or token of its own.`,
      {},
    );
  /** Makes something, and removes it again if it is not as asked. */
  const makeAsAsked = <T extends InAccount & { sid: string }>(
    name: TwilioCall,
    run: () => Promise<T>,
    { compare, undo }: { compare(made: T): Compared | Promise<Compared>; undo(sid: string): Promise<unknown> },
    ...secrets: string[]
  ) =>
    call(
      name,
      async (problemOf) => {
        const made = await run();
        const sid = Sid.parse(made.sid);
        if (!isOurs(made)) throw await afterUndoing(() => undo(sid), ofAnother(made));
        const compared = await Promise.try(compare, made).catch(async (error: unknown) => {
          throw await afterUndoing(() => undo(sid), problemOf(error));
        });
        await requireAsAsked({
          ...{ vendor: 'Twilio', act: acts[name], stays: staysOf(name) },
          ...compared,
          undo: () => undo(sid),
        });
        return sid;
      },
      ...secrets,
    );
  /** Empty if the trunk accepts no calls from LiveKit. */
  const authOf = async (trunk_sid: string): Promise<string[]> =>
    text
      .parse((await trunks(trunk_sid).fetch()).authType)
      ?.split(',')
      .map((type) => type.trim()) ?? [];
  /** Twilio may accept an update without carrying it out. */
  const route = async (name: TwilioCall, number_sid: string, routing: Partial<FormerRouting>): Promise<void> => {
    const update = client.incomingPhoneNumbers(number_sid).update(writeRouting(routing));
    const is = { ...readNumber(await update).routing };
    await requireAsAsked({ vendor: 'Twilio', act: acts[name], asked: askedOf(routing), is });
  };
  const see = <T extends InAccount & { sid: string }>(
    name: TwilioCall,
    list: () => Promise<Page<T>>,
    isIt: (item: T) => boolean,
    contentOf: (item: T) => Content,
  ): Promise<Seen[]> =>
    call(name, async () => {
      const seen: Seen[] = [];
      for await (const item of itemsOf(list))
        if (isIt(item) && isOurs(item)) seen.push({ resource_id: Sid.parse(item.sid), content: contentOf(item) });
      return seen;
    });
  /** For a list within a parent: empty if the parent does not exist. */
  const orNothing = (seeing: Promise<Seen[]>): Promise<Seen[]> =>
    seeing.catch((error: unknown) => {
      if (error instanceof ProviderProblem && error.members.provider?.status === 404) return [];
      throw error;
    });
  const find = async <T extends InAccount & { sid: string }>(
    name: TwilioCall,
    list: () => Promise<Page<T>>,
    isIt: (item: T) => boolean,
  ) => (await see(name, list, isIt, () => ({}))).map(({ resource_id }) => resource_id);
  const findWithin = async <T extends { sid: string }>(
    name: TwilioCall,
    list: () => Promise<Page<T>>,
    isIt: (item: T) => boolean,
  ) => (await orNothing(see(name, list, isIt, () => ({})))).map(({ resource_id }) => resource_id);
  /** Undefined if Twilio answers 404. */
  const unlessGone = <T>(name: TwilioCall, run: () => Promise<T>, ...secrets: string[]): Promise<T | undefined> =>
    call(
      name,
      () =>
        run().catch((error: unknown) => {
          if (httpClient.lastStatus() !== 404) throw error;
          return undefined;
        }),
      ...secrets,
    );
  /** False if there is nothing to change. */
  const change = async <T>(
    name: TwilioCall,
    run: () => Promise<T>,
    { asked, read }: Pick<AnsweredCall, 'asked'> & { read(changed: T): AnsweredCall['is'] },
  ): Promise<boolean> => {
    const is = await unlessGone(name, async () => read(await run()));
    if (is === undefined) return false;
    await requireAsAsked({ vendor: 'Twilio', act: acts[name], asked, is });
    return true;
  };
  const remove = async (name: TwilioCall, run: () => Promise<boolean>) => void (await unlessGone(name, run));

  return {
    // Standard API keys may not read the account itself. Listing numbers proves what is needed here.
    proveCredentials: () =>
      call('proveCredentials', async () => void (await client.incomingPhoneNumbers.page({ pageSize: 1 }))),

    seeTrunks: () =>
      call('seeTrunks', async () => {
        const { instances } = await trunks.page({ pageSize: 1 });
        for (const trunk of instances) if (!isOurs(trunk)) throw ofAnother(trunk);
      }),
    seeCredentialLists: () =>
      call('seeCredentialLists', async () => void (await credentialLists.page({ pageSize: 1 }))),

    // Standard API keys may not read the account, and restricted ones may get another error code.
    // https://www.twilio.com/docs/iam/api-keys
    isTrial: () =>
      call('isTrial', async () => {
        try {
          const { type } = await client.api.v2010.accounts(credentials.account_sid).fetch();
          return z.string().parse(type) === 'Trial';
        } catch (error) {
          if (![401, 403].includes(httpClient.lastStatus() ?? 0)) throw error;
          return undefined;
        }
      }),

    findNumber: (phone_number) =>
      call('findNumber', async () => {
        // The filter matches parts of numbers, so the answer may contain others.
        const numbers = itemsOf(() =>
          client.incomingPhoneNumbers.page({ phoneNumber: phone_number, pageSize: PAGE_SIZE }),
        );
        for await (const number of numbers)
          if (number.phoneNumber === phone_number && isOurs(number)) return readNumber(number);
        return undefined;
      }),

    listNumbers: ({ page_size, after }) =>
      call('listNumbers', async () => {
        const place = after && { pageNumber: after.page, pageToken: after.page_token };
        const { instances, nextPageUrl } = await client.incomingPhoneNumbers.page({ pageSize: page_size, ...place });
        const next = nextPageUrl ? Place.parse(Object.fromEntries(new URL(nextPageUrl).searchParams)) : null;
        return { numbers: instances.map(readListed), next };
      }),

    findCallerId: (phone_number) =>
      unlessGone('findCallerId', async () => {
        const caller_ids = itemsOf(() =>
          client.outgoingCallerIds.page({ phoneNumber: phone_number, pageSize: PAGE_SIZE }),
        );
        for await (const caller_id of caller_ids)
          if (caller_id.phoneNumber === phone_number && isOurs(caller_id)) return Sid.parse(caller_id.sid);
        return undefined;
      }),

    listCallerIds: async () => {
      const phone_numbers = new Set<string>();
      await unlessGone('listCallerIds', async () => {
        for await (const caller_id of itemsOf(() => client.outgoingCallerIds.page({ pageSize: PAGE_SIZE })))
          if (isOurs(caller_id)) phone_numbers.add(caller_id.phoneNumber);
      });
      return phone_numbers;
    },

    readNumber: (number_sid) =>
      unlessGone('readNumber', async () => readNumber(await client.incomingPhoneNumbers(number_sid).fetch())),

    routeToTrunk: (number_sid, trunk_sid) =>
      call('routeToTrunk', () => route('routeToTrunk', number_sid, { trunk_sid })),

    giveBack: async (number_sid, former_routing) => {
      const restore = async () => {
        await route('giveBack', number_sid, former_routing);
        return true;
      };
      // Twilio may quote parts of these URLs.
      const secrets = [former_routing.voice_url, former_routing.voice_fallback_url].flatMap(secretsOfUrl);
      return (await unlessGone('giveBack', restore, ...secrets)) !== undefined;
    },

    detach: async (number_sid) => {
      await unlessGone('detach', () => route('detach', number_sid, { trunk_sid: null }));
    },

    ...tableOf(routingCredentialsOf(credentials), connection),

    createTrunk: ({ name, domain_name, ...settings }) =>
      makeAsAsked(
        'createTrunk',
        () => trunks.create({ friendlyName: name, domainName: domain_name, ...writeSettings(settings) }),
        {
          compare: (made) => ({
            asked: { domain_name: domain_name.toLowerCase(), ...settings },
            is: { domain_name: made.domainName?.toLowerCase(), ...readSettings(made) },
          }),
          undo: (sid) => trunks(sid).remove(),
        },
      ),
    findTrunks: (name) =>
      see(
        'findTrunks',
        () => trunks.page({ pageSize: PAGE_SIZE }),
        ({ friendlyName }) => friendlyName === name,
        readSettings,
      ),
    changeTrunk: (trunk_sid, settings) =>
      change('changeTrunk', () => trunks(trunk_sid).update(writeSettings(settings)), {
        asked: { ...settings },
        read: (changed) => ({ ...readSettings(changed), secure: z.boolean().parse(changed.secure) }),
      }),
    isTrunkThere: async (trunk_sid) => {
      const read = async () => z.literal(trunk_sid).parse((await trunks(trunk_sid).fetch()).sid);
      return (await unlessGone('isTrunkThere', read)) !== undefined;
    },
    removeTrunk: (trunk_sid) => remove('removeTrunk', () => trunks(trunk_sid).remove()),

    createOriginationUrl: (trunk_sid, { name, sip_url }) =>
      makeAsAsked(
        'createOriginationUrl',
        () =>
          trunks(trunk_sid).originationUrls.create({
            friendlyName: name,
            sipUrl: sip_url,
            enabled: true,
            weight: 1,
            priority: 1,
          }),
        {
          compare: ({ enabled, sipUrl }) => ({ asked: { enabled: true, sip_url }, is: { enabled, sip_url: sipUrl } }),
          undo: (sid) => trunks(trunk_sid).originationUrls(sid).remove(),
        },
      ),
    findOriginationUrls: (trunk_sid, name) =>
      orNothing(
        see(
          'findOriginationUrls',
          () => trunks(trunk_sid).originationUrls.page({ pageSize: PAGE_SIZE }),
          ({ friendlyName }) => friendlyName === name,
          ({ sipUrl }) => ({ sip_url: sipUrl }),
        ),
      ),
    pointOriginationUrl: (trunk_sid, origination_url_sid, sip_url) =>
      change(
        'pointOriginationUrl',
        () => trunks(trunk_sid).originationUrls(origination_url_sid).update({ sipUrl: sip_url }),
        { asked: { sip_url }, read: (changed) => ({ sip_url: z.string().parse(changed.sipUrl) }) },
      ),
    removeOriginationUrl: (trunk_sid, origination_url_sid) =>
      remove('removeOriginationUrl', () => trunks(trunk_sid).originationUrls(origination_url_sid).remove()),

    createCredentialList: (name) =>
      makeAsAsked('createCredentialList', () => credentialLists.create({ friendlyName: name }), {
        compare: ({ friendlyName }) => ({ asked: { name }, is: { name: friendlyName } }),
        undo: (sid) => credentialLists(sid).remove(),
      }),
    findCredentialLists: (name) =>
      find(
        'findCredentialLists',
        () => credentialLists.page({ pageSize: PAGE_SIZE }),
        ({ friendlyName }) => friendlyName === name,
      ),
    removeCredentialList: (credential_list_sid) =>
      remove('removeCredentialList', () => credentialLists(credential_list_sid).remove()),

    createCredential: (credential_list_sid, credential) =>
      makeAsAsked(
        'createCredential',
        () => credentialLists(credential_list_sid).credentials.create(credential),
        {
          compare: ({ username }) => ({ asked: { username: credential.username }, is: { username } }),
          undo: (sid) => credentialLists(credential_list_sid).credentials(sid).remove(),
        },
        credential.password,
      ),
    findCredentials: (credential_list_sid, username) =>
      findWithin(
        'findCredentials',
        () => credentialLists(credential_list_sid).credentials.page({ pageSize: PAGE_SIZE }),
        (credential) => credential.username === username,
      ),
    removeCredential: (credential_list_sid, credential_sid) =>
      remove('removeCredential', () => credentialLists(credential_list_sid).credentials(credential_sid).remove()),

    permit: (trunk_sid, credential_list_sid) =>
      makeAsAsked(
        'permit',
        () => trunks(trunk_sid).credentialsLists.create({ credentialListSid: credential_list_sid }),
        {
          // Only the trunk shows whether that took effect.
          compare: async ({ sid }) => {
            const auth_type = await authOf(trunk_sid);
            return {
              asked: { credential_list_sid, auth_type: BY_CREDENTIALS },
              is: {
                credential_list_sid: sid,
                auth_type: auth_type.includes(BY_CREDENTIALS) ? BY_CREDENTIALS : auth_type.join(','),
              },
            };
          },
          undo: (sid) => trunks(trunk_sid).credentialsLists(sid).remove(),
        },
      ),
    findPermissions: async (trunk_sid, credential_list_sid) => {
      const found = await findWithin(
        'findPermissions',
        () => trunks(trunk_sid).credentialsLists.page({ pageSize: PAGE_SIZE }),
        ({ sid }) => sid === credential_list_sid,
      );
      if (found.length === 0) return found;
      const auth_type = await call('findPermissions', () => authOf(trunk_sid));
      return auth_type.includes(BY_CREDENTIALS) ? found : [];
    },
    revoke: (trunk_sid, credential_list_sid) =>
      remove('revoke', () => trunks(trunk_sid).credentialsLists(credential_list_sid).remove()),
  };
};

/** Makes calls with these credentials. `problemOf` turns an error into a problem, using the last answer. */
const callerOf =
  (credentials: TwilioCredentials, { httpClient, timeout_ms, measureCall, areInForce }: Connection) =>
  <T>(name: TwilioCall, run: (problemOf: (error: unknown) => Error) => Promise<T>, ...secrets: string[]): Promise<T> =>
    measureCall(name, async () => {
      const before = async () => {
        if (!(await areInForce())) throw replaced(credentials);
      };
      const exchange: Exchange = { signal: AbortSignal.timeout(timeout_ms), before };
      const problemOf = (error: unknown) => {
        const called = {
          ...{ vendor: 'Twilio', act: acts[name], stays: staysOf(name) },
          secrets: [credentials.auth_token, credentials.api_key_secret, ...secrets],
        };
        return translate(called, credentials, exchange, error);
      };
      try {
        return await httpClient.within(exchange, () => run(problemOf));
      } catch (error) {
        throw problemOf(error);
      }
    });

const replaced = ({ account_sid }: TwilioCredentials): Problem =>
  new ProviderProblem(
    'provider_unavailable',
    `The credentials of the Twilio account ${account_sid} were replaced during a call. Try again.`,
    { passing: true, retry_after_seconds: 1 },
  );

const clientOf = (
  { account_sid, auth_token, api_key_sid, api_key_secret, region }: TwilioCredentials,
  httpClient: TwilioHttp,
) => {
  try {
    // Must not be undefined: the SDK would read the environment instead.
    return twilio(api_key_sid ?? account_sid, auth_token ?? api_key_secret ?? '', {
      accountSid: account_sid,
      httpClient,
      ...(region && region !== 'us1' && { region, edge: edges[region] }),
    });
  } catch (cause) {
    const detail = `The credentials of the account ${account_sid} are incomplete. Replace the credentials of its integration.`;
    throw new ProviderProblem('provider_credentials_refused', detail, { cause });
  }
};

/** The credentials for US1: as far as Twilio documents, only its hosts have the routing table. */
const routingCredentialsOf = ({ routing_credentials, ...own }: TwilioCredentials): TwilioCredentials =>
  routing_credentials
    ? { provider: own.provider, account_sid: own.account_sid, ...routing_credentials }
    : { ...own, region: 'us1' };

type TrunkRegions = Pick<TrunkAccount, 'readTrunkRegion' | 'setTrunkRegion'>;

/**
 * https://www.twilio.com/docs/global-infrastructure/inbound-processing-region-api-phone-number
 * https://www.twilio.com/docs/global-infrastructure/inbound-processing-region-api-trunk
 */
const tableOf = (credentials: TwilioCredentials, connection: Connection): RoutingTable & RegionTable & TrunkRegions => {
  const { httpClient } = connection;
  const call = callerOf(credentials, connection);
  const { phoneNumbers, trunks } = clientOf(credentials, httpClient).routes.v2;
  /** Reads the entry of a number or domain; undefined if none was set. */
  const reading =
    (name: 'readRegion' | 'seeRegion' | 'readTrunkRegion', table: Table) =>
    (of: string): ReturnType<RoutingTable['readRegion']> =>
      call(name, async () => {
        try {
          const { sid, voiceRegion } = await table(of).fetch();
          return { resource_id: Sid.parse(sid), voice_region: z.string().parse(voiceRegion) };
        } catch (error) {
          if (httpClient.lastStatus() !== 404) throw error;
          return undefined;
        }
      });
  const setting =
    (name: 'setRegion' | 'setTrunkRegion', table: Table) =>
    (of: string, voice_region: string): Promise<string> =>
      call(name, async () => {
        const { sid, voiceRegion } = await table(of).update({ voiceRegion: voice_region });
        const made = Sid.parse(sid);
        const is = { voice_region: z.string().parse(voiceRegion) };
        await requireAsAsked({ vendor: 'Twilio', act: acts[name], asked: { voice_region }, is });
        return made;
      });
  return {
    readRegion: reading('readRegion', phoneNumbers),
    seeRegion: reading('seeRegion', phoneNumbers),
    setRegion: setting('setRegion', phoneNumbers),
    readTrunkRegion: reading('readTrunkRegion', trunks),
    setTrunkRegion: setting('setTrunkRegion', trunks),
  };
};

interface Route {
  sid: string;
  voiceRegion: string;
}
type Table = (of: string) => { fetch(): Promise<Route>; update(to: { voiceRegion: string }): Promise<Route> };

interface InAccount {
  accountSid?: string | null;
}

type Compared = Pick<AnsweredCall, 'asked' | 'is'>;

/** https://www.twilio.com/docs/sip-trunking/call-transfer */
const transferModes = { disabled: 'disable-all', sip: 'sip-only', all: 'enable-all' } as const;

const writeSettings = ({ secure, call_transfers }: TrunkSettings) => ({
  secure,
  ...(call_transfers && { transferMode: transferModes[call_transfers] }),
});

/** An unknown mode keeps Twilio's name. */
const readSettings = ({ secure, transferMode = null }: { secure: boolean; transferMode?: string | null }) => {
  const [known] = Object.entries(transferModes).find(([, mode]) => mode === transferMode) ?? [];
  return { secure, call_transfers: known ?? transferMode };
};

/** One of the ways in which a trunk authenticates outbound calls. */
const BY_CREDENTIALS = 'CREDENTIAL_LIST';

const Sid = z.string().regex(/^[A-Z]{2}[0-9a-fA-F]{32}$/);

/** Twilio answers '' or null for what is not set. */
const text = z
  .string()
  .nullish()
  .transform((value) => value || null);

/** For information only: null if it cannot be read. */
const told = text.catch(null);

const capability = z
  .boolean()
  .nullish()
  .transform((has) => has ?? false);

const TwilioNumber = z.object({
  sid: Sid,
  capabilities: z
    .object({ voice: capability, sms: capability, mms: capability, fax: capability })
    .nullish()
    .transform((given) => given ?? { voice: false, sms: false, mms: false, fax: false }),
  voiceUrl: text,
  voiceMethod: text,
  voiceFallbackUrl: text,
  voiceFallbackMethod: text,
  trunkSid: text,
  voiceApplicationSid: text,
  ...{ status: told, voiceReceiveMode: told, addressRequirements: told, addressSid: told, bundleSid: told },
  ...{ emergencyStatus: told, emergencyAddressStatus: told },
});

const readNumber = (number: unknown): OwnedNumber => {
  const { sid, capabilities, ...routing } = TwilioNumber.parse(number);
  return {
    number_sid: sid,
    has_voice: capabilities.voice,
    conditions: conditionsOf(routing),
    routing: {
      voice_url: routing.voiceUrl,
      voice_method: routing.voiceMethod,
      voice_fallback_url: routing.voiceFallbackUrl,
      voice_fallback_method: routing.voiceFallbackMethod,
      trunk_sid: routing.trunkSid,
      voice_application_sid: routing.voiceApplicationSid,
    },
  };
};

/** https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource */
const conditionsOf = (number: Omit<z.output<typeof TwilioNumber>, 'sid' | 'capabilities'>): Condition[] => {
  const { status, addressRequirements, addressSid, bundleSid } = number;
  const met: [Condition, boolean][] = [
    ['receives_fax', number.voiceReceiveMode === 'fax'],
    ['not_in_use', status !== null && status !== 'in-use'],
    ['address_missing', ![null, 'none'].includes(addressRequirements) && !addressSid && !bundleSid],
    ['emergency_registration_failed', number.emergencyAddressStatus === 'registration-failure'],
    ['emergency_calling_active', number.emergencyStatus === 'Active'],
  ];
  return met.flatMap(([condition, isMet]) => (isMet ? [condition] : []));
};

const Listed = TwilioNumber.extend({ phoneNumber: z.string(), friendlyName: text });

const readListed = (number: unknown): ListedNumber => {
  const { sid: number_sid, phoneNumber: phone_number, friendlyName, capabilities, ...listed } = Listed.parse(number);
  const routing = {
    voice_url: listed.voiceUrl,
    voice_application_sid: listed.voiceApplicationSid,
    trunk_sid: listed.trunkSid,
  };
  return { number_sid, phone_number, label: friendlyName ?? phone_number, capabilities, routing };
};

/** The place where a list continues. https://www.twilio.com/docs/usage/twilios-response#paging-information */
const Place = z
  .object({ Page: z.coerce.number().int(), PageToken: z.string().max(100) })
  .transform(({ Page, PageToken }) => ({ page: Page, page_token: PageToken }));

/** Setting a trunk clears the application and the other way round, so this names only the one that is wanted. */
const writeRouting = (routing: Partial<FormerRouting>) => ({
  ...(routing.voice_application_sid
    ? { voiceApplicationSid: routing.voice_application_sid }
    : { trunkSid: routing.trunk_sid ?? '' }),
  ...(routing.voice_url !== undefined && { voiceUrl: routing.voice_url ?? '' }),
  ...(routing.voice_fallback_url !== undefined && { voiceFallbackUrl: routing.voice_fallback_url ?? '' }),
  ...(routing.voice_method && { voiceMethod: routing.voice_method }),
  ...(routing.voice_fallback_method && { voiceFallbackMethod: routing.voice_fallback_method }),
});

/** What `writeRouting` asks for: unknown methods are left as they are. */
const askedOf = ({
  voice_method,
  voice_fallback_method,
  voice_application_sid,
  ...routing
}: Partial<FormerRouting>) => ({
  ...routing,
  ...(voice_application_sid && { voice_application_sid, trunk_sid: null }),
  ...(voice_method && { voice_method }),
  ...(voice_fallback_method && { voice_fallback_method }),
});

/** Turns what the SDK throws into a problem. */
const translate = (called: VendorCall, credentials: TwilioCredentials, exchange: Exchange, error: unknown): Error => {
  if (error instanceof Problem) return error;
  const { refused, said_retry_after_ms } = exchange;
  if (refused === undefined) return translateSilence(called, error);
  const provider = answerOf(called, exchange, refused);
  // Quotes Twilio's own message, not the SDK's error.
  const said = new Error(refused.message ?? `HTTP ${refused.status}`, { cause: error });
  const cause = quote(called, said);
  const is_busy = refused.code === UPDATED_BY_ANOTHER;
  const reason = refused.status < 500 && refused.status !== 429 && reasonOf(refused, kindOf(credentials));
  if (!reason) return translateStatus(called, { ...refused, said_retry_after_ms, is_busy, provider }, said);
  const sentence = provider.message ? ` Twilio says: ${inQuotes(provider.message)}.` : '';
  const page = provider.more_info ? ` See ${provider.more_info}.` : '';
  if (reason === 'credentials') {
    const { account_sid, api_key_sid, region = 'us1' } = credentials;
    const lacking = api_key_sid ? ` A restricted key also needs the permission to ${called.act}.` : '';
    const detail = `Twilio rejected the credentials of the account ${account_sid} in the Region ${region}, or the account is suspended. Check both in the Twilio console: each Region has credentials of its own.${lacking}${sentence}${page}`;
    return new ProviderProblem('provider_credentials_refused', detail, { cause, provider });
  }
  const what =
    reason === 'permission' && credentials.api_key_sid
      ? `The API key ${credentials.api_key_sid} lacks the permission to ${called.act}.`
      : `Twilio refused to ${called.act}.`;
  const detail = `${what}${sentence} ${advice[reason]} ${afterwards(called)}${page}`;
  return refused.code === DOMAIN_NAME_TAKEN
    ? new NameTaken(detail, { cause, provider })
    : new ProviderProblem('provider_refused', detail, { cause, provider });
};

/** Another name is tried first. Callers get this problem only if every name is taken. */
class NameTaken extends Conflict {
  override readonly code = 'provider_refused';
  override readonly members: ProblemMembers;

  constructor(detail: string, { cause, provider }: { cause: unknown; provider: ProviderAnswer }) {
    super(detail, { cause });
    this.members = { provider };
  }
}

const kindOf = ({ api_key_sid }: TwilioCredentials) => (api_key_sid === undefined ? 'auth_token' : 'api_key');

/** The part of Twilio's answer that callers may read. */
const answerOf = (
  called: VendorCall,
  { request_id }: Exchange,
  { status, code, message, more_info }: TwilioSaid,
): ProviderAnswer => {
  const tell = (said: string | undefined) => (said === undefined ? null : quoteText(called, said));
  return {
    name: 'twilio',
    status,
    code: tell(code?.toString()),
    message: tell(message),
    request_id: tell(request_id),
    more_info: tell(more_info),
  };
};
