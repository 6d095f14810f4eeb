import { z } from 'zod';
import { ifRevision, pageInput, revision, Timestamp } from './envelope.ts';
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

const proofs = {
  auth_token: secret("the account's auth token").optional().meta({
    description: "The account's auth token. Give this, or an API key.",
  }),
  api_key_sid: sid('SK', "the API key's SID").optional().meta({
    description: 'The SID of an API key of the account: `SK` and 32 hex digits. With `api_key_secret`.',
  }),
  api_key_secret: secret("the API key's secret").optional().meta({
    description: 'The secret of the API key. With `api_key_sid`.',
  }),
};

type Proofs = { [Field in keyof typeof proofs]?: string | undefined };

/** Either a token, or a key with its secret. */
const isOneProof = ({ auth_token, api_key_sid, api_key_secret }: Proofs) =>
  auth_token === undefined
    ? api_key_sid !== undefined && api_key_secret !== undefined
    : api_key_sid === undefined && api_key_secret === undefined;
const ONE_PROOF = 'needs either auth_token, or api_key_sid and api_key_secret';

const RoutingCredentials = z.strictObject(proofs).refine(isOneProof, ONE_PROOF).meta({
  id: 'TwilioRoutingCredentials',
  description:
    "Credentials of the same account in `us1`, for one of another Region. Twilio's table of which Region handles a number's calls is asked there: with them an import sees that, and with `replace_existing_routing` moves the number. Never answered.",
});

/** A Twilio account's credentials: its auth token, or one of its API keys. Never returned. */
export const TwilioCredentials = z
  .strictObject({
    provider: z.literal('twilio', 'must be twilio').meta({ description: 'Whose account it is.' }),
    account_sid: sid('AC', "the account's SID").meta({ description: "The account's SID: `AC` and 32 hex digits." }),
    ...proofs,
    region: z.enum(['us1', 'ie1', 'au1']).meta({ id: 'TwilioRegion' }).optional().meta({
      description: "Twilio's Region that the credentials belong to. Default: `us1`.",
    }),
    routing_credentials: RoutingCredentials.optional(),
  })
  .refine(isOneProof, ONE_PROOF)
  .refine(({ region = 'us1', routing_credentials }) => routing_credentials === undefined || region !== 'us1', {
    error: 'is for a region other than us1: the credentials of us1 do without',
    path: ['routing_credentials'],
  })
  .meta({
    id: 'TwilioCredentials',
    description: "A Twilio account's credentials: its auth token, or an API key of it. Never answered.",
  });
export type TwilioCredentials = z.input<typeof TwilioCredentials>;

/** Twilio's `transfer_mode` of a trunk. https://www.twilio.com/docs/sip-trunking/call-transfer */
const CallTransfers = z.enum(['disabled', 'sip', 'all']).meta({
  id: 'CallTransfers',
  description:
    'Whether an agent can transfer a call away (a SIP REFER): `disabled` not at all, `sip` to SIP addresses, `all` also to phone numbers. The account pays for the call to whoever it is transferred to.',
});

const name = text(100).meta({ description: 'What you call the account.', example: 'Our Twilio account' });

export const CreateIntegration = z
  .strictObject({
    name,
    credentials: TwilioCredentials,
    call_transfers: CallTransfers.default('disabled'),
  })
  .meta({ id: 'CreateIntegration', description: 'The account to integrate.' });
export type CreateIntegration = z.input<typeof CreateIntegration>;
export type ParsedCreateIntegration = z.output<typeof CreateIntegration>;

export const UpdateIntegration = z
  .strictObject({
    integration_id: IntegrationId,
    ...ifRevision,
    name: name.optional(),
    credentials: TwilioCredentials.optional().meta({
      description:
        'New credentials, of the same account and Region. They are tried at Twilio first, and must reach every imported number. If you leave out `routing_credentials`, those that are stored stay.',
    }),
    call_transfers: CallTransfers.optional(),
    rotate_trunk_password: z.literal(true, 'must be true').optional().meta({
      description:
        "Give the account's trunk at Twilio another user name and password. No call is refused meanwhile: both work until no number dials with the former ones.",
    }),
  })
  .refine(({ integration_id, if_revision, ...changes }) => Object.values(changes).some((it) => it !== undefined), {
    error: 'must name what to change: name, credentials, call_transfers or rotate_trunk_password',
  })
  .meta({ id: 'UpdateIntegration', description: 'What to change. A field that you leave out stays as it is.' });
export type UpdateIntegration = z.input<typeof UpdateIntegration>;
export type ParsedUpdateIntegration = z.output<typeof UpdateIntegration>;

