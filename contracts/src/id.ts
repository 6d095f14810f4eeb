import { z } from 'zod';

const hex12 = z.string().regex(/[0-9a-f]{12}/);

/** A public id: the resource's prefix and 12 hex digits, as in `phon_a1b2c3d4e5f6`. */
const idOf = <Prefix extends string>(prefix: Prefix, of: string) =>
  z
    .templateLiteral([prefix, '_', hex12], {
      error: `must be an id of the form ${prefix}_ and 12 hex digits, as in ${prefix}_a1b2c3d4e5f6`,
    })
    .meta({ description: `The id of the ${of}.`, example: `${prefix}_a1b2c3d4e5f6` });

export const PhoneNumberId = idOf('phon', 'phone number');
export const IntegrationId = idOf('intg', 'integration');
export const OrganizationId = idOf('org', 'organization');
export const KeyId = idOf('key', 'API key');

export type PhoneNumberId = z.infer<typeof PhoneNumberId>;
export type IntegrationId = z.infer<typeof IntegrationId>;
export type OrganizationId = z.infer<typeof OrganizationId>;
export type KeyId = z.infer<typeof KeyId>;
export type EventId = `evnt_${string}`;
