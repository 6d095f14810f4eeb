import { type PhoneNumber, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { z } from 'zod';
import { codePointOf } from './text.ts';

const SHAPE = /^\+[1-9][0-9]{1,14}$/;
const WHAT = 'a plus, the country code and the number, with nothing but digits between, as in +15551234567';

const described = {
  description: 'E.164: a plus, the country code and the number; 15 digits at most.',
  pattern: SHAPE.source,
  example: '+15551234567',
};

/**
 * A number in E.164: one that parsing leaves unchanged, with a length that its country has ("possible" in
 * libphonenumber's terms, so +1 555 numbers pass). It is never rewritten: a fault says which number is meant.
 */
export const E164 = z
  .string('must be a phone number in E.164, as in +15551234567')
  .superRefine((given, { addIssue }) => {
    const fault = faultOf(given);
    if (fault !== undefined) addIssue(fault);
  })
  .meta(described);

/** In a query, an unescaped plus arrives as a blank. */
const inQuery = (field: string) =>
  z.string().refine((given) => !/^ +[0-9]/.test(given), {
    error: ({ input }) => `must begin with a plus, which is %2B in a URL: ${field}=%2B${String(input).trim()}`,
    abort: true,
  });

export const E164InQuery = inQuery('phone_number').pipe(E164).meta(described);

const PREFIX = /^\+[1-9][0-9]{0,14}$/;

/** The beginning of numbers, in a query. */
export const E164PrefixInQuery = inQuery('phone_number_prefix')
  .pipe(z.string().regex(PREFIX, 'must be what a number in E.164 begins with: a plus and 1 to 15 digits, as in +1555'))
  .meta({ pattern: PREFIX.source, example: '+1555' });

const faultOf = (given: string): string | undefined => {
  const meant = meantBy(given);
  const hidden = /[^!-~]/u.exec(given)?.[0];
  if (hidden !== undefined) return `must not contain the character ${codePointOf(hidden)}${orWrite(meant)}`;
  if (!SHAPE.test(given)) return `must be in E.164: ${WHAT}${orWrite(meant)}`;
  if (meant === undefined) return 'does not begin with the code of a country';
  if (meant.number !== given) return `must be ${meant.number}: ${excessOf(given, meant)}`;
  return meant.isPossible() ? undefined : 'has a length that no number of its country has';
};

const orWrite = (meant: PhoneNumber | undefined) => (meant?.isPossible() ? `: write ${meant.number}` : '');

/** There may be several excess parts: a repeated country code, and a 0 after it. */
const MOST_PARSES = 5;

/** The number that is meant by a common misspelling: with a national 0, or with the country code twice. */
const meantBy = (given: string): PhoneNumber | undefined => {
  // Some keyboards type a full-width plus, and people dial 00 for it.
  let meant = parsePhoneNumberFromString(given.normalize('NFKC').replace(/^\+?00/, '+'));
  for (let parses = 1; meant !== undefined && parses < MOST_PARSES; parses++) {
    const again = parsePhoneNumberFromString(withoutExcess(meant));
    if (again === undefined || again.number === meant.number) break;
    meant = again;
  }
  return meant;
};

/** Removes one excess part, if the number does not exist with it and exists without it. */
const withoutExcess = (number: PhoneNumber): string => {
  if (number.isValid()) return number.number;
  const { countryCallingCode, nationalNumber } = number;
  // Even if the country's national numbers have no leading 0.
  const shorter = [
    `+${countryCallingCode}${nationalNumber.replace(/^0+/, '')}`,
    ...(nationalNumber.startsWith(countryCallingCode) ? [`+${nationalNumber}`] : []),
  ];
  return shorter.find((text) => parsePhoneNumberFromString(text)?.isValid()) ?? number.number;
};

/** What to leave out of the given number. */
const excessOf = (given: string, { countryCallingCode, nationalNumber }: PhoneNumber): string => {
  const begin = `+${countryCallingCode}`;
  const excess = given.slice(begin.length, -nationalNumber.length);
  return excess !== '' && given === begin + excess + nationalNumber
    ? `leave out the ${excess} behind the country code ${countryCallingCode}`
    : 'that is how E.164 writes this number';
};
