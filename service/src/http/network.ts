import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Whoever has one address of IPv6 has a whole /64 of them: those count as one. An IPv4 address counts for itself. */
export const networkOf = (address: string): string => {
  if (!isIPv6(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString().split('%')[0]}/64`)}/64`;
};
