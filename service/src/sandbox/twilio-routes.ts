import { createHash } from 'node:crypto';
import type { Shelf } from './shelf.ts';
import type { Asked, Serve } from './twilio-things.ts';
import { kindIn } from './twilio-things.ts';
import { type Region, regions, TwilioRefusal } from './twilio-wire.ts';

/** The Region that handles calls. */
interface RouteState {
  voice_region: Region;
  friendly_name?: string;
  date_created?: string;
  date_updated?: string;
}

/** Sets the Region that a number had when it was bought. */
export const putRoute = (shelf: Shelf, phone_number: string, voice_region: Region): Promise<void> =>
  shelf.put<RouteState>('twilio.route', phone_number, { voice_region });

/**
 * The routing table, which all Regions share: which Region's configuration of a number or trunk domain applies. Only
 * US1 serves it here; what other Regions answer is not documented.
 * https://www.twilio.com/docs/global-infrastructure/inbound-processing-region-api
 */
export const serveRoutes: Serve = (route, { shelf, clock }) => {
  const serve = (table: Table) => {
    const { path, name } = table;
    const read = async (asked: Asked) => {
      const id = asked.params.id ?? '';
      if (asked.region !== 'us1' || !(await table.isThere(asked, id))) throw TwilioRefusal.notFound(asked.req.path);
      return { id, kept: await shelf.get<RouteState>('twilio.route', id) };
    };
    const describe = (asked: Asked, id: string, kept: RouteState | undefined) => {
      const { voice_region = 'us1', friendly_name = '', date_created, date_updated } = kept ?? {};
      return {
        [name]: id,
        // Always the same for this id.
        sid: `QQ${createHash('md5').update(id).digest('hex')}`,
        account_sid: asked.account.sid,
        friendly_name,
        voice_region,
        date_created: date_created ?? null,
        date_updated: date_updated ?? null,
        url: `https://${asked.host}${path}/${id}`,
      };
    };

    route(`fetch${table.call}`, 'get', `${path}/:id`, async (asked) => {
      const { id, kept } = await read(asked);
      return { status: 200, body: describe(asked, id, kept) };
    });
    route(`update${table.call}`, 'post', `${path}/:id`, async (asked) => {
      const { id, kept } = await read(asked);
      const { VoiceRegion, FriendlyName } = asked.form;
      const voice_region = VoiceRegion ? regions.find((region) => region === VoiceRegion) : kept?.voice_region;
      if (VoiceRegion && voice_region === undefined) throw TwilioRefusal.invalid(`${VoiceRegion} is no Region`);
      const now = new Date(clock.now()).toISOString();
      const updated: RouteState = {
        date_created: now,
        ...kept,
        voice_region: voice_region ?? 'us1',
        ...(FriendlyName !== undefined && { friendly_name: FriendlyName }),
        date_updated: now,
      };
      await shelf.put('twilio.route', id, updated);
      return { status: 200, body: describe(asked, id, updated) };
    });
  };

  serve({
    call: 'NumberRoute',
    path: '/v2/PhoneNumbers',
    name: 'phone_number',
    isThere: async ({ things }, phone_number) => (await things.list('number', { phone_number })).length > 0,
  });
  serve({
    call: 'TrunkRoute',
    path: '/v2/Trunks',
    name: 'sip_trunk_domain',
    isThere: async ({ account }, domain_name) => {
      const trunks = await Promise.all(
        regions.map((region) => shelf.list<{ account_sid: string; domain_name?: string }>(kindIn(region, 'trunk'))),
      );
      return trunks.flat().some((trunk) => trunk.account_sid === account.sid && trunk.domain_name === domain_name);
    },
  });
};

interface Table {
  call: string;
  path: string;
  /** The field that names the number or domain of the route. */
  name: string;
  isThere(asked: Asked, id: string): Promise<boolean>;
}
