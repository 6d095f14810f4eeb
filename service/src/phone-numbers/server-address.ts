import { BlockList, isIP } from 'node:net';
import { invalidFields } from '@trunkline/contracts';

/** Where calls to an address lead: to the machine or link that dials, into a private network, or elsewhere. */
export type Reach = 'local' | 'private' | 'public';

/** Reads every spelling that some resolver accepts: `2130706433`, `127.1`, `0x7f.1`, a trailing dot. */
export const reachOf = (sip_server_address: string): Reach => {
  const host = hostOf(sip_server_address).toLowerCase().replace(/\.$/, '');
  if (/(^|\.)localhost$|^localhost\.localdomain$|^ip6-(localhost|loopback)$/.test(host)) return 'local';
  const read = readingsOf(host);
  if (read.some((ip) => isIn(local, ip))) return 'local';
  return read.some((ip) => isIn(private_, ip)) ? 'private' : 'public';
};

/** Throws `invalid_request` for an address that would lead LiveKit to itself. */
export const refuseLocalAddress = (sip_server_address: string | null | undefined): void => {
  if (!sip_server_address || reachOf(sip_server_address) !== 'local') return;
  throw invalidFields([
    {
      path: 'sip_server_address',
      message: "must not be a loopback or link-local address: name your carrier's host",
    },
  ]);
};

/** Without brackets and port. */
const hostOf = (address: string): string => {
  if (isIP(address) === 6) return address;
  const [, bracketed, bare = address] = /^(?:\[([^\]]*)\]|([^:]*))(?::[0-9]+)?$/.exec(address) ?? [];
  return bracketed ?? bare;
};

/** The IP addresses that a host may be read as; none if it is a name. */
const readingsOf = (host: string): string[] => {
  if (isIP(host) === 6) return [host];
  // Some resolvers read a number that begins with 0 as octal, others as decimal.
  const decimal = host.replaceAll(/(^|\.)0+(?=[0-9])/g, '$1');
  return [host, decimal].flatMap((spelling) => {
    // URLs read IPv4 addresses as the C library does: in parts of any size, in octal, decimal and hex.
    const url = URL.parse(`http://${spelling}`);
    return url !== null && isIP(url.hostname) === 4 ? [url.hostname] : [];
  });
};

const isIn = (list: BlockList, ip: string): boolean => list.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4');

/** A subnet of IPv4 also matches the same addresses mapped into IPv6. */
const listOf = (...subnets: [ip: string, prefix: number][]): BlockList => {
  const list = new BlockList();
  for (const [ip, prefix] of subnets) list.addSubnet(ip, prefix, isIP(ip) === 6 ? 'ipv6' : 'ipv4');
  return list;
};

const local = listOf(
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  // Unspecified, loopback, and IPv4-compatible addresses, IPv6's first form for IPv4.
  ['::', 96],
  ['fe80::', 10],
  // The same addresses in the notation of translators (NAT64, 6to4).
  ['64:ff9b::7f00:0', 104],
  ['64:ff9b::a9fe:0', 112],
  ['2002:7f00::', 24],
  ['2002:a9fe::', 32],
);

const private_ = listOf(['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10], ['fc00::', 7]);
