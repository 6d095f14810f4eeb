import { BlockList } from 'node:net';
import { z } from 'zod';

// The service starts with no host and no address that cannot exist: what is taken here, it takes.

/** Names of machines as they are in use: those of Docker may have an underscore. The last part is no number. */
const NAME = /^(?=.{1,253}\.?$)(\w([\w-]{0,61}\w)?\.)*[a-z]([\w-]{0,61}\w)?\.?$/i;

/** Nobody calls from these, and nothing can be sent to them. */
const NOBODYS = new BlockList();
NOBODYS.addSubnet('0.0.0.0', 8);
NOBODYS.addSubnet('224.0.0.0', 3);
NOBODYS.addAddress('::', 'ipv6');
NOBODYS.addSubnet('ff00::', 8, 'ipv6');

const isNobodys = (address: string): boolean => NOBODYS.check(address, address.includes(':') ? 'ipv6' : 'ipv4');

/** A host name, or an IPv4 address: the network has no IPv6. */
export const isHost = (text: string): boolean =>
  z.ipv4().safeParse(text).success ? !isNobodys(text) : NAME.test(text);

/** A host and a port, apart; undefined where nothing can be sent there. */
export const splitHost = (text: string): { host: string; port: number | undefined } | undefined => {
  const [, host = '', digits] = /^([^:]+)(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  return isHost(host) && (port === undefined || (port >= 1 && port <= 65_535)) ? { host, port } : undefined;
};

/** The hosts that a MongoDB URI names, each with its port. */
export const hostsOf = (uri: string): string[] =>
  (/^[^:]+:\/\/(?:[^@/]*@)?([^/?]*)/.exec(uri.trim())?.[1] ?? '').split(',');

/** Whether somebody can call from this address, or from one of this range. IPv4 in the form of IPv6 matches no caller. */
export const canCall = (text: string): boolean => {
  if (/^[0:]+:ffff:/i.test(text)) return false;
  if (![z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()].some((type) => type.safeParse(text).success)) return false;
  const [address = '', bits] = text.split('/');
  return bits === '0' || !isNobodys(address);
};

/** Whether a host is LiveKit Cloud's, and whether it is where LiveKit Cloud takes calls. */
export const isCloud = (host: string): boolean => /(^|\.)livekit\.cloud\.?$/i.test(host);
export const isCloudSip = (host: string): boolean => /\.sip\.livekit\.cloud\.?$/i.test(host);
