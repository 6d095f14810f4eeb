import { letsEveryoneIn } from '@trunkline/contracts';
import type { SipRecord } from './record.ts';

/** Whether these addresses let everyone in. */
export const isOpenToAll = (allowed_addresses: readonly string[]): boolean =>
  allowed_addresses.length === 0 || letsEveryoneIn(allowed_addresses);

type Guards = Pick<SipRecord, 'allowed_addresses' | 'sip_username' | 'inbound_authentication'>;

/**
 * The authentication that was asked for. By default digest only if nothing else identifies callers, since many carriers
 * cannot answer a digest challenge.
 */
export const authenticationOf = ({ allowed_addresses, sip_username, inbound_authentication }: Guards) =>
  inbound_authentication ?? (isOpenToAll(allowed_addresses) && sip_username !== null ? 'digest' : 'none');

/** Warns of a list that looks like a restriction but lets everyone in. */
export const openListWarnings = (record: Guards): string[] => {
  if (!letsEveryoneIn(record.allowed_addresses)) return [];
  const instead = authenticationOf(record) === 'digest' ? ': callers must prove sip_username and sip_password' : '';
  return [
    `allowed_addresses lets everyone in, so it counts as no list${instead}. To keep anyone out, name only your carrier's addresses.`,
  ];
};
