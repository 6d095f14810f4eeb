import examples from 'libphonenumber-js/examples.mobile.json' with { type: 'json' };
import { getCountries, getExampleNumber } from 'libphonenumber-js/max';
import { describe, expect, it } from 'vitest';
import { E164, E164InQuery } from './e164.ts';

const faultOf = (given: unknown) => E164.safeParse(given).error?.issues.map(({ message }) => message);

describe('a phone number', () => {
  it.each([
    ...['+15551234567', '+16502530000', '+442071838750', '+4930123456', '+8613800138000', '+5491123456789'],
    // These countries keep their 0, or have only such numbers.
    ...['+390612345678', '+3780549886377', '+2250102030405', '+2290197000000'],
    ...['+80012345678', '+883510001234567'],
  ])('passes as it is written: %s', (number) => {
    expect(E164.parse(number)).toBe(number);
  });

  it.each([
    ['Norway', '+4702345'],
    ['Niue', '+6834002'],
    ['Tokelau', '+6903010'],
    ['Saint Helena', '+29022158'],
  ])('may be as short as those of %s: %s', (_country, number) => {
    expect(E164.parse(number)).toBe(number);
  });

  it.each(getCountries().flatMap((country) => getExampleNumber(country, examples)?.number ?? []))(
    'passes if it is an example number of its country: %s',
    (number) => {
      expect(E164.parse(number)).toBe(number);
    },
  );

  it.each([
    ['+49015112345678', '+4915112345678', '0 behind the country code 49'],
    ['+330123456789', '+33123456789', '0 behind the country code 33'],
    ['+4402079460018', '+442079460018', '0 behind the country code 44'],
    ['+610298765432', '+61298765432', '0 behind the country code 61'],
    ['+46073682929', '+4673682929', '0 behind the country code 46'],
    ['+910804567890', '+91804567890', '0 behind the country code 91'],
    ['+810312345678', '+81312345678', '0 behind the country code 81'],
    ['+972031234567', '+97231234567', '0 behind the country code 972'],
    ['+27021345678', '+2721345678', '0 behind the country code 27'],
    ['+55011987654321', '+5511987654321', '0 behind the country code 55'],
    ['+5401112345678', '+541112345678', '0 behind the country code 54'],
    ['+62021234567', '+6221234567', '0 behind the country code 62'],
    ['+480512345678', '+48512345678', '0 behind the country code 48'],
    ['+3006912345678', '+306912345678', '0 behind the country code 30'],
    ['+852051234567', '+85251234567', '0 behind the country code 852'],
    ['+4900302345678', '+49302345678', '00 behind the country code 49'],
    ['+115551234567', '+15551234567', '1 behind the country code 1'],
    ['+788005551234', '+78005551234', '8 behind the country code 7'],
    ['+44442079460018', '+442079460018', '44 behind the country code 44'],
    ['+494930123456', '+4930123456', '49 behind the country code 49'],
    ['+39390612345678', '+390612345678', '39 behind the country code 39'],
    ['+49004930123456', '+4930123456', '0049 behind the country code 49'],
  ])('is refused, with the number that is meant, if nobody can dial it: %s', (given, meant, excess) => {
    expect(faultOf(given)).toEqual([`must be ${meant}: leave out the ${excess}`]);
  });

  it('is refused in its national form, with the E.164 form', () => {
    expect(faultOf('+54111551234567')).toEqual(['must be +5491151234567: that is how E.164 writes this number']);
  });

  it.each([
    ['+1 555 123 4567', 'U+0020'],
    ['+15551234567 ', 'U+0020'],
    ['\u202a+15551234567\u202c', 'U+202A'],
    ['+15551234567\u200e', 'U+200E'],
    ['\ufeff+15551234567', 'U+FEFF'],
    ['+1\u00a05551234567', 'U+00A0'],
    ['\uff0b15551234567', 'U+FF0B'],
    ['+1555123456\u0667', 'U+0667'],
  ])('is refused with an invisible or lookalike character, which is named by its code point: %j', (given, named) => {
    expect(faultOf(given)).toEqual([`must not contain the character ${named}: write +15551234567`]);
  });

  it.each(['+1-555-123-4567', '+1(555)1234567', 'tel:+15551234567', '0015551234567', '+0015551234567'])(
    'is never rewritten, but refused with the right form: %s',
    (given) => {
      expect(faultOf(given)).toEqual([expect.stringMatching(/^must be in E\.164: .*: write \+15551234567$/)]);
    },
  );

  it.each(['15551234567', '+0123456789', '+', '', '+15551234567890123', 'agent', '1000', '+1555*'])(
    'is refused with the rules of E.164 if it is unclear which number is meant: %j',
    (given) => {
      expect(faultOf(given)).toEqual([expect.stringMatching(/^must be in E\.164: .*as in \+15551234567$/)]);
    },
  );

  it.each(['+1555123456', '+155512345678', '+4911', '+1911'])(
    'is refused if no number of its country has its length: %s',
    (given) => {
      expect(faultOf(given)).toEqual(['has a length that no number of its country has']);
    },
  );

  it('is refused unless it begins with a country code', () => {
    expect(faultOf('+9991234567')).toEqual(['does not begin with the code of a country']);
  });

  it('is refused unless it is a string', () => {
    expect(faultOf(15551234567)).toEqual(['must be a phone number in E.164, as in +15551234567']);
  });
});

describe('a phone number in a query', () => {
  it('is refused with its escaped form if its plus arrives as a blank', () => {
    expect(E164InQuery.safeParse(' 15551234567').error?.issues.map(({ message }) => message)).toEqual([
      'must begin with a plus, which is %2B in a URL: phone_number=%2B15551234567',
    ]);
  });

  it('is otherwise checked like any phone number', () => {
    expect(E164InQuery.parse('+15551234567')).toBe('+15551234567');
    expect(E164InQuery.safeParse('+4402079460018').success).toBe(false);
  });
});
