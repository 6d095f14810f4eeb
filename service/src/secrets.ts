import { createHmac, timingSafeEqual } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';

/** Where a secret belongs, as in `phone_numbers/phon_a1b2c3d4e5f6/sip_password`. It opens nowhere else. */
type Place = `${string}/${string}/${string}`;

export interface Secrets {
  seal(secret: string, place: Place): Promise<string>;
  open(sealed: string, place: Place): Promise<string>;
  /** Names a text without telling it: the same text gives a fingerprint that `matches`. */
  fingerprint(text: string): string;
  matches(text: string, fingerprint: string): boolean;
}

/** By key id. The first encrypts, all decrypt. */
export type KeyRing = ReadonlyMap<string, Uint8Array>;

/**
 * Secrets at rest: JWE (RFC 7516) with A256GCM, the key's id and the place in the authenticated header.
 * So a row copied to another record or field does not open, and keys rotate by adding one in front.
 */
export const createSecrets = (keys: KeyRing): Secrets => {
  const [newest] = keys;
  if (newest === undefined) throw new Error('The key ring is empty');
  const [newestId, newestKey] = newest;

  const keyOf = (id: string | undefined): Uint8Array => {
    const key = keys.get(id ?? '');
    if (key === undefined) throw new Error(`ENCRYPTION_KEYS has no key "${id}": put it back to read what it encrypted`);
    return key;
  };

  const digest = (id: string, text: string) => createHmac('sha256', keyOf(id)).update(text).digest();

  return {
    seal: (secret, place) =>
      new CompactEncrypt(new TextEncoder().encode(secret))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: newestId, place })
        .encrypt(newestKey),

    open: async (sealed, place) => {
      const { plaintext, protectedHeader } = await compactDecrypt(sealed, ({ kid }) => keyOf(kid));
      if (protectedHeader.place !== place)
        throw new Error(`A secret of ${protectedHeader.place} was found at ${place}`);
      return new TextDecoder().decode(plaintext);
    },

    fingerprint: (text) => `${newestId}.${digest(newestId, text).toString('base64url')}`,

    matches: (text, fingerprint) => {
      const [id = '', mac = ''] = fingerprint.split('.');
      const expected = digest(id, text);
      const given = Buffer.from(mac, 'base64url');
      return expected.length === given.length && timingSafeEqual(expected, given);
    },
  };
};
