import { randomBytes, randomInt } from 'node:crypto';

/** A public id: the prefix and 12 hex digits from a secure source. */
export const drawId = <Prefix extends string>(prefix: Prefix): `${Prefix}_${string}` =>
  `${prefix}_${randomBytes(6).toString('hex')}`;

/** A token that cannot be guessed: 128 random bits in hex. */
export const drawToken = (): string => randomBytes(16).toString('hex');

const lower = 'abcdefghijkmnopqrstuvwxyz';
const alphabets = [lower, lower.toUpperCase(), '0123456789'];

/**
 * A password of 32 letters and digits, with at least one lower-case letter, one capital and one digit: Twilio requires
 * all three in a SIP credential. https://www.twilio.com/docs/voice/sip/api/sip-credential-resource
 */
export const drawPassword = (): string => {
  const all = alphabets.join('');
  const password = Array.from({ length: 32 }, () => all[randomInt(all.length)]).join('');
  const complete = alphabets.every((alphabet) => [...password].some((letter) => alphabet.includes(letter)));
  return complete ? password : drawPassword();
};
