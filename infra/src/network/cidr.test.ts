import { assert, constantFrom, integer, property } from 'fast-check';
import { expect, it } from 'vitest';
import { blockOf, contains, faultOfCidr, parseCidr, subnetsOf } from './cidr.ts';

const anyNetwork = integer({ min: 16, max: 24 }).chain((prefix) =>
  integer({ min: 0, max: 2 ** (prefix - 8) - 1 }).map((index) => blockOf('10.0.0.0/8', prefix - 8, index)),
);

it('divides any network into subnets that lie within it and never overlap', async () => {
  await assert(
    property(anyNetwork, constantFrom(2, 3), (cidr, zones) => {
      expect(faultOfCidr(cidr)).toBeUndefined();
      const subnets = Object.values(subnetsOf(cidr, zones)).flat();
      expect(subnets).toHaveLength(zones * 3);
      const spans = subnets
        .map(parseCidr)
        .map(({ first, prefix }) => ({ first, end: first + 2 ** (32 - prefix) }))
        .toSorted((a, b) => a.first - b.first);
      expect(subnets.every((subnet) => contains(cidr, subnet))).toBe(true);
      expect(spans.every(({ end }, at) => at + 1 >= spans.length || end <= spans[at + 1]!.first)).toBe(true);
    }),
  );
});

it('keeps the subnets of two zones when a third is added', async () => {
  await assert(
    property(anyNetwork, (cidr) => {
      const [two, three] = [subnetsOf(cidr, 2), subnetsOf(cidr, 3)];
      for (const tier of ['public', 'private', 'isolated'] as const) expect(three[tier].slice(0, 2)).toEqual(two[tier]);
    }),
  );
});

it.each([
  ['10.40.0.0/16', undefined],
  ['192.168.4.0/22', undefined],
  ['10.40.0.0', /as in 10.40.0.0\/16/],
  ['10.400.0.0/16', /as in 10.40.0.0\/16/],
  ['10.40.0.0/25', /\/16 to \/24/],
  ['10.40.7.0/16', /must begin at its first address: 10.40.0.0/],
  ['172.32.0.0/16', /private ranges/],
])('answers for %s: %s', (cidr, fault) => {
  if (fault === undefined) expect(faultOfCidr(cidr)).toBeUndefined();
  else expect(faultOfCidr(cidr)).toMatch(fault);
});
