import { createHmac } from 'node:crypto';
import { CompactEncrypt, type CompactJWEHeaderParameters } from 'jose';
import { describe, expect, it } from 'vitest';
import { createSecrets } from './secrets.ts';

const key = (fill: number) => Buffer.alloc(32, fill);
const old = createSecrets(new Map([['old', key(1)]]));
const rotated = createSecrets(
  new Map([
    ['new', key(2)],
    ['old', key(1)],
  ]),
);
const place = 'phone_numbers/phon_a1b2c3d4e5f6/sip_password';

describe('a sealed secret', () => {
  it('opens where it belongs', async () => {
    expect(await old.open(await old.seal('pass', place), place)).toBe('pass');
  });

  it('does not open in another record or field', async () => {
    const sealed = await old.seal('pass', place);
    await expect(old.open(sealed, 'phone_numbers/phon_000000000000/sip_password')).rejects.toThrow('was found at');
    await expect(old.open(sealed, 'phone_numbers/phon_a1b2c3d4e5f6/inbound_pin')).rejects.toThrow('was found at');
  });

  it('does not open after a change to it or its header', async () => {
    const sealed = await old.seal('pass', place);
    const [header = '', ...rest] = sealed.split('.');
    const forged = Buffer.from(
      Buffer.from(header, 'base64url').toString().replace('a1b2c3d4e5f6', '000000000000'),
    ).toString('base64url');
    await expect(
      old.open([forged, ...rest].join('.'), 'phone_numbers/phon_000000000000/sip_password'),
    ).rejects.toThrow();
    await expect(old.open(`${sealed.slice(0, -2)}AA`, place)).rejects.toThrow();
  });

  it('differs each time, uses A256GCM, and names its key and how that is derived', async () => {
    const [one = '', two] = [await old.seal('pass', place), await old.seal('pass', place)];
    expect(one).not.toBe(two);
    expect(JSON.parse(Buffer.from(one.split('.')[0] ?? '', 'base64url').toString())).toEqual({
      alg: 'dir',
      enc: 'A256GCM',
      kid: 'old',
      derivation: 'HKDF-SHA256',
      place,
    });
  });

  it('opens after a new key was added in front, which then seals', async () => {
    expect(await rotated.open(await old.seal('pass', place), place)).toBe('pass');
    await expect(old.open(await rotated.seal('pass', place), place)).rejects.toThrow(
      'ENCRYPTION_KEYS has no key "new"',
    );
  });
});

const encrypt = (header: CompactJWEHeaderParameters) =>
  new CompactEncrypt(Buffer.from('pass')).setProtectedHeader({ kid: 'old', place, ...header }).encrypt(key(1));
const pinned = { alg: 'dir', enc: 'A256GCM' };

describe('a secret that this version did not seal', () => {
  it('opens if an earlier version used the key itself', async () => {
    const earlier = await encrypt(pinned);
    expect(await rotated.open(earlier, place)).toBe('pass');
    expect(old.isCurrent(earlier)).toBe(false);
  });

  it('does not open with the key itself if its header says that the key is derived', async () => {
    await expect(old.open(await encrypt({ ...pinned, derivation: 'HKDF-SHA256' }), place)).rejects.toThrow();
  });

  it('does not open if its header names an unknown derivation', async () => {
    await expect(old.open(await encrypt({ ...pinned, derivation: 'none' }), place)).rejects.toThrow('unknown way');
  });

  it.each([
    { alg: 'A256KW', enc: 'A256GCM' },
    { alg: 'A256GCMKW', enc: 'A256GCM' },
    { alg: 'A256KW', enc: 'A128CBC-HS256' },
  ])('does not open with $alg and $enc, even with the right key', async (algorithms) => {
    await expect(old.open(await encrypt(algorithms), place)).rejects.toThrow('not allowed');
  });
});

describe('a current secret', () => {
  it('is one that the newest key sealed', async () => {
    const sealed = await old.seal('pass', place);
    expect(old.isCurrent(sealed)).toBe(true);
    expect(rotated.isCurrent(sealed)).toBe(false);
    expect(rotated.isCurrent(await rotated.seal('pass', place))).toBe(true);
  });
});

describe('a fingerprint', () => {
  it('matches only its own text, also after a rotation', () => {
    const fingerprint = old.fingerprint('request');
    expect(rotated.matches('request', fingerprint)).toBe(true);
    expect(rotated.matches('another', fingerprint)).toBe(false);
    expect(fingerprint).not.toContain('request');
  });

  it('uses a different key than secrets, and those of earlier versions still match', () => {
    const earlier = `old.${createHmac('sha256', key(1)).update('request').digest('base64url')}`;
    expect(old.fingerprint('request').split('.').at(-1)).not.toBe(earlier.split('.').at(-1));
    expect(rotated.matches('request', earlier)).toBe(true);
    expect(rotated.matches('another', earlier)).toBe(false);
  });
});
