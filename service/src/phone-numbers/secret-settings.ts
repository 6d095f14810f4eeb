import type { PhoneNumberId } from '@trunkline/contracts';
import type { Secrets } from '../database/secrets.ts';

/** The settings that are stored encrypted. `…_version` tells two secrets apart, as each encryption gives a new text. */
export const secretFields = ['inbound_pin', 'sip_password'] as const;
export type SecretField = (typeof secretFields)[number];

/** Binds a secret to its record: it cannot be decrypted in another. */
const placeOf = (phone_number_id: PhoneNumberId, field: SecretField) =>
  `phone_numbers/${phone_number_id}/${field}` as const;

export const sealSetting = async (
  secrets: Pick<Secrets, 'seal'>,
  phone_number_id: PhoneNumberId,
  field: SecretField,
  secret: string | null | undefined,
): Promise<string | null> =>
  secret === undefined || secret === null ? null : secrets.seal(secret, placeOf(phone_number_id, field));

export const openSetting = async (
  secrets: Pick<Secrets, 'open'>,
  phone_number_id: PhoneNumberId,
  field: SecretField,
  sealed: string | null,
): Promise<string | null> => (sealed === null ? null : secrets.open(sealed, placeOf(phone_number_id, field)));
