import { z } from 'zod';
import { pageInput, Timestamp } from './envelope.ts';
import { KeyId } from './id.ts';
import { Role } from './permission.ts';
import { text } from './text.ts';

export const CreateApiKey = z
  .strictObject({
    name: text(100).meta({ description: 'What you call the key.', example: 'Support desk' }),
    role: Role,
    expires_at: z.iso.datetime('must be a time in ISO 8601 and UTC, as in 2030-01-31T00:00:00Z').optional().meta({
      description: 'When the key expires, at the latest when the key that makes it does. Default: when that does.',
      example: '2030-01-31T00:00:00Z',
    }),
  })
  .meta({ id: 'CreateApiKey', description: 'The key to create.' });
export type CreateApiKey = z.input<typeof CreateApiKey>;

export const ApiKey = z
  .strictObject({
    key_id: KeyId,
    name: z.string().meta({ description: 'What it is called.', example: 'Support desk' }),
    role: Role,
    prefix: z
      .string()
      .meta({ description: 'The first 12 characters of the key, to recognise it by.', example: 'tl_live_Jp3v' }),
    status: z.enum(['active', 'revoked', 'expired']).meta({
      id: 'ApiKeyStatus',
      description: 'Whether the key can be used.',
    }),
    created_at: Timestamp.meta({ description: 'When it was created.' }),
    last_used_at: Timestamp.nullable().meta({ description: 'When it was last used, to the minute. Null if never.' }),
    expires_at: Timestamp.nullable().meta({ description: 'When it expires. Null: never.' }),
    // Missing from answers that an earlier version stored.
    created_by: KeyId.nullable().default(null).meta({
      description:
        'The key that made it. Null for the first key of an organization, and for keys from before this was kept.',
    }),
  })
  .meta({ id: 'ApiKey', description: 'An API key, without the key itself.' });
export type ApiKey = z.infer<typeof ApiKey>;

/** `raw_key` is shown only once: we store only a hash of it. */
export const CreatedApiKey = z
  .strictObject({
    raw_key: z.string().meta({
      description:
        'Shown only this once. `tl_live_`, 32 random letters and digits, and 6 of checksum: the CRC-32 of the 40 characters before it, in base62 (0-9, A-Z, a-z).',
    }),
    key: ApiKey,
  })
  .meta({ id: 'CreatedApiKey', description: 'A new API key, with the key itself.' });
export type CreatedApiKey = z.infer<typeof CreatedApiKey>;

export const RevokeApiKey = z.strictObject({
  key_id: KeyId,
  descendants: z.boolean('must be true or false').default(false).meta({
    description: 'Also revokes the keys that it made, those that these made, and so on.',
  }),
});
export type RevokeApiKey = z.input<typeof RevokeApiKey>;
export type ParsedRevokeApiKey = z.output<typeof RevokeApiKey>;

export const ListApiKeys = z.strictObject(pageInput).prefault({});
export type ListApiKeys = z.input<typeof ListApiKeys>;
export type ParsedListApiKeys = z.output<typeof ListApiKeys>;
