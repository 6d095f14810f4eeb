import ipaddr from 'ipaddr.js';
import { z } from 'zod';

/** An IP address or range that some caller can have: `203.0.113.7`, `203.0.113.0/24`. */
export const AllowedAddress = z
  .union(
    [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
    'must be an IP address or a range, as in 203.0.113.7 or 203.0.113.0/24',
  )
  .superRefine((given, { addIssue }) => {
    const fault = faultOf(given);
    if (fault !== undefined) addIssue(fault);
  })
  .meta({ example: '203.0.113.0/24' });

/** Whether a list lets in the whole internet over IPv4 or IPv6, in one range or in pieces. */
export const letsEveryoneIn = (addresses: readonly string[]): boolean => {
  if (!addresses.some((address) => LARGE.test(address))) return false;
  const given = addresses.map(rangeOf);
  return (['ipv4', 'ipv6'] as const).some((kind) => {
    const ranges = [...given, ...notOfTheInternet].filter((range) => range.kind === kind);
    return covers(ranges, internet[kind]);
  });
};

/** Without a range this large, it would take tens of thousands. */
const LARGE = /\/(?:[0-9]|1[0-5])$/;

/** Whether no machine can have this address. False for a host name. */
export const isOfNobody = (host: string): boolean => {
  if (!ipaddr.isValid(host)) return false;
  const range = rangeOf(ipaddr.process(host).toString());
  return ofNobody.some((nobody) => contains(nobody, range));
};

interface Range {
  kind: 'ipv4' | 'ipv6';
  first: bigint;
  last: bigint;
}

const rangeOf = (text: string): Range => {
  const [address = '', prefix] = text.split('/');
  const parsed = ipaddr.parse(address);
  const bytes = parsed.toByteArray();
  const bits = bytes.length * 8;
  const free = BigInt(bits - Number(prefix ?? bits));
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const first = (value >> free) << free;
  return { kind: parsed.kind(), first, last: first + (1n << free) - 1n };
};

const covers = (ranges: readonly Range[], whole: Range): boolean => {
  let next = whole.first;
  for (const { first, last } of ranges.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    if (first > next) break;
    if (last >= next) next = last + 1n;
  }
  return next > whole.last;
};

const contains = (outer: Range, inner: Range): boolean =>
  outer.kind === inner.kind && outer.first <= inner.first && inner.last <= outer.last;

/** All IPv6 addresses assigned so far are in 2000::/3: https://www.iana.org/assignments/iana-ipv6-special-registry */
const internet = { ipv4: rangeOf('0.0.0.0/0'), ipv6: rangeOf('2000::/3') };

/** Nobody calls from these: they stand for no machine, a group of machines, or nothing yet. */
const ofNobody = ['0.0.0.0/8', '224.0.0.0/3', '::/128', 'ff00::/8'].map(rangeOf);

/** Nobody on the internet has these, but a machine in the local network may. */
const notOfTheInternet = [
  ...['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'].map(rangeOf),
  ...ofNobody,
];

const MAPPED = rangeOf('::ffff:0:0/96');

const faultOf = (given: string): string | undefined => {
  const range = rangeOf(given);
  if (contains(MAPPED, range)) {
    const [address = '', prefix] = given.split('/');
    const written = ipaddr.process(address).toString() + (prefix === undefined ? '' : `/${Number(prefix) - 96}`);
    return `must be written as IPv4, ${written}: in this form it matches no caller`;
  }
  return ofNobody.some((nobody) => contains(nobody, range))
    ? 'must be an address that somebody can call from: this one matches nobody. Leave the list out to let everyone in'
    : undefined;
};