const TrunkPasswordRotation = z
  .strictObject({
    since: Timestamp.meta({ description: 'When it was asked for.' }),
    phone_number_count: z
      .int()
      .meta({ description: 'How many numbers still dial with the former user name and password.', example: 12 }),
    problem: z
      .strictObject({
        code: z.string().meta({ description: 'Which problem it is.' }),
        detail: z.string().meta({ description: 'What happened, in a sentence.' }),
      })
      .optional()
      .meta({ description: 'What Twilio answered when a step last failed. It is tried again.' }),
  })
  .meta({
    id: 'TrunkPasswordRotation',
    description:
      "How far the change of the trunk's user name and password is. What holds a number up stands in its `provisioning`.",
  });

/** An organization's Twilio account. `status` is what Twilio last said of its credentials. */
export const Integration = z
  .strictObject({
    integration_id: IntegrationId,
    name: z.string().meta({ description: 'What you call the account.', example: 'Our Twilio account' }),
    revision: revision.default(1),
    provider: z.literal('twilio').meta({ description: 'Whose account it is.' }),
    category: z.literal('telephony').meta({ description: 'What the account is for.' }),
    status: z.enum(['active', 'refused']).meta({
      id: 'IntegrationStatus',
      description: 'What Twilio last said of the credentials.',
    }),
    /** Missing from stored answers of an older version that are repeated. */
    state: z.enum(['active', 'deleting']).default('active').meta({
      id: 'IntegrationState',
      description: '`deleting` while what it has at Twilio is removed: no import can use it then.',
    }),
    account_sid: z.string().meta({ description: "The account's SID." }),
    credential_kind: z.enum(['auth_token', 'api_key']).meta({
      id: 'CredentialKind',
      description: 'Which credentials are kept: the auth token, or an API key.',
    }),
    region: z.string().nullable().meta({
      description: "Twilio's Region of the credentials. Null: `us1`. An account may have an integration in each.",
    }),
    /** These two are missing from stored answers of an older version that are repeated. */
    has_routing_credentials: z.boolean().default(false).meta({
      description: 'Whether `routing_credentials` are kept. They are never answered.',
    }),
    call_transfers: CallTransfers.nullable().default(null).meta({
      description:
        'Whether an agent can transfer a call away. Null: the account was integrated before this could be set, and the Twilio console decides.',
    }),
    trunk_password_rotation: TrunkPasswordRotation.nullable().default(null).meta({
      description: "The change of the trunk's user name and password that is under way. Null: there is none.",
    }),
    warnings: z
      .array(z.string().meta({ description: 'A sentence.' }))
      .optional()
      .meta({ description: 'What you should know about the account.' }),
    created_at: Timestamp.meta({ description: 'When the account was integrated.' }),
    updated_at: Timestamp.meta({ description: 'When the record last changed.' }),
  })
  .meta({ id: 'Integration', description: "An organization's Twilio account." });
export type Integration = z.infer<typeof Integration>;

export const NameIntegration = z.strictObject({ integration_id: IntegrationId });
export type NameIntegration = z.input<typeof NameIntegration>;

export const DeleteIntegration = z.strictObject({
  integration_id: IntegrationId,
  ...ifRevision,
  force: z.boolean().default(false).meta({
    description:
      'Delete it even if Twilio refuses to remove what it has there, as for a closed account. `warnings` tells what is left. It releases no number.',
  }),
});
export type DeleteIntegration = z.input<typeof DeleteIntegration>;
export type ParsedDeleteIntegration = z.output<typeof DeleteIntegration>;

/** The answer to the deletion of an integration. */
export const DeletedIntegration = z
  .strictObject({
    integration_id: IntegrationId,
    name: z.string().meta({ description: 'What you called the account.' }),
    account_sid: z.string().meta({ description: "The account's SID." }),
    state: z.enum(['deleted', 'deleting']).meta({
      id: 'DeletionState',
      description: '`deleted` if nothing is left to do, `deleting` while the rest goes on in the background.',
    }),
    warnings: z
      .array(z.string().meta({ description: 'A sentence.' }))
      .optional()
      .meta({ description: 'What was left at Twilio.' }),
  })
  .meta({ id: 'DeletedIntegration', description: 'What became of the deletion of an integration.' });
export type DeletedIntegration = z.infer<typeof DeletedIntegration>;

export const ListIntegrations = z.strictObject(pageInput).prefault({});
export type ListIntegrations = z.input<typeof ListIntegrations>;
export type ParsedListIntegrations = z.output<typeof ListIntegrations>;
