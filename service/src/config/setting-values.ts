import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { AllowedAddress, isHost, isOfNobody, letsEveryoneIn, splitHostAndPort } from '@trunkline/contracts';
import { z } from 'zod';
import type { KeyRing } from '../database/secrets.ts';
import { formOf } from '../organizations/raw-key.ts';

// The types of settings. Each message is printed after the setting's name.

export const text = z.string();

export const folder = z.string().transform((path) => resolve(path));

const A_PORT = 'must be a port, from 0 to 65535';
export const port = z.coerce.number(A_PORT).int(A_PORT).min(0, A_PORT).max(65_535, A_PORT);

const A_COUNT = 'must be a whole number above 0';
export const count = z.coerce.number(A_COUNT).int(A_COUNT).positive(A_COUNT);

/** Takes seconds, gives milliseconds. */
export const seconds = (min: number) => {
  const message = `must be a number of seconds, from ${min} to 86400`;
  return z.coerce
    .number(message)
    .min(min, message)
    .max(86_400, message)
    .transform((value) => value * 1000);
};

export const trueOrFalse = z.stringbool('must be true or false');

export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `must be one of ${values.join(', ')}`);

/** Without the brackets around an IPv6 address. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

export const url = (protocol: RegExp) =>
  z.url({ protocol, error: 'must be a URL', abort: true }).superRefine((value, { addIssue }) => {
    const parsed = new URL(value);
    if (!isHost(hostOf(parsed))) addIssue('must name a host that can exist');
    if (parsed.search || parsed.hash || parsed.username || parsed.password)
      addIssue('must have a host and perhaps a path, and nothing else');
  });

/** An address to listen on: 0.0.0.0 and :: are all addresses. */
export const listening = z.string().refine(isHost, 'must be an IP address of this machine, or a host name');

/** Whether this is a host, with or without a port, that can be called. */
const canBeAsked = (value: string): boolean => {
  const { host } = splitHostAndPort(value) ?? {};
  return host !== undefined && !isOfNobody(host);
};

export const hostName = z
  .string()
  .refine(canBeAsked, 'must be a host name')
  .transform((value) => (isIPv6(value) ? `[${value}]` : value.toLowerCase()));

/** Leaves out percent-encoded paths of sockets, which are not hosts. */
const hostsOfMongo = (uri: string): string[] =>
  (/^[^:]+:\/\/(?:[^@/]*@)?([^/?]*)/.exec(uri)?.[1] ?? '').split(',').filter((host) => !/^%2F/i.test(host));

/** Not `z.url`, which refuses a list of hosts. */
export const databaseUri = z
  .string()
  .regex(/^mongodb(\+srv)?:\/\/[^\s/]+/, 'must be a MongoDB connection string')
  .refine((uri) => hostsOfMongo(uri).every(canBeAsked), 'must name hosts that can exist');

export const chosenApiKey = z
  .string()
  .refine((key) => formOf(key) !== undefined, 'must be tl_live_ and 43 or more of A-Z a-z 0-9 _ -');

const commaSeparated = z.string().transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean),
);

/** Names the wrong part of the list in the message. */
const requireAddress = (value: string, { addIssue }: { addIssue(message: string): void }): void => {
  for (const { message } of AllowedAddress.safeParse(value).error?.issues ?? [])
    addIssue(`names ${value}, which ${message}`);
};

/** Addresses and ranges. Gives an empty list for `*`, and for a list that lets everyone in: all addresses. */
export const addresses = commaSeparated
  .superRefine((parts, context) => {
    if (parts.length === 0) context.addIssue('must be IP addresses or ranges separated by commas, or * for all');
    else if (parts.join() !== '*') for (const part of parts) requireAddress(part, context);
  })
  .transform((parts) => (parts.join() === '*' || letsEveryoneIn(parts) ? [] : parts));

const isProxy = (value: string): boolean =>
  ['loopback', 'linklocal', 'uniquelocal'].includes(value) || AllowedAddress.safeParse(value).success;

/** A count of proxies, or their addresses, as Express's `trust proxy` takes them. */
export const trustedProxies = z
  .union(
    [
      z
        .string()
        .regex(/^[0-9]{1,3}$/)
        .transform(Number),
      commaSeparated.refine((parts) => parts.length > 0 && parts.every(isProxy), { abort: true }),
    ],
    'must be the number of proxies, or their addresses or ranges separated by commas',
  )
  .refine(
    (given) => typeof given === 'number' || !letsEveryoneIn(given.filter((part) => part.includes('/'))),
    'must not be everyone, who could then claim any address: name your proxies, or say how many there are',
  );

export const encryptionKeys = commaSeparated.transform((parts, ctx): KeyRing => {
  const keys = parts.map((part): [string, Uint8Array] => {
    const [, id = '', key = ''] = /^([A-Za-z0-9_-]+):(.*)$/.exec(part) ?? [];
    return [id, Buffer.from(key, 'base64')];
  });
  if (keys.length === 0 || keys.some(([id, key]) => id === '' || key.length !== 32)) {
    ctx.addIssue('must be id:key pairs separated by commas, each key 32 bytes in base64');
  } else if (new Set(keys.map(([id]) => id)).size < keys.length) {
    ctx.addIssue('must not have the same id twice');
  }
  return new Map(keys);
});
