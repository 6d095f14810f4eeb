import { Problem } from '@trunkline/contracts';

/** The most that an organization may have of each. */
export interface Quotas {
  /** Active keys: neither revoked nor expired. */
  api_keys: number;
  integrations: number;
  phone_numbers: number;
}

/**
 * Throws `quota_reached` if an organization has as many as it may. `count` can stop at `limit`. Concurrent requests are
 * not counted, unless the caller locks them out.
 */
export const requireRoom = async (
  quota: keyof Quotas,
  limit: number,
  count: (limit: number) => Promise<number>,
): Promise<void> => {
  if ((await count(limit)) < limit) return;
  const { what, howToGoOn } = told[quota];
  throw new Problem(
    'quota_reached',
    `Your organization has reached its limit of ${limit} ${what}. ${howToGoOn}sk the operator of this service to raise MAX_${quota.toUpperCase()}.`,
    { quota, limit },
  );
};

const told = {
  api_keys: { what: 'active API keys', howToGoOn: 'Revoke one, or a' },
  integrations: { what: 'integrations', howToGoOn: 'Use an existing one, or a' },
  phone_numbers: { what: 'phone numbers', howToGoOn: 'A' },
};
