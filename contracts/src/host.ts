import { z } from 'zod';

const Ip = z.union([z.ipv4(), z.ipv6()]);

/** A label as used in practice: Docker's names may have an underscore. */
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
/** The last label is never a number, because some software would read the name as an address. RFC 1123, 2.1. */
const NUMBER = /^(?:[0-9]+|0x[0-9a-f]*)$/i;

/** Whether a text can name a machine: an IP address in its usual form, without brackets, or a host name. */
export const isHost = (text: string): boolean => {
  if (Ip.safeParse(text).success) return true;
  const name = text.replace(/\.$/, '');
  const labels = name.split('.');
  return name.length <= 253 && labels.every((label) => LABEL.test(label)) && !NUMBER.test(labels.at(-1) ?? '');
};

/** Splits `host`, `host:port`, `[ipv6]:port` or a bare IPv6 address. Undefined: it is none of these. */
export const splitHostAndPort = (text: string): { host: string; port: number | undefined } | undefined => {
  if (z.ipv6().safeParse(text).success) return { host: text, port: undefined };
  const [, ipv6, name, digits] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  const host = ipv6 ?? name;
  if (!host || (ipv6 !== undefined && !z.ipv6().safeParse(ipv6).success) || !isHost(host)) return undefined;
  const port = digits === undefined ? undefined : Number(digits);
  return port === undefined || (port >= 1 && port <= 65_535) ? { host, port } : undefined;
};
