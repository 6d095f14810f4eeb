import { bought, changesOf } from './twilio-numbers.ts';
import type { Asked, Serve, Thing } from './twilio-things.ts';
import { TwilioRefusal, versionPage } from './twilio-wire.ts';

const ON_TRUNK = '/v1/Trunks/:trunk/PhoneNumbers';

/** The numbers of a trunk. IE1 lacks them. https://www.twilio.com/docs/sip-trunking/api/phonenumber-resource */
export const serveNumbersOfTrunks: Serve = (route) => {
  const trunkOf = async ({ things, params, region, req }: Asked): Promise<Thing> => {
    if (region === 'ie1') throw TwilioRefusal.notFound(req.path);
    return things.find('trunk', params.trunk);
  };
  const numberOf = async (asked: Asked): Promise<Thing> => {
    const trunk = await trunkOf(asked);
    const number = await asked.things.find('number', asked.params.sid);
    if (number.trunk_sid !== trunk.sid) throw TwilioRefusal.notFound(asked.req.path);
    return number;
  };

  route('listNumbersOfTrunk', 'get', ON_TRUNK, async (asked) => {
    const { sid } = await trunkOf(asked);
    const numbers = await asked.things.list('number', { trunk_sid: sid });
    return versionPage(
      'phone_numbers',
      numbers.map((number) => describeOnTrunk(number, asked)),
      asked.req,
    );
  });
  route('attachNumber', 'post', ON_TRUNK, async (asked) => {
    const trunk = await trunkOf(asked);
    const number = await asked.things.find('number', asked.form.PhoneNumberSid);
    const attached = await asked.things.change('number', number, changesOf({ TrunkSid: trunk.sid }));
    return { status: 201, body: describeOnTrunk(attached, asked) };
  });
  route('fetchNumberOfTrunk', 'get', `${ON_TRUNK}/:sid`, async (asked) => ({
    status: 200,
    body: describeOnTrunk(await numberOf(asked), asked),
  }));
  route('detachNumber', 'delete', `${ON_TRUNK}/:sid`, async (asked) => {
    await asked.things.change('number', await numberOf(asked), { trunk_sid: null });
    return { status: 204 };
  });
};

const describeOnTrunk = (number: Thing, { host, params }: Asked) => {
  const { sid, account_sid, date_created = null, date_updated = null, phone_number } = number;
  const shown = Object.entries({ ...bought, ...number }).filter(
    ([field]) => field in bought && !ONLY_IN_2010.includes(field),
  );
  return {
    ...Object.fromEntries(shown.map(([field, value]) => [field, value === '' ? null : value])),
    sid,
    account_sid,
    phone_number,
    friendly_name: number.friendly_name ?? phone_number,
    date_created,
    date_updated,
    url: `https://${host}/v1/Trunks/${params.trunk}/PhoneNumbers/${sid}`,
    links: { phone_number: `https://api.twilio.com/2010-04-01/Accounts/${account_sid}/IncomingPhoneNumbers/${sid}` },
  };
};

const ONLY_IN_2010 = [
  'address_sid',
  'bundle_sid',
  'emergency_address_sid',
  'emergency_address_status',
  'emergency_status',
  'identity_sid',
  'origin',
  'status',
  'type',
  'voice_receive_mode',
];
