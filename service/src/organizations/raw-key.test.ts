import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { drawApiKey, formOf } from './raw-key.ts';

describe('a raw API key', () => {
  it('is tl_live_ and 38 letters and digits, different each time', () => {
    const keys = new Set(Array.from({ length: 100 }, drawApiKey));
    expect(keys.size).toBe(100);
    for (const key of keys) {
      expect(key).toMatch(/^tl_live_[0-9A-Za-z]{38}$/);
      expect(formOf(key)).toBe('checked');
    }
  });

  it('ends with a checksum that anyone can compute: CRC-32 in base62', () => {
    expect(formOf(`tl_live_${'0'.repeat(32)}1BbUHp`)).toBe('checked');
  });

  it('is invalid with any single letter changed', () => {
    const key = drawApiKey();
    for (let at = 'tl_live_'.length; at < key.length; at++) {
      const other = key.charAt(at) === 'x' ? 'y' : 'x';
      expect(formOf(key.slice(0, at) + other + key.slice(at + 1))).toBeUndefined();
    }
  });

  it('may have the form that earlier versions generated and operators choose', () => {
    expect(formOf(`tl_live_${randomBytes(32).toString('base64url')}`)).toBe('unchecked');
    expect(formOf(`tl_live_${randomBytes(32).toString('hex')}`)).toBe('unchecked');
  });

  it.each([
    '',
    'tl_live_',
    'tl_live_guess',
    `tl_test_${'a'.repeat(43)}`,
    `tl_live_${'a'.repeat(42)}`,
    `tl_live_${'!'.repeat(43)}`,
  ])('is never "%s"', (text) => expect(formOf(text)).toBeUndefined());
});
