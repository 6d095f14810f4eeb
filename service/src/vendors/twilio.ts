import type { FormerRouting, TwilioCredentials } from '@trunkline/contracts';
import twilio from 'twilio';
import { z } from 'zod';
import type { TrunkAccount } from '../integrations/carrier-trunk.ts';
import { secretsOfUrl } from '../mask-url.ts';
import type { Carrier, OwnedNumber } from '../phone-numbers/providers.ts';
import { Conflict, ProviderProblem } from '../provider.ts';
import { quote, translateSilence, translateStatus, type VendorCall } from './failure.ts';
import type { Observe } from './observe.ts';

export interface TwilioOptions {
  /** One base URL in place of all of Twilio's hosts, for a proxy or a stand-in. */
  url: string | undefined;
  timeout_ms: number;
  observe: Observe;
}

/** A Twilio account: its numbers, and what its trunks are made of. */
export interface TwilioAccount extends Carrier, TrunkAccount {
  /** Throws `provider_credentials_refused` unless Twilio takes the credentials and the account is active. */
  proveCredentials(): Promise<void>;
}

/** Twilio's edge for each region: the SDK names a host by both. https://www.twilio.com/docs/global-infrastructure/edge-locations */
const edges = { us1: 'ashburn', ie1: 'dublin', au1: 'sydney' } as const;

/** Connects accounts. All share one HTTP client, which opens no connection before the first call. */
export const createTwilio = ({ url, timeout_ms, observe }: TwilioOptions) => {
  const httpClient = new Http(url, timeout_ms);
  return (credentials: TwilioCredentials): TwilioAccount => connect(credentials, httpClient, observe);
};

