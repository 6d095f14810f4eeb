import { randomBytes } from 'node:crypto';
import type { Shelf } from './shelf.ts';
import type { TwilioAccountState } from './twilio-accounts.ts';
import { type NumberFields, newNumber } from './twilio-numbers.ts';
import { putRoute } from './twilio-routes.ts';
import { drawSid, kindIn } from './twilio-things.ts';
import { type Region, regions } from './twilio-wire.ts';

/** A newly bought number, except for these fields. */
export interface SeededNumber extends NumberFields {
  phone_number: string;
  /** Default: its own digits. */
  friendly_name?: string;
  voice?: boolean;
  /** The Region that handles its calls. */
  voice_region?: Region;
}

/** Puts an account with numbers into Twilio's stand-in. Each Region that it has a token for has the numbers too. */
export const seedAccount = async (
  shelf: Shelf,
  numbers: readonly SeededNumber[],
  more: Partial<TwilioAccountState> = {},
): Promise<TwilioAccountState> => {
  const account: TwilioAccountState = {
    sid: drawSid('AC'),
    auth_token: randomBytes(16).toString('hex'),
    status: 'active',
    api_keys: [{ sid: drawSid('SK'), secret: randomBytes(16).toString('hex') }],
    ...more,
  };
  await shelf.put('twilio.account', account.sid, account);
  for (const number of numbers) await seedNumber(shelf, account, number);
  return account;
};

/** Puts a number into an account, in each Region that the account has a token for. */
export const seedNumber = async (
  shelf: Shelf,
  { sid: account_sid, regional_tokens }: Pick<TwilioAccountState, 'sid' | 'regional_tokens'>,
  { voice = true, voice_region, ...fields }: SeededNumber,
) => {
  const used = regions.filter((region) => region === 'us1' || regional_tokens?.[region]);
  const capabilities = { voice, sms: true, mms: false, fax: false };
  const number = newNumber({ sid: drawSid('PN'), account_sid, capabilities, ...fields });
  for (const region of used) await shelf.put(kindIn(region, 'number'), number.sid, number);
  if (voice_region) await putRoute(shelf, fields.phone_number, voice_region);
  return number;
};
