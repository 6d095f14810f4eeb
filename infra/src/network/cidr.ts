/** Subnet ranges: in each tier, one per zone. */
export interface Subnets {
  public: string[];
  private: string[];
  isolated: string[];
}

/**
 * Divides a network into sixteen blocks: four for each of three tiers, one per zone, and four spare.
 * A zone's blocks do not depend on the number of zones, so adding a third does not change the first two.
 */
export const subnetsOf = (cidr: string, zones: number): Subnets => {
  const block = (index: number) => blockOf(cidr, 4, index);
  const tier = (first: number) => Array.from({ length: zones }, (_, zone) => block(first + zone));
  return { public: tier(0), private: tier(4), isolated: tier(8) };
};

/** Divides a range into 2^`bits` equal blocks, and returns the one at `index`. */
export const blockOf = (cidr: string, bits: number, index: number): string => {
  const { first, prefix } = parseCidr(cidr);
  const size = 2 ** (32 - prefix - bits);
  return `${formatAddress(first + index * size)}/${prefix + bits}`;
};

export const parseCidr = (cidr: string): { first: number; prefix: number } => {
  const [address = '', prefix = ''] = cidr.split('/');
  const first = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return { first, prefix: Number(prefix) };
};

const formatAddress = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');

/** Why a range cannot be used. Undefined if it can. The largest VPC is /16, the smallest subnet /28. */
export const faultOfCidr = (cidr: string): string | undefined => {
  if (!/^((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)\/\d{1,2}$/.test(cidr))
    return 'must be a range of IPv4 addresses, as in 10.40.0.0/16';
  const { first, prefix } = parseCidr(cidr);
  if (prefix < 16 || prefix > 24) return 'must be from /16 to /24, so that twelve subnets fit into it';
  if (first % 2 ** (32 - prefix) !== 0)
    return `must begin at its first address: ${blockOf(cidr, 0, 0).replace(/^[^/]*/, formatAddress(first - (first % 2 ** (32 - prefix))))}`;
  if (!privateRanges.some((range) => contains(range, cidr)))
    return 'must be of the private ranges 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16';
  return undefined;
};

const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];

export const contains = (outer: string, inner: string): boolean => {
  const { first: from, prefix } = parseCidr(outer);
  const { first, prefix: innerPrefix } = parseCidr(inner);
  return innerPrefix >= prefix && first >= from && first < from + 2 ** (32 - prefix);
};