const connect = (
  { account_sid, auth_token, api_key_sid, api_key_secret, region }: TwilioCredentials,
  httpClient: Http,
  observe: Observe,
): TwilioAccount => {
  // Nothing may be undefined here: the SDK would take it from the environment.
  const client = twilio(api_key_sid ?? account_sid, auth_token ?? api_key_secret ?? '', {
    accountSid: account_sid,
    httpClient,
    ...(region && region !== 'us1' && { region, edge: edges[region] }),
  });
  const { trunks } = client.trunking.v1;
  const { credentialLists } = client.sip;

  const call = <T>(name: string, run: () => Promise<T>, ...secrets: string[]): Promise<T> =>
    observe(name, () =>
      run().catch((error: unknown) => {
        const called = { vendor: 'Twilio', call: name, secrets: [auth_token, api_key_secret, ...secrets] };
        throw translate(called, account_sid, error);
      }),
    );
  const make = (name: string, run: () => Promise<{ sid: string }>, ...secrets: string[]) =>
    call(name, async () => Sid.parse((await run()).sid), ...secrets);
  const find = <T extends { sid: string }>(name: string, list: () => Promise<T[]>, isIt: (item: T) => boolean) =>
    call(name, async () => (await list()).filter(isIt).map(({ sid }) => sid));
  const remove = (name: string, run: () => Promise<boolean>) => call(name, () => unlessGone(run()));

  return {
    // Standard API keys may not read the account itself; whoever may list numbers may do what is needed here.
    proveCredentials: () =>
      call('proveCredentials', async () => void (await client.incomingPhoneNumbers.list({ limit: 1, pageSize: 1 }))),

    findNumber: (phone_number) =>
      call('findNumber', async () => {
        // The filter matches parts of numbers, so the answer may hold others too.
        const numbers = await client.incomingPhoneNumbers.list({
          phoneNumber: phone_number,
          limit: 100,
          pageSize: 100,
        });
        const exact = numbers.find(({ phoneNumber }) => phoneNumber === phone_number);
        return exact && readNumber(exact);
      }),

    readNumber: (number_sid) =>
      call('readNumber', async () => {
        const number = await client.incomingPhoneNumbers(number_sid).fetch().catch(undefinedIfGone);
        return number && readNumber(number);
      }),

    routeToTrunk: (number_sid, trunk_sid) =>
      call(
        'routeToTrunk',
        async () => void (await client.incomingPhoneNumbers(number_sid).update({ trunkSid: trunk_sid })),
      ),

    giveBack: (number_sid, former_routing) =>
      call(
        'giveBack',
        async () => {
          const updated = client.incomingPhoneNumbers(number_sid).update(writeRouting(former_routing));
          return (await updated.catch(undefinedIfGone)) !== undefined;
        },
        // Twilio may quote parts of them.
        ...secretsOfUrl(former_routing.voice_url),
        ...secretsOfUrl(former_routing.voice_fallback_url),
      ),

    detach: (number_sid) =>
      call('detach', () => unlessGone(client.incomingPhoneNumbers(number_sid).update({ trunkSid: '' }))),

    createTrunk: ({ name, domain_name, secure }) =>
      make('createTrunk', () => trunks.create({ friendlyName: name, domainName: domain_name, secure })),
    findTrunks: (name) =>
      find(
        'findTrunks',
        () => trunks.list(),
        ({ friendlyName }) => friendlyName === name,
      ),
    removeTrunk: (trunk_sid) => remove('removeTrunk', () => trunks(trunk_sid).remove()),

    createOriginationUrl: (trunk_sid, { name, sip_url }) =>
      make('createOriginationUrl', () =>
        trunks(trunk_sid).originationUrls.create({
          friendlyName: name,
          sipUrl: sip_url,
          enabled: true,
          weight: 1,
          priority: 1,
        }),
      ),
    findOriginationUrls: (trunk_sid, sip_url) =>
      find(
        'findOriginationUrls',
        () => trunks(trunk_sid).originationUrls.list(),
        ({ sipUrl }) => sipUrl === sip_url,
      ),
    removeOriginationUrl: (trunk_sid, origination_url_sid) =>
      remove('removeOriginationUrl', () => trunks(trunk_sid).originationUrls(origination_url_sid).remove()),

    createCredentialList: (name) => make('createCredentialList', () => credentialLists.create({ friendlyName: name })),
    findCredentialLists: (name) =>
      find(
        'findCredentialLists',
        () => credentialLists.list(),
        ({ friendlyName }) => friendlyName === name,
      ),
    removeCredentialList: (credential_list_sid) =>
      remove('removeCredentialList', () => credentialLists(credential_list_sid).remove()),

    createCredential: (credential_list_sid, credential) =>
      make(
        'createCredential',
        () => credentialLists(credential_list_sid).credentials.create(credential),
        credential.password,
      ),
    findCredentials: (credential_list_sid, username) =>
      find(
        'findCredentials',
        () => credentialLists(credential_list_sid).credentials.list(),
        (credential) => credential.username === username,
      ),
    removeCredential: (credential_list_sid, credential_sid) =>
      remove('removeCredential', () => credentialLists(credential_list_sid).credentials(credential_sid).remove()),

    permit: (trunk_sid, credential_list_sid) =>
      make('permit', () => trunks(trunk_sid).credentialsLists.create({ credentialListSid: credential_list_sid })),
    findPermissions: (trunk_sid, credential_list_sid) =>
      find(
        'findPermissions',
        () => trunks(trunk_sid).credentialsLists.list(),
        ({ sid }) => sid === credential_list_sid,
      ),
    revoke: (trunk_sid, credential_list_sid) =>
      remove('revoke', () => trunks(trunk_sid).credentialsLists(credential_list_sid).remove()),
  };
};

const Sid = z.string().regex(/^[A-Z]{2}[0-9a-fA-F]{32}$/);

/** Twilio answers '' and null alike for what is not set. */
const text = z
  .string()
  .nullish()
  .transform((value) => value || null);

const TwilioNumber = z.object({
  sid: Sid,
  capabilities: z.object({ voice: z.boolean().default(false) }),
  voiceUrl: text,
  voiceMethod: text,
  voiceFallbackUrl: text,
  voiceFallbackMethod: text,
  trunkSid: text,
  voiceApplicationSid: text,
});

