import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An IPv6 address counts as its /64, since one caller usually has all of it. An IPv4 address counts alone. */
export const networkOf = (address: string): string => {
  if (!isIPv6(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString().split('%')[0]}/64`)}/64`;
};
