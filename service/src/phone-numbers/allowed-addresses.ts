import { letsEveryoneIn } from '@trunkline/contracts';
import type { SipRecord } from './record.ts';

/** Whether the addresses keep nobody out. */
export const isOpenToAll = (allowed_addresses: readonly string[]): boolean =>
  allowed_addresses.length === 0 || letsEveryoneIn(allowed_addresses);

type Guards = Pick<SipRecord, 'allowed_addresses' | 'sip_username' | 'inbound_authentication'>;

/**
 * As it was asked for, or else by what is there: many carriers cannot answer a digest challenge, so it is asked for only
 * where nothing else tells who calls.
 */
export const authenticationOf = ({ allowed_addresses, sip_username, inbound_authentication }: Guards) =>
  inbound_authentication ?? (isOpenToAll(allowed_addresses) && sip_username !== null ? 'digest' : 'none');

/** What to say of a list that looks like a guard, and is none. */
export const openListWarnings = (record: Guards): string[] => {
  if (!letsEveryoneIn(record.allowed_addresses)) return [];
  const instead = authenticationOf(record) === 'digest' ? ': callers must prove sip_username and sip_password' : '';
  return [
    `allowed_addresses lets everyone in, so it counts as no list${instead}. To keep anyone out, name only your carrier's addresses.`,
  ];
};