const readNumber = (number: unknown): OwnedNumber => {
  const { sid, capabilities, ...routing } = TwilioNumber.parse(number);
  return {
    number_sid: sid,
    has_voice: capabilities.voice,
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

/** Setting a trunk takes the application away and the other way round, so only the one that was there is named. */
const writeRouting = (former: FormerRouting) => ({
  ...(former.voice_application_sid === null
    ? { trunkSid: former.trunk_sid ?? '' }
    : { voiceApplicationSid: former.voice_application_sid }),
  voiceUrl: former.voice_url ?? '',
  voiceFallbackUrl: former.voice_fallback_url ?? '',
  ...(former.voice_method !== null && { voiceMethod: former.voice_method }),
  ...(former.voice_fallback_method !== null && { voiceFallbackMethod: former.voice_fallback_method }),
});

const unlessGone = async (change: Promise<unknown>): Promise<void> => {
  await change.catch(undefinedIfGone);
};

const undefinedIfGone = (error: unknown): undefined => {
  if (statusOf(error) !== 404) throw error;
};

const Refusal = z.object({ status: z.number(), code: z.number().nullish() });
const statusOf = (error: unknown) => Refusal.safeParse(error).data?.status;

/** A problem or conflict of ours in place of whatever the SDK throws. https://www.twilio.com/docs/api/errors has each code. */
const translate = (called: VendorCall, account_sid: string, error: unknown): Error => {
  const refusal = Refusal.safeParse(error).data;
  if (refusal === undefined) return translateSilence(called, error);
  const cause = quote(called, error);
  if (refusal.code === DOMAIN_NAME_TAKEN) return new Conflict('The domain name is taken at Twilio', { cause });
  if (refusal.status === 401 || ACCOUNT_NOT_ACTIVE.includes(refusal.code ?? 0)) {
    const detail = `Twilio refuses the credentials of the account ${account_sid}, or the account is suspended. Check both in Twilio's console.`;
    return new ProviderProblem('provider_credentials_refused', detail, { cause });
  }
  return translateStatus(called, refusal, error);
};

const DOMAIN_NAME_TAKEN = 21_248;
/** A suspended or closed account is told by any of these; of their HTTP status nothing is documented. */
const ACCOUNT_NOT_ACTIVE = [10_001, 20_003, 20_005, 20_403];

/**
 * The SDK's HTTP client on fetch: the SDK's own limits silence, not a whole call, and knows no other base URL than
 * Twilio's (replacing the client is what Twilio recommends, twilio/twilio-node#326).
 */
class Http extends twilio.RequestClient {
  readonly #base: URL | undefined;
  readonly #timeout_ms: number;

  constructor(base: string | undefined, timeout_ms: number) {
    super();
    this.#base = base === undefined ? undefined : new URL(base);
    this.#timeout_ms = timeout_ms;
  }

  override async request<TData>({ method, uri, username, password, headers, params, data }: RequestOptions<TData>) {
    const response = await fetch(this.#urlOf(uri, params), {
      method: method.toUpperCase(),
      headers: { ...headers, Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
      ...(data && { body: formOf(data) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(this.#timeout_ms),
    });
    // The SDK parses the text itself, so its type parameter is not what comes back here.
    const body = (await response.text()) as TData;
    return { statusCode: response.status, body, headers: Object.fromEntries(response.headers) };
  }

  #urlOf(uri: string, params: object | undefined): URL {
    const url = new URL(uri);
    for (const [name, value] of formOf(params ?? {})) url.searchParams.append(name, value);
    return this.#base ? new URL(this.#base.pathname.replace(/\/$/, '') + url.pathname + url.search, this.#base) : url;
  }
}

type RequestOptions<TData> = Parameters<InstanceType<typeof twilio.RequestClient>['request']>[0] & { data?: TData };

const formOf = (values: object): URLSearchParams =>
  new URLSearchParams(
    Object.entries(values).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  );
