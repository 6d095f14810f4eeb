import { createHmac, hkdfSync, timingSafeEqual, webcrypto } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';

/** Where a secret is stored, as in `phone_numbers/phon_a1b2c3d4e5f6/sip_password`. It opens nowhere else. */
type Place = `${string}/${string}/${string}`;

export interface Secrets {
  seal(secret: string, place: Place): Promise<string>;
  open(sealed: string, place: Place): Promise<string>;
  /** Whether `seal` would use the same key and derivation today. */
  isCurrent(sealed: string): boolean;
  /** Identifies a text without revealing it; compare with `matches`. */
  fingerprint(text: string): string;
  matches(text: string, fingerprint: string): boolean;
}

/** No available key opens a stored secret, or it was sealed for another place. */
export class UnopenedSecret extends Error {
  override name = 'UnopenedSecret';
}

/** By key id. The first encrypts, all decrypt. */
export type KeyRing = ReadonlyMap<string, Uint8Array>;

/** How the key of a secret or fingerprint was derived. Without this, an earlier version used the key itself. */
const DERIVATION = 'HKDF-SHA256';

/**
 * Encrypts secrets at rest: JWE (RFC 7516) with A256GCM, and the key's id, its derivation and the place in the
 * authenticated header. A secret that is copied to another record or field does not open. To rotate, add a new key in
 * front. Encryption and fingerprints use separate keys, derived as in RFC 5869.
 */
export const createSecrets = (keys: KeyRing): Secrets => {
  const [newest] = keys.keys();
  if (newest === undefined) throw new Error('The key ring is empty');
  const derived = new Map([...keys].map(([id, key]) => [id, derive(key)]));

  const keyFor = (use: keyof Derived, id: unknown, derivation: unknown): Uint8Array => {
    const key = keys.get(String(id));
    const own = derived.get(String(id));
    if (key === undefined || own === undefined)
      throw new Error(`ENCRYPTION_KEYS has no key "${id}": put it back to read what it encrypted`);
    if (derivation === undefined) return key;
    if (derivation !== DERIVATION) throw new Error(`A secret's key is derived in an unknown way: ${derivation}`);
    return own[use];
  };

  return {
    seal: async (secret, place) =>
      new CompactEncrypt(new TextEncoder().encode(secret))
        .setProtectedHeader({ ...pinned, kid: newest, derivation: DERIVATION, place })
        .encrypt(await aesKeyOf(keyFor('encryption', newest, DERIVATION))),

    open: async (sealed, place) => {
      const { plaintext, protectedHeader } = await compactDecrypt(
        sealed,
        ({ kid, derivation }) => aesKeyOf(keyFor('encryption', kid, derivation)),
        { keyManagementAlgorithms: [pinned.alg], contentEncryptionAlgorithms: [pinned.enc] },
      ).catch((cause: unknown) => {
        throw new UnopenedSecret(cause instanceof Error ? cause.message : String(cause), { cause });
      });
      if (protectedHeader.place !== place)
        throw new UnopenedSecret(`A secret of ${protectedHeader.place} was found at ${place}`);
      return new TextDecoder().decode(plaintext);
    },

    isCurrent: (sealed) => {
      const { kid, derivation } = headerOf(sealed);
      return kid === newest && derivation === DERIVATION;
    },

    fingerprint: (text) => {
      const mac = digest(keyFor('fingerprint', newest, DERIVATION), text);
      return `${newest}.${DERIVATION}.${mac.toString('base64url')}`;
    },

    matches: (text, fingerprint) => {
      const [id, ...rest] = fingerprint.split('.');
      const mac = rest.pop() ?? '';
      const expected = digest(keyFor('fingerprint', id, rest[0]), text);
      const given = Buffer.from(mac, 'base64url');
      return expected.length === given.length && timingSafeEqual(expected, given);
    },
  };
};

/** Empty for a text that is no JWE: opening it reports what is wrong. */
const headerOf = (sealed: string): ReturnType<typeof decodeProtectedHeader> => {
  try {
    return decodeProtectedHeader(sealed);
  } catch {
    return {};
  }
};

const pinned = { alg: 'dir', enc: 'A256GCM' } as const;

interface Derived {
  encryption: Uint8Array;
  fingerprint: Uint8Array;
}

const aesKeys = new WeakMap<Uint8Array, Promise<webcrypto.CryptoKey>>();

/** Imports a key into WebCrypto once: jose would import it for each secret. */
const aesKeyOf = (key: Uint8Array): Promise<webcrypto.CryptoKey> => {
  const known = aesKeys.get(key);
  if (known !== undefined) return known;
  const imported = webcrypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt']);
  aesKeys.set(key, imported);
  return imported;
};

const derive = (key: Uint8Array): Derived => {
  const keyOf = (use: string) => new Uint8Array(hkdfSync('sha256', key, '', `trunkline/${use}`, 32));
  return { encryption: keyOf('encryption'), fingerprint: keyOf('fingerprint') };
};

const digest = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();
