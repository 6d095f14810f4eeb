import { SipClient } from 'livekit-server-sdk';
import type { AcceptanceSettings } from './settings.ts';

/** Twilio's fields for the calls of a number, which a release restores. */
export const routingFields = [
  'voice_url',
  'voice_method',
  'voice_fallback_url',
  'voice_fallback_method',
  'trunk_sid',
  'voice_application_sid',
] as const;

export type Routing = Record<(typeof routingFields)[number], string | null>;

interface TwilioThing {
  sid: string;
  friendly_name: string;
}

const WAIT_MS = 30_000;

/** Reads both vendors without the service, to compare what it says with what is there. */
export const openOwnEyes = (settings: AcceptanceSettings) => {
  const { account_sid, user, secret, phone_number, livekit, twilio_api_url } = settings;
  const sip = new SipClient(livekit.url.replace(/^ws/i, 'http'), livekit.api_key, livekit.api_secret);

  const twilio = async (host: string, path: string, method = 'GET'): Promise<any> => {
    const response = await fetch(`${twilio_api_url ?? `https://${host}`}${path}`, {
      method,
      headers: {
        Authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`,
        ...(twilio_api_url && { 'X-Forwarded-Host': host }),
      },
      signal: AbortSignal.timeout(WAIT_MS),
    });
    const said = await response.text();
    if (!response.ok) throw new Error(`Twilio answered ${response.status} to ${method} ${path}: ${said.slice(0, 300)}`);
    return said === '' ? undefined : JSON.parse(said);
  };
  const account = `/2010-04-01/Accounts/${account_sid}`;

  return {
    /** Undefined if the account does not have the number. */
    number: async (): Promise<{ sid: string; routing: Routing } | undefined> => {
      const query = new URLSearchParams({ PhoneNumber: phone_number });
      const { incoming_phone_numbers } = await twilio(
        'api.twilio.com',
        `${account}/IncomingPhoneNumbers.json?${query}`,
      );
      const number = incoming_phone_numbers.find((it: any) => it.phone_number === phone_number);
      if (number === undefined) return undefined;
      const routing = Object.fromEntries(routingFields.map((field) => [field, number[field] || null])) as Routing;
      return { sid: number.sid, routing };
    },
    trunk: (sid: string): Promise<any> => twilio('trunking.twilio.com', `/v1/Trunks/${sid}`),
    originationUrls: async (sid: string): Promise<string[]> =>
      (await twilio('trunking.twilio.com', `/v1/Trunks/${sid}/OriginationUrls`)).origination_urls.map(
        ({ sip_url }: any) => sip_url,
      ),
    /** LiveKit's trunks for this number, and the rules of its inbound trunks. */
    livekit: async () => {
      const [inbound, outbound] = await Promise.all([
        sip.listSipInboundTrunk({ numbers: [phone_number] }),
        sip.listSipOutboundTrunk({ numbers: [phone_number] }),
      ]);
      const own = inbound.filter(({ numbers }) => numbers.includes(phone_number));
      const trunkIds = own.map(({ sipTrunkId }) => sipTrunkId);
      const rules = trunkIds.length === 0 ? [] : await sip.listSipDispatchRule({ trunkIds });
      return {
        inbound: own,
        outbound: outbound.filter(({ numbers }) => numbers.includes(phone_number)),
        rules: rules.filter((rule) => rule.trunkIds.some((id) => trunkIds.includes(id))),
      };
    },
    /** The resources of this run's integration at Twilio, found by our tag. */
    carrierParts: async (installation_id: string): Promise<{ trunks: TwilioThing[]; lists: TwilioThing[] }> => {
      const isOurs = ({ friendly_name }: TwilioThing) => friendly_name?.startsWith(`trunkline ${installation_id} `);
      const [{ trunks }, { credential_lists }] = await Promise.all([
        twilio('trunking.twilio.com', '/v1/Trunks?PageSize=1000'),
        twilio('api.twilio.com', `${account}/SIP/CredentialLists.json?PageSize=1000`),
      ]);
      return { trunks: trunks.filter(isOurs), lists: credential_lists.filter(isOurs) };
    },
    removeTrunk: (sid: string): Promise<void> => twilio('trunking.twilio.com', `/v1/Trunks/${sid}`, 'DELETE'),
    removeList: (sid: string): Promise<void> =>
      twilio('api.twilio.com', `${account}/SIP/CredentialLists/${sid}.json`, 'DELETE'),
  };
};

export type OwnEyes = ReturnType<typeof openOwnEyes>;
