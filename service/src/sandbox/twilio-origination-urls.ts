import type { Asked, Serve, Thing } from './twilio-things.ts';
import { TwilioRefusal, versionPage } from './twilio-wire.ts';

const URLS = '/v1/Trunks/:trunk/OriginationUrls';

/** https://www.twilio.com/docs/sip-trunking/api/originationurl-resource */
export const serveOriginationUrls: Serve = (route) => {
  route('listOriginationUrls', 'get', URLS, async (asked) => {
    const { sid: trunk_sid } = await asked.things.find('trunk', asked.params.trunk);
    const urls = await asked.things.list('origination_url', { trunk_sid });
    return versionPage(
      'origination_urls',
      urls.map((url) => describe(url, asked)),
      asked.req,
    );
  });

  route('createOriginationUrl', 'post', URLS, async (asked) => {
    const { sid: trunk_sid } = await asked.things.find('trunk', asked.params.trunk);
    const { Weight, Priority, Enabled, FriendlyName, SipUrl } = asked.form;
    const missing = Object.entries({ Weight, Priority, Enabled, FriendlyName, SipUrl }).find(
      ([, value]) => value === undefined,
    );
    if (missing) throw TwilioRefusal.invalid(`Missing required parameter ${missing[0]} in the post body`);
    if (!SipUrl?.startsWith('sip:')) throw TwilioRefusal.invalid('SipUrl must be a SIP URI with the scheme sip');
    const url = await asked.things.make('origination_url', 'OU', {
      trunk_sid,
      weight: Number(Weight),
      priority: Number(Priority),
      enabled: Enabled === 'true',
      friendly_name: FriendlyName,
      sip_url: SipUrl,
    });
    return { status: 201, body: describe(url, asked) };
  });

  route('updateOriginationUrl', 'post', `${URLS}/:sid`, async (asked) => {
    const { SipUrl } = asked.form;
    if (SipUrl !== undefined && !SipUrl.startsWith('sip:'))
      throw TwilioRefusal.invalid('SipUrl must be a SIP URI with the scheme sip');
    const found = await asked.things.find('origination_url', asked.params.sid);
    const changed = await asked.things.change(
      'origination_url',
      found,
      SipUrl === undefined ? {} : { sip_url: SipUrl },
    );
    return { status: 200, body: describe(changed, asked) };
  });

  route('deleteOriginationUrl', 'delete', `${URLS}/:sid`, async ({ things, params }) =>
    things.drop('origination_url', await things.find('origination_url', params.sid)),
  );
};

const describe = (url: Thing, { host }: Asked) => ({
  ...url,
  url: `https://${host}/v1/Trunks/${url.trunk_sid}/OriginationUrls/${url.sid}`,
});
