import type { IntegrationId, OrganizationId, ParsedListPhoneNumbers, PhoneNumberId } from '@trunkline/contracts';
import type { Collection, Index } from '../database/collection.ts';
import { readPage, readPageBy } from '../database/page.ts';
import type { PhoneNumberRecord } from './record.ts';

// A page costs the same however many numbers there are: each filter has an index in the order of its list, and the
// database reads only the rows that it returns. `holds` is in each index so that counting reads no rows.
const filtered = ['label', 'assigned_agent_id', 'integration_id', 'provisioning_state', 'provider'] as const;
const newestBy = (field: (typeof filtered)[number]): Index['key'] => ({
  organization_id: 1,
  [field]: 1,
  status: 1,
  _id: -1,
  holds: 1,
});
const byNumber: Index['key'] = { organization_id: 1, status: 1, phone_number: 1, holds: 1 };

export const listIndexes = [...filtered.map(newestBy), byNumber].map(
  // The row of a released number holds none.
  (key): Index => ({ key, partialFilterExpression: { holds: { $exists: true } } }),
);

/** One page of an organization's numbers. Of two filters, one uses its index and the other checks what that finds. */
export const listPhoneNumbers = (
  records: Collection<PhoneNumberRecord>,
  organization_id: OrganizationId,
  { cursor, page_size, include_total, ...filters }: ParsedListPhoneNumbers,
) => {
  const { status, phone_number, phone_number_prefix } = filters;
  const page = { cursor, page_size, include_total };
  const asked = fieldsOf(filters);
  const filter = {
    organization_id,
    holds: { $gt: '' },
    // Every status is named, so that the index then gives the order of the list.
    status: { $in: status ? [status] : ['assigned', 'free'] },
    ...asked,
  };
  if (phone_number !== undefined || phone_number_prefix !== undefined) {
    const among = {
      ...(phone_number !== undefined && { $eq: phone_number }),
      // In text order, a colon comes after every digit.
      ...(phone_number_prefix !== undefined && { $gte: phone_number_prefix, $lt: `${phone_number_prefix}:` }),
    };
    return readPageBy(records, 'phone_number', { filter: { ...filter, phone_number: among }, index: byNumber }, page);
  }
  const first = filtered.find((field) => field in asked);
  if (first !== undefined) return readPage(records, { filter, index: newestBy(first) }, page);
  const ofAny = { ...filter, provider: { $in: ['sip', 'twilio'] } };
  return readPage(records, { filter: ofAny, index: newestBy('provider') }, page);
};

/** Every number of an integration that was seen in its account, in pages. `number_sid` null: the id was lost since. */
export async function* numbersOfIntegration(
  records: Pick<Collection<PhoneNumberRecord>, 'newest'>,
  { organization_id, integration_id }: { organization_id: OrganizationId; integration_id: IntegrationId },
): AsyncGenerator<
  { phone_number_id: PhoneNumberId; phone_number: string; number_sid: string | null; is_caller_id: boolean }[]
> {
  const filter = { organization_id, integration_id, holds: { $gt: '' }, status: { $in: ['assigned', 'free'] } };
  for (let before = {}; ; ) {
    const page = { limit: ROWS_AT_ONCE, index: newestBy('integration_id') };
    const found = await records.newest({ ...filter, ...before }, page);
    yield found.flatMap(({ row: { phone_number_id, phone_number, provisioning_state, provisioning } }) => {
      const { number_sid, caller_id_sid } = provisioning.known;
      return number_sid === null && provisioning_state === 'importing'
        ? []
        : [{ phone_number_id, phone_number, number_sid, is_caller_id: caller_id_sid !== undefined }];
    });
    const last = found.at(-1);
    if (last === undefined || found.length < ROWS_AT_ONCE) return;
    before = { _id: { $lt: last._id } };
  }
}

const ROWS_AT_ONCE = 500;

const fieldsOf = ({
  provider,
  integration_id,
  provisioning_state,
  assigned_agent_id,
  label,
}: Pick<ParsedListPhoneNumbers, (typeof filtered)[number]>) => ({
  ...(label !== undefined && { label }),
  ...(assigned_agent_id !== undefined && { assigned_agent_id }),
  ...(integration_id === undefined && provider !== undefined && { provider }),
  // Every number of an integration is Twilio's.
  ...(integration_id !== undefined && { integration_id: provider === 'sip' ? { $in: [] } : integration_id }),
  // As callers see it: a released row that holds its number again is removing leftovers.
  ...(provisioning_state !== undefined && {
    provisioning_state: provisioning_state === 'releasing' ? { $in: ['releasing', 'gone'] } : provisioning_state,
  }),
});
