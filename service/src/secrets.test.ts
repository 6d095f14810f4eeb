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

  it('does not open when a letter of it, or of its header, was changed', async () => {
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

  it('is another each time, A256GCM, and names its key', async () => {
    const [one = '', two] = [await old.seal('pass', place), await old.seal('pass', place)];
    expect(one).not.toBe(two);
    expect(JSON.parse(Buffer.from(one.split('.')[0] ?? '', 'base64url').toString())).toEqual({
      alg: 'dir',
      enc: 'A256GCM',
      kid: 'old',
      place,
    });
  });

  it('opens after a new key was put in front, which seals from then on', async () => {
    expect(await rotated.open(await old.seal('pass', place), place)).toBe('pass');
    await expect(old.open(await rotated.seal('pass', place), place)).rejects.toThrow(
      'ENCRYPTION_KEYS has no key "new"',
    );
  });
});

describe('a fingerprint', () => {
  it('matches its text, also after a rotation, and no other', () => {
    const fingerprint = old.fingerprint('request');
    expect(rotated.matches('request', fingerprint)).toBe(true);
    expect(rotated.matches('another', fingerprint)).toBe(false);
    expect(fingerprint).not.toContain('request');
  });
});
