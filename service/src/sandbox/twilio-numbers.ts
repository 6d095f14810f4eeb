import { ACCOUNT } from './twilio-accounts.ts';
import type { Asked, Serve, Thing } from './twilio-things.ts';
import { listPage, rfc2822 } from './twilio-wire.ts';

const fixed = {
  address_requirements: 'none',
  beta: false,
  capabilities: { voice: true, sms: true, mms: false, fax: false },
  emergency_address_status: 'unregistered',
  origin: 'twilio',
  status: 'in-use',
  type: 'local',
};

const settable = {
  address_sid: null,
  api_version: '2010-04-01',
  bundle_sid: null,
  emergency_address_sid: null,
  emergency_status: 'Inactive',
  identity_sid: null,
  sms_application_sid: '',
  sms_fallback_method: 'POST',
  sms_fallback_url: '',
  sms_method: 'POST',
  sms_url: '',
  status_callback: '',
  status_callback_method: 'POST',
  trunk_sid: null,
  voice_application_sid: '',
  voice_caller_id_lookup: false,
  voice_fallback_method: 'POST',
  voice_fallback_url: null,
  voice_method: 'POST',
  voice_receive_mode: 'voice',
  voice_url: null,
};

/** A newly bought number: for what is not set, Twilio has '' in some fields and null in others. */
export const bought = { ...fixed, ...settable };

/** The fields of a number that differ from a newly bought one. */
export type NumberFields = { [Field in keyof typeof bought]?: unknown };

export const newNumber = (
  number: { sid: string; account_sid: string; phone_number: string } & NumberFields,
): Thing => ({
  ...bought,
  friendly_name: number.phone_number,
  ...number,
  date_created: BOUGHT_AT,
  date_updated: BOUGHT_AT,
});

const BOUGHT_AT = '2024-01-15T10:30:00.000Z';

const NUMBERS = `${ACCOUNT}/IncomingPhoneNumbers`;

/** https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource */
export const serveNumbers: Serve = (route) => {
  route('listNumbers', 'get', `${NUMBERS}.json`, async ({ things, req }) => {
    // Matches parts of numbers, and `*` matches any digit.
    // https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource#read-multiple-incomingphonenumber-resources
    const wanted = String(req.query.PhoneNumber ?? '');
    const pattern = new RegExp(wanted.split('*').map(escapePattern).join('[0-9]'));
    const numbers = await things.list('number');
    const matching = numbers.filter(({ phone_number }) => pattern.test(String(phone_number)));
    return listPage('incoming_phone_numbers', matching.map(describe), req);
  });

  route('fetchNumber', 'get', `${NUMBERS}/:sid.json`, async ({ things, params }) => ({
    status: 200,
    body: describe(await things.find('number', params.sid)),
  }));

  route('updateNumber', 'post', `${NUMBERS}/:sid.json`, async ({ things, params, form }) => {
    const number = await things.find('number', params.sid);
    if (form.TrunkSid) await things.find('trunk', form.TrunkSid);
    return { status: 200, body: describe(await things.change('number', number, changesOf(form))) };
  });
};

/** An emptied URL or SID goes back to its value in a newly bought number. */
export const changesOf = (form: Asked['form']): NumberFields => {
  const changes = Object.entries(form).flatMap(([name, value]) => {
    const field = name.replace(/(?<!^)[A-Z]/g, '_$&').toLowerCase();
    if (field === 'friendly_name') return [[field, value]];
    if (!(field in settable)) return [];
    const empty: unknown = Reflect.get(settable, field);
    return [[field, typeof empty === 'boolean' ? value === 'true' : value || empty]];
  });
  return {
    ...Object.fromEntries(changes),
    // "Setting a trunk_sid will automatically delete your voice_application_sid and vice versa."
    ...(form.TrunkSid && { voice_application_sid: '' }),
    ...(form.VoiceApplicationSid && { trunk_sid: null }),
  };
};

const describe = (number: Thing) => ({
  ...bought,
  friendly_name: number.phone_number,
  ...number,
  date_created: rfc2822(number.date_created),
  date_updated: rfc2822(number.date_updated),
  uri: `/2010-04-01/Accounts/${number.account_sid}/IncomingPhoneNumbers/${number.sid}.json`,
});

const escapePattern = (text: string): string => text.replace(/[\\^$.|?+()[\]{}]/g, '\\$&');
