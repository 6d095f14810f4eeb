import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PREFIX = 'tl_live_';
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 190 random bits. */
const RANDOM_LENGTH = 32;
const CHECKSUM_LENGTH = 6;

/**
 * A raw API key: `tl_live_`, 32 random letters and digits, and a checksum of these 40 characters: their CRC-32 in
 * base62, padded to 6. It exposes a mistyped or made-up key without a look-up, as with GitHub's tokens.
 * https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
 */
export const drawApiKey = (): string => {
  const random = Array.from({ length: RANDOM_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return PREFIX + random + checksumOf(PREFIX + random);
};

const checked = new RegExp(`^(${PREFIX}[0-9A-Za-z]{${RANDOM_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`);
/** The form of keys from earlier versions and of operators' own first keys. It is longer, so no key has both forms. */
const unchecked = new RegExp(`^${PREFIX}[A-Za-z0-9_-]{43,}$`);

/** The form of a raw key; undefined for a text that cannot be a key. */
export const formOf = (raw_key: string): 'checked' | 'unchecked' | undefined => {
  if (unchecked.test(raw_key)) return 'unchecked';
  const [, content = '', checksum] = checked.exec(raw_key) ?? [];
  return checksum === checksumOf(content) ? 'checked' : undefined;
};

const checksumOf = (content: string): string => {
  let rest = crc32(content);
  let digits = '';
  for (let place = 0; place < CHECKSUM_LENGTH; place++) {
    digits = ALPHABET.charAt(rest % ALPHABET.length) + digits;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return digits;
};
