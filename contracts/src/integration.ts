import { z } from 'zod';
import { pageInput, Timestamp } from './envelope.ts';
import { IntegrationId } from './id.ts';
import { text } from './text.ts';

const sid = (prefix: 'AC' | 'SK', what: string) =>
  z
    .string(`must be ${what}: ${prefix} and 32 hex digits`)
    .regex(new RegExp(`^${prefix}[0-9a-fA-F]{32}$`), `must be ${what}: ${prefix} and 32 hex digits`);

const secret = (what: string) =>
  z
    .string(`must be ${what}`)
    .regex(/^[\x21-\x7e]{1,128}$/, `must be ${what}: 1 to 128 printable characters without blanks`);

/** A Twilio account's credentials: its auth token, or an API key of it. Never answered. */
export const TwilioCredentials = z
  .strictObject({
    provider: z.literal('twilio', 'must be twilio'),
    account_sid: sid('AC', "the account's SID"),
    auth_token: secret("the account's auth token").optional(),
    api_key_sid: sid('SK', "the API key's SID").optional(),
    api_key_secret: secret("the API key's secret").optional(),
    region: z.enum(['us1', 'ie1', 'au1']).optional().meta({ description: 'Default: us1.' }),
  })
  .refine(
    ({ auth_token, api_key_sid, api_key_secret }) =>
      auth_token === undefined
        ? api_key_sid !== undefined && api_key_secret !== undefined
        : api_key_sid === undefined && api_key_secret === undefined,
    'needs either auth_token, or api_key_sid and api_key_secret',
  )
  .meta({ id: 'TwilioCredentials' });
export type TwilioCredentials = z.input<typeof TwilioCredentials>;

export const CreateIntegration = z.strictObject({
  name: text(100),
  credentials: TwilioCredentials,
});
export type CreateIntegration = z.input<typeof CreateIntegration>;

/** An organization's Twilio account. `status` is what Twilio last said of its credentials. */
export const Integration = z
  .strictObject({
    integration_id: IntegrationId,
    name: z.string(),
    provider: z.literal('twilio'),
    category: z.literal('telephony'),
    status: z.enum(['active', 'refused']),
    account_sid: z.string(),
    credential_kind: z.enum(['auth_token', 'api_key']),
    region: z.string().nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .meta({ id: 'Integration' });
export type Integration = z.infer<typeof Integration>;

export const NameIntegration = z.strictObject({ integration_id: IntegrationId });
export type NameIntegration = z.input<typeof NameIntegration>;

export const ListIntegrations = z.strictObject(pageInput).prefault({});
export type ListIntegrations = z.input<typeof ListIntegrations>;
export type ParsedListIntegrations = z.output<typeof ListIntegrations>;
