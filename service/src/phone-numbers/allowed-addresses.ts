import { letsEveryoneIn } from '@trunkline/contracts';
import type { PhoneNumberRecord } from './record.ts';

type SipRecord = Extract<PhoneNumberRecord, { provider: 'sip' }>;

/** Whether the addresses keep nobody out. */
export const isOpenToAll = (allowed_addresses: readonly string[]): boolean =>
  allowed_addresses.length === 0 || letsEveryoneIn(allowed_addresses);

/** Many carriers cannot answer a digest challenge: it is asked for only where nothing else tells who calls. */
export const defaultAuthentication = ({
  allowed_addresses,
  sip_username,
}: Pick<SipRecord, 'allowed_addresses' | 'sip_username'>): 'digest' | 'none' =>
  isOpenToAll(allowed_addresses) && sip_username !== null ? 'digest' : 'none';

/** What to say of a list that looks like a guard, and is none. */
export const openListWarnings = ({
  allowed_addresses,
  inbound_authentication,
}: Pick<SipRecord, 'allowed_addresses' | 'inbound_authentication'>): string[] => {
  if (!letsEveryoneIn(allowed_addresses)) return [];
  const instead = inbound_authentication === 'digest' ? ': callers must prove sip_username and sip_password' : '';
  return [
    `allowed_addresses lets everyone in, so it counts as no list${instead}. To keep anyone out, name your carrier's addresses alone.`,
  ];
};
