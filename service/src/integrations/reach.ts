import { Problem } from '@trunkline/contracts';
import type { NumberList } from './available-numbers.ts';
import type { IntegrationRecord } from './record.ts';

/** A number that uses an integration. */
interface ReferringNumber {
  phone_number_id: string;
  phone_number: string;
  /** Twilio's id. Null: lost, as in records of schema 1. */
  number_sid: string | null;
  /** Whether it is another carrier's number that the account may call from. */
  is_caller_id: boolean;
}

/** Every number of an integration that was seen in its account, in pages. */
export type NumbersOf = (
  integration: Pick<IntegrationRecord, 'organization_id' | 'integration_id'>,
) => AsyncIterable<readonly ReferringNumber[]>;

/** Twilio's largest page. https://www.twilio.com/docs/usage/twilios-response */
const PAGE_SIZE = 1000;
/** The most numbers that a problem lists. Its sentence names fewer. */
export const MOST_LISTED = 100;
const MOST_NAMED = 10;

export const counted = (count: number): string => `${count} phone number${count === 1 ? '' : 's'}`;

/** Names the first of these numbers in a sentence, and how many more there are. */
export const naming = (listed: readonly Pick<ReferringNumber, 'phone_number'>[], count: number): string => {
  const named = listed.slice(0, MOST_NAMED).map(({ phone_number }) => phone_number);
  const more = count > named.length ? [`${count - named.length} more`] : [];
  return [...named, ...more].join(', ');
};

export interface ReachedAccount extends NumberList {
  /** The numbers of other carriers that it may call from. */
  listCallerIds(): Promise<ReadonlySet<string>>;
}

/** Throws if these credentials do not reach all numbers of the integration, and names the missing ones. */
export const requireReach = async (
  account: ReachedAccount,
  integration: IntegrationRecord,
  numbersOf: NumbersOf,
): Promise<void> => {
  const owned = await numbersIn(account);
  const lost: Pick<ReferringNumber, 'phone_number_id' | 'phone_number'>[] = [];
  let count = 0;
  let caller_ids: ReadonlySet<string> | undefined;
  for await (const numbers of numbersOf(integration)) {
    for (const { number_sid, is_caller_id, phone_number_id, phone_number } of numbers) {
      if (owned.has(number_sid ?? phone_number)) continue;
      if (is_caller_id) caller_ids ??= await account.listCallerIds();
      if (is_caller_id && caller_ids?.has(phone_number)) continue;
      count++;
      if (lost.length < MOST_LISTED) lost.push({ phone_number_id, phone_number });
    }
  }
  if (count === 0) return;
  throw new Problem(
    'phone_number_not_owned',
    `These credentials do not reach ${count} of the numbers of ${integration.integration_id}: ${naming(lost, count)}. Nothing was changed. Use credentials that reach them, or release these numbers first.`,
    { phone_numbers: lost, phone_number_count: count },
  );
};

/** An account's numbers, and their ids. */
const numbersIn = async (account: NumberList): Promise<ReadonlySet<string>> => {
  const owned = new Set<string>();
  const read = new Set<string>();
  for (let after: Parameters<NumberList['listNumbers']>[0]['after']; ; ) {
    const { numbers, next } = await account.listNumbers({ page_size: PAGE_SIZE, after });
    for (const { number_sid, phone_number } of numbers) owned.add(number_sid).add(phone_number);
    if (next === null) return owned;
    if (read.has(next.page_token)) throw new Error('The list comes back to a page that was read already');
    read.add(next.page_token);
    after = next;
  }
};
