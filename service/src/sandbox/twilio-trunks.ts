import type { Shelf } from './shelf.ts';
import type { Asked, Serve, Thing } from './twilio-things.ts';
import { kindIn } from './twilio-things.ts';
import { regions, TwilioRefusal, versionPage } from './twilio-wire.ts';

/** The defaults of a trunk. */
const plain = {
  friendly_name: '',
  domain_name: null,
  disaster_recovery_method: 'POST',
  disaster_recovery_url: null,
  secure: false,
  cnam_lookup_enabled: false,
  symmetric_rtp_enabled: false,
  recording: { mode: 'do-not-record', trim: 'do-not-trim' },
  transfer_mode: 'disable-all',
  transfer_caller_id: 'from-transferee',
};

// https://www.twilio.com/docs/sip-trunking/scale-and-limits
const MOST_TRUNKS = 100;
// https://support.twilio.com/hc/en-us/articles/51034176439707
const RESERVED_MS = 30 * 24 * 3600 * 1000;

/** https://www.twilio.com/docs/sip-trunking/api/trunk-resource */
export const serveTrunks: Serve = (route, { shelf, clock }) => {
  route('listTrunks', 'get', '/v1/Trunks', async (asked) => {
    const trunks = await asked.things.list('trunk');
    const described = await Promise.all(trunks.map((trunk) => describe(trunk, asked)));
    return versionPage('trunks', described, asked.req);
  });

  route('createTrunk', 'post', '/v1/Trunks', async (asked) => {
    const { FriendlyName = '', DomainName, Secure, CnamLookupEnabled, TransferMode, TransferCallerId } = asked.form;
    const { DisasterRecoveryUrl, DisasterRecoveryMethod } = asked.form;
    if (FriendlyName.length > 64) throw TwilioRefusal.invalid('FriendlyName is too long');
    if (DomainName !== undefined && !/^[A-Za-z0-9-]+\.pstn\.twilio\.com$/.test(DomainName)) {
      throw TwilioRefusal.invalid('Domain names can contain letters, digits, and - and must end with pstn.twilio.com');
    }
    if ((await asked.things.list('trunk')).length >= MOST_TRUNKS)
      throw TwilioRefusal.invalid('The account has its 100 trunks');
    if (DomainName !== undefined && (await isTaken(DomainName, shelf, clock.now()))) throw TwilioRefusal.domainTaken();
    const trunk = await asked.things.make('trunk', 'TK', {
      ...plain,
      friendly_name: FriendlyName,
      domain_name: DomainName ?? null,
      secure: Secure === 'true',
      cnam_lookup_enabled: CnamLookupEnabled === 'true',
      ...(TransferMode && { transfer_mode: modeOf(TransferMode) }),
      ...(TransferCallerId && { transfer_caller_id: TransferCallerId }),
      ...(DisasterRecoveryUrl && { disaster_recovery_url: DisasterRecoveryUrl }),
      ...(DisasterRecoveryMethod && { disaster_recovery_method: DisasterRecoveryMethod }),
    });
    return { status: 201, body: await describe(trunk, asked) };
  });

  route('fetchTrunk', 'get', '/v1/Trunks/:trunk', async (asked) => ({
    status: 200,
    body: await describe(await asked.things.find('trunk', asked.params.trunk), asked),
  }));

  route('updateTrunk', 'post', '/v1/Trunks/:trunk', async (asked) => {
    const { FriendlyName, Secure, TransferMode } = asked.form;
    const changed = await asked.things.change('trunk', await asked.things.find('trunk', asked.params.trunk), {
      ...(FriendlyName !== undefined && { friendly_name: FriendlyName }),
      ...(Secure !== undefined && { secure: Secure === 'true' }),
      ...(TransferMode !== undefined && { transfer_mode: modeOf(TransferMode) }),
    });
    return { status: 200, body: await describe(changed, asked) };
  });

  route('deleteTrunk', 'delete', '/v1/Trunks/:trunk', async ({ things, params }) => {
    const trunk = await things.find('trunk', params.trunk);
    if (trunk.domain_name)
      await shelf.put('twilio.reserved_domain', String(trunk.domain_name), { until: clock.now() + RESERVED_MS });
    return things.drop('trunk', trunk);
  });
};

const modeOf = (mode: string): string => {
  if (!['disable-all', 'enable-all', 'sip-only'].includes(mode)) throw TwilioRefusal.invalid('TransferMode is invalid');
  return mode;
};

/** Whether a trunk of any account in any Region has the domain, or it is reserved for its former owner. */
const isTaken = async (domain: string, shelf: Shelf, now: number): Promise<boolean> => {
  const trunks = await Promise.all(regions.map((region) => shelf.list<Thing>(kindIn(region, 'trunk'))));
  if (trunks.flat().some(({ domain_name }) => domain_name === domain)) return true;
  const reserved = await shelf.get<{ until: number }>('twilio.reserved_domain', domain);
  return reserved !== undefined && reserved.until > now;
};

const describe = async (trunk: Thing, { things, host }: Asked) => {
  const isOpenToCredentials = (await things.list('permission', { trunk_sid: trunk.sid })).length > 0;
  const url = `https://${host}/v1/Trunks/${trunk.sid}`;
  return {
    ...plain,
    date_created: null,
    date_updated: null,
    ...trunk,
    // Empty: "the domain will not receive any traffic".
    auth_type: isOpenToCredentials ? 'CREDENTIAL_LIST' : '',
    auth_type_set: isOpenToCredentials ? ['CREDENTIAL_LIST'] : [],
    url,
    links: {
      origination_urls: `${url}/OriginationUrls`,
      credential_lists: `${url}/CredentialLists`,
      ip_access_control_lists: `${url}/IpAccessControlLists`,
      phone_numbers: `${url}/PhoneNumbers`,
    },
  };
};
