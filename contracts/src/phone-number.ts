import { z } from 'zod';
import { AllowedAddress, isOfNobody } from './address.ts';
import { E164, E164InQuery, E164PrefixInQuery } from './e164.ts';
import { ifRevision, pageInput, revision, Timestamp } from './envelope.ts';
import { isHost, splitHostAndPort } from './host.ts';
import { IntegrationId, PhoneNumberId } from './id.ts';
import { exactName, mustNotContain, text } from './text.ts';

/** The name that a LiveKit agent worker registers with. */
export const AgentId = exactName(128).meta({
  description: 'The LiveKit agent name that is dispatched to each caller.',
  example: 'receptionist',
});

const SERVER_ADDRESS = 'must be a host name or IP address, with or without a port, as in sip.example.com:5060';

/** A host name, an IP address, or either with a port. Not a SIP URI: LiveKit refuses those. */
const SipServerAddress = z
  .string(SERVER_ADDRESS)
  .max(260, 'is too long')
  .superRefine((given, { addIssue }) => {
    const { host } = splitHostAndPort(given) ?? {};
    if (host === undefined || host.includes('_')) addIssue(`${SERVER_ADDRESS}, not a SIP URI`);
    else if (isOfNobody(host)) addIssue('must be an address that a call can be sent to: nobody has this one');
  })
  .meta({ example: 'sip.example.com:5060' });

const FROM_HOST = 'must be a host name or IP address, without a port, as in example.com';

const SipFromHost = z
  .string(FROM_HOST)
  .max(253, { error: 'is too long', abort: true })
  .refine((given) => isHost(given) && !given.includes('_'), FROM_HOST)
  .meta({ example: 'example.com' });

/**
 * The prefix of each caller's own room, as LiveKit gets it: without the `*` that some people add. LiveKit joins it with
 * `_`, so `support` gives `support_<caller>_<random>`, and `call-` gives `call-_<caller>_<random>`.
 */
const RoomName = z
  .string('must be a room name prefix of letters, digits, - and _')
  .max(200, 'must have 200 characters at most')
  .regex(
    /^(?=.*[A-Za-z0-9])[A-Za-z0-9_-]+\*?$/,
    'must be a room name prefix of letters, digits, - and _ (LiveKit knows no placeholders), as in support or support-*',
  )
  .overwrite((given) => given.replace(/\*$/, ''))
  .meta({ example: 'support' });

/** The defaults of an import. */
export const importDefaults = {
  supports_inbound: false,
  supports_outbound: false,
  inbound_room_name: 'call',
  media_encryption: 'allow',
  sip_transport: 'auto',
} as const;

/** Callers type it on the telephone, so it has digits only. */
const Pin = z
  .string('must be a text of 4 to 10 digits')
  .regex(/^[0-9]{4,10}$/, 'must have 4 to 10 digits: nothing else can be dialled');

const UNQUOTED = /^[^"'<>;\\]*$/;

/** It is written into SIP headers, in quotes and next to parameters, where these characters would end it. */
const SipUsername = exactName(128).regex(UNQUOTED, { error: ({ input }) => mustNotContain(input, UNQUOTED) });

const MediaEncryption = z.enum(['disable', 'allow', 'require']).meta({
  id: 'MediaEncryption',
  description:
    'Whether the sound of a call is encrypted (SRTP): `disable` never, `allow` if the other side does, `require` always.',
});
const SipTransport = z.enum(['auto', 'udp', 'tcp', 'tls']).meta({
  id: 'SipTransport',
  description: 'What outbound calls are signalled over. `auto` lets LiveKit choose.',
});
const InboundAuthentication = z.enum(['digest', 'none']).meta({
  id: 'InboundAuthentication',
  description: 'Whether a caller must prove `sip_username` and `sip_password`: `digest` yes, `none` no.',
});

export const Provider = z.enum(['twilio', 'sip']).meta({
  id: 'Provider',
  description: 'Who owns the number on the telephone network: `twilio`, or a carrier behind a SIP trunk, `sip`.',
});
export type Provider = z.infer<typeof Provider>;

/** The settings of numbers of both providers. */
const settings = {
  supports_inbound: z.boolean().meta({ description: 'Calls to the number reach an agent.' }),
  supports_outbound: z.boolean().meta({ description: 'Agents can call from the number.' }),
  inbound_room_name: RoomName.meta({
    description: "The prefix of each caller's own room: `support` or `support*` gives `support_<caller>_<random>`.",
    example: 'support',
  }),
  inbound_pin: Pin.meta({
    description: '4 to 10 digits that callers must dial first. Never answered.',
    example: '4711',
  }),
};

const replaceExistingRouting = z.boolean().meta({
  description:
    "Take the number off a trunk or voice application that is not Trunkline's. Its former routing is stored, and a release restores it.",
});

/** The settings that only numbers behind a SIP trunk have. */
export const settingsOfSip = {
  sip_trunk_name: text(64).meta({
    description: 'What the trunks are called at LiveKit. Default: the phone number.',
    example: 'my-trunk',
  }),
  sip_username: SipUsername.meta({
    description: 'The user name of the SIP trunk. With `sip_password`, or neither.',
    example: 'user',
  }),
  sip_password: text(128).meta({
    description: 'The password of the SIP trunk. With `sip_username`, or neither. Never answered.',
  }),
  sip_server_address: SipServerAddress.meta({
    description: 'Where outbound calls go: a host name or IP address, with or without a port. Required for outbound.',
  }),
  sip_from_host: SipFromHost.meta({
    description:
      'The host in the From header of outbound calls, where your carrier asks for its own. Default: that of LiveKit.',
  }),
  media_encryption: MediaEncryption,
  allowed_addresses: z.array(AllowedAddress).min(1, 'must name an address, or be left out').max(100).meta({
    description:
      'IP addresses or ranges that calls are taken from. LiveKit compares an entry with the address that a caller claims, too: the list keeps out scanners and mistakes, and proves nothing. Only `inbound_authentication: digest` proves who calls. A list that lets everyone in, as 0.0.0.0/0, counts as none.',
  }),
  sip_transport: SipTransport,
  inbound_authentication: InboundAuthentication.meta({
    description:
      '`digest`: a caller must prove `sip_username` and `sip_password`; many carriers cannot. Default: `none` with `allowed_addresses` that keep anyone out, or without credentials, else `digest`.',
  }),
};

const importOfEither = {
  phone_number: E164,
  supports_inbound: settings.supports_inbound.default(importDefaults.supports_inbound),
  supports_outbound: settings.supports_outbound.default(importDefaults.supports_outbound),
  inbound_room_name: settings.inbound_room_name.default(importDefaults.inbound_room_name),
  inbound_pin: settings.inbound_pin.optional(),
  agent_id: AgentId.optional().meta({ description: 'Assigns the number at once to the LiveKit agent of this name.' }),
};

const ImportFromTwilio = z
  .strictObject({
    provider: z.literal('twilio').meta({ description: 'The number is in a Twilio account.' }),
    ...importOfEither,
    integration_id: IntegrationId.meta({
      description: 'The integration of the Twilio account that owns the number.',
    }),
    replace_existing_routing: replaceExistingRouting.default(false),
  })
  .meta({ id: 'ImportFromTwilio', description: 'A number of a Twilio account.' });

const ImportFromSip = z
  .strictObject({
    provider: z.literal('sip').meta({ description: 'The number reaches you over a SIP trunk.' }),
    ...importOfEither,
    sip_trunk_name: settingsOfSip.sip_trunk_name.optional(),
    sip_username: settingsOfSip.sip_username.optional(),
    sip_password: settingsOfSip.sip_password.optional(),
    sip_server_address: settingsOfSip.sip_server_address.optional(),
    sip_from_host: settingsOfSip.sip_from_host.optional(),
    media_encryption: settingsOfSip.media_encryption.default(importDefaults.media_encryption),
    allowed_addresses: settingsOfSip.allowed_addresses.optional(),
    sip_transport: settingsOfSip.sip_transport.default(importDefaults.sip_transport),
    inbound_authentication: settingsOfSip.inbound_authentication.optional(),
  })
  .meta({ id: 'ImportFromSip', description: 'A number behind a SIP trunk.' });

/** The input of `phoneNumbers.import`. All faults are reported at once, including those between fields. */
export const ImportPhoneNumber = z
  .discriminatedUnion('provider', [ImportFromTwilio, ImportFromSip], { error: 'must be twilio or sip' })
  .check(...[faultsBetweenFields, faultsWithoutProvider].map(always))
  .meta({
    id: 'ImportPhoneNumber',
    description: 'The number to import. `provider` tells which fields it takes.',
  });
export type ImportPhoneNumber = z.input<typeof ImportPhoneNumber>;
/** The input with defaults filled in, as handlers get it. */
export type ParsedImportPhoneNumber = z.output<typeof ImportPhoneNumber>;

type Fault = readonly [field: string, message: string];

/** Runs even if single fields have faults, so that the caller sees all faults at once. */
function always(findFaults: (input: Record<string, unknown>) => readonly Fault[]) {
  const check = z.check<unknown>(({ value, issues }) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [field, message] of findFaults({ ...value })) {
      issues.push({ code: 'custom', input: value, path: [field], message });
    }
  });
  check._zod.def.when = () => true;
  return check;
}

/** Finds contradictions in an import, or in a number as an update would leave it. */
export function faultsBetweenFields(input: Record<string, unknown>): readonly Fault[] {
  if (input.provider !== 'sip') return [];
  const faults: Fault[] = [];
  const has = (field: string) => input[field] !== undefined;
  if (has('sip_username') && !has('sip_password')) faults.push(['sip_password', 'is required with sip_username']);
  if (has('sip_password') && !has('sip_username')) faults.push(['sip_username', 'is required with sip_password']);
  if (input.supports_outbound === true && !has('sip_server_address')) {
    faults.push(['sip_server_address', 'is required when supports_outbound is true: outbound calls are sent there']);
  }
  if (input.inbound_authentication === 'digest' && !has('sip_username') && !has('sip_password')) {
    faults.push(['inbound_authentication', 'digest needs sip_username and sip_password']);
  }
  return faults;
}

/** If the provider is missing or unknown, still checks the fields that both providers share. */
function faultsWithoutProvider(input: Record<string, unknown>): readonly Fault[] {
  if (Provider.safeParse(input.provider).success) return [];
  const { error } = z.object(importOfEither).safeParse(input);
  return (error?.issues ?? []).map(({ path, message }) => [path.join('.'), message] as const);
}

const MAX_METADATA_BYTES = 16 * 1024;
const MAX_METADATA_DEPTH = 20;

const JsonObject = z
  .record(z.string(), z.unknown(), 'must be a JSON object')
  .refine((given) => depthOf(given) <= MAX_METADATA_DEPTH, {
    error: `must not be nested deeper than ${MAX_METADATA_DEPTH}`,
    abort: true,
  })
  .refine((given) => new TextEncoder().encode(JSON.stringify(given)).length <= MAX_METADATA_BYTES, {
    error: 'must have 16 KiB of JSON at most',
  });

/** What an agent is dispatched with: a JSON object. Refuses a member `__proto__`, which `z.record` would silently drop. */
export const AgentMetadata = z.preprocess((given: Record<string, unknown>, { addIssue }) => {
  if (Object.hasOwn(Object(given), '__proto__')) addIssue('must have no member __proto__');
  return given;
}, JsonObject);

/** Without recursion, because the input may be nested deeper than the stack allows. */
function depthOf(value: unknown): number {
  let depth = 0;
  for (let level = [value]; level.length > 0; depth++) {
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return depth;
}

const label = text(100)
  .nullable()
  .meta({ description: 'Your own short name for the number.', example: 'Sales, Berlin' });
const description = text(1000).nullable().meta({ description: 'Your own note about the number.' });

/** A field of an update. Null restores the default of an import. */
const orCleared = <T extends z.ZodType>(field: T) =>
  field
    .nullable()
    .optional()
    .meta({ description: `${field.meta()?.description ?? ''} Null: as an import without it.`.trim() });

const everyOrCleared = <S extends Record<string, z.ZodType>>(fields: S) =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, orCleared(field)])) as {
    [K in keyof S]: z.ZodOptional<z.ZodNullable<S[K]>>;
  };

/** The input of `phoneNumbers.update`. Fields that are left out stay. Fields of the other provider are refused. */
export const UpdatePhoneNumber = z
  .strictObject({
    phone_number_id: PhoneNumberId,
    ...ifRevision,
    ...everyOrCleared(settings),
    agent_id: AgentId.nullable().optional().meta({
      description: 'Assigns the number to the LiveKit agent of this name, whichever it had before. Null: to none.',
    }),
    agent_metadata: AgentMetadata.nullable()
      .optional()
      .meta({
        description:
          'What the agent is dispatched with: a JSON object, 16 KiB at most. It is merged into what is there, as RFC 7396 says: a member that is null goes. Null: nothing.',
        example: { greeting: 'Hello' },
      }),
    label: label.optional(),
    description: description.optional(),
    replace_existing_routing: replaceExistingRouting.optional(),
    ...everyOrCleared(settingsOfSip),
  })
  .meta({ id: 'UpdatePhoneNumber', description: 'What to change. Every other setting stays as it is.' });
export type UpdatePhoneNumber = z.input<typeof UpdatePhoneNumber>;
export type ParsedUpdatePhoneNumber = z.output<typeof UpdatePhoneNumber>;

const Warning = z.string().meta({ description: 'A sentence about something to know or to do.' });

const ofEither = {
  phone_number_id: PhoneNumberId,
  phone_number: z.string().meta({ description: 'In E.164.', example: '+15551234567' }),
  revision: revision.default(1),
  provider: Provider,
  status: z.enum(['free', 'assigned']).meta({
    id: 'PhoneNumberStatus',
    description: 'Whether the number is assigned to an agent.',
  }),
  assigned_agent_id: z.string().nullable().meta({
    description: 'The LiveKit agent name that is dispatched to each caller. Null while the number is free.',
  }),
  /** Like the next two, missing from stored answers of an older version that are repeated. */
  agent_metadata: z.record(z.string(), z.unknown()).nullable().default(null).meta({
    description: 'The JSON object that the agent is dispatched with.',
  }),
  label: label.default(null),
  description: description.default(null),
  supports_inbound: settings.supports_inbound,
  supports_outbound: settings.supports_outbound,
  provisioning_state: z.enum(['importing', 'active', 'degraded', 'releasing']).meta({
    id: 'ProvisioningState',
    description:
      'The state of the number: `importing` while it is built, `active` when it works, `degraded` when something of it is missing at a provider, `releasing` while it is removed.',
  }),
  inbound_trunk_id: z.string().nullable().meta({ description: "LiveKit's trunk that takes calls for the number." }),
  dispatch_rule_id: z.string().nullable().meta({
    description: "LiveKit's rule that puts each caller into a room of their own.",
  }),
  outbound_trunk_id: z.string().nullable().meta({ description: "LiveKit's trunk that an agent dials out with." }),
  inbound_room_name: z.string().meta({ description: "The prefix of each caller's own room.", example: 'call' }),
  has_inbound_pin: z.boolean().meta({ description: 'Whether callers must dial a PIN first.' }),
  warnings: z
    .array(Warning)
    .optional()
    .meta({ description: 'What you should know or do about the number, if anything.' }),
  created_at: Timestamp.meta({ description: 'When the import was asked for.' }),
  updated_at: Timestamp.meta({ description: 'When the record last changed.' }),
};

const ofTwilio = {
  ...ofEither,
  provider: z.literal('twilio').meta({ description: 'The number is in a Twilio account.' }),
  integration_id: IntegrationId.meta({ description: 'The integration of the Twilio account that owns the number.' }),
};

const ofSip = {
  ...ofEither,
  provider: z.literal('sip').meta({ description: 'The number is behind a SIP trunk.' }),
  sip_trunk_name: z.string().meta({ description: 'What the trunks are called at LiveKit.', example: 'my-trunk' }),
  sip_server_address: z.string().nullable().meta({ description: 'Where outbound calls go. Null if it was not given.' }),
  /** Missing from stored answers of an older version that are repeated. */
  sip_from_host: z.string().nullable().default(null).meta({
    description: 'The host in the From header of outbound calls. Null: that of LiveKit.',
    example: 'example.com',
  }),
  sip_username: z.string().nullable().meta({ description: 'The user name of the SIP trunk, if it has one.' }),
  has_sip_password: z.boolean().meta({ description: 'Whether a password is kept. It is never answered.' }),
  sip_uri: z.string().meta({
    description: 'Where the carrier must send its calls.',
    example: 'sip:+15551234567@example.sip.livekit.cloud',
  }),
  media_encryption: MediaEncryption,
  sip_transport: SipTransport,
  allowed_addresses: z.array(z.string()).meta({
    description: 'The IP addresses and ranges that calls are taken from. Empty: from anywhere.',
  }),
  inbound_authentication: InboundAuthentication,
};

export const PhoneNumber = z
  .discriminatedUnion('provider', [
    z.strictObject(ofTwilio).meta({ id: 'TwilioPhoneNumber', description: 'An imported number of a Twilio account.' }),
    z.strictObject(ofSip).meta({ id: 'SipPhoneNumber', description: 'An imported number behind a SIP trunk.' }),
  ])
  .meta({ id: 'PhoneNumber', description: 'An imported phone number. `provider` tells which fields it has.' });
export type PhoneNumber = z.infer<typeof PhoneNumber>;

export const stepNames = [
  'verify_ownership',
  'carrier_trunk',
  'inbound_trunk',
  'dispatch_rule',
  'outbound_trunk',
  'carrier_routing',
  'carrier_region',
] as const;
export type StepName = (typeof stepNames)[number];

const ProvisioningProblem = z
  .strictObject({
    code: z.string().meta({ description: 'The `code` of the problem.', example: 'provider_unavailable' }),
    detail: z.string().meta({ description: 'What happened, in a sentence.' }),
  })
  .meta({ id: 'ProvisioningProblem', description: 'Why a step, or an attempt, did not succeed.' });

export const Step = z
  .strictObject({
    name: z.enum(stepNames).meta({ id: 'StepName', description: 'What the step does.' }),
    state: z.enum(['pending', 'done', 'failed', 'undone']).meta({
      id: 'StepState',
      description: 'How far it is. `undone`: what it made is removed again.',
    }),
    resource_id: z.string().nullable().meta({ description: "The provider's own id of what the step made." }),
    at: Timestamp.nullable().meta({ description: 'When it came to this state. Null if it was not begun.' }),
    problem: ProvisioningProblem.optional().meta({ description: 'Why it failed.' }),
  })
  .meta({ id: 'Step', description: 'One thing that is built for a number at a provider.' });
export type Step = z.infer<typeof Step>;

export const MaskedUrl = z.string().nullable().meta({
  description: 'User info and query are shown as `***`, as they may be secrets. A release restores them as they were.',
  example: 'https://***@example.com/voice?***',
});

/** How Twilio routed the number before us: stored so that a release can restore it. */
export const FormerRouting = z
  .strictObject({
    voice_url: MaskedUrl,
    voice_method: z.string().nullable().meta({ description: 'The HTTP method of `voice_url`.', example: 'POST' }),
    voice_fallback_url: MaskedUrl,
    voice_fallback_method: z.string().nullable().meta({ description: 'The HTTP method of `voice_fallback_url`.' }),
    trunk_sid: z.string().nullable().meta({ description: 'The Elastic SIP trunk that the number was on.' }),
    voice_application_sid: z.string().nullable().meta({ description: 'The TwiML application that took its calls.' }),
    voice_region: z.string().nullable().optional().meta({
      description:
        "The Region in which Twilio handled its calls, where the import moved them to that of the integration. Null: none was set, which is Twilio's default, `us1`.",
    }),
  })
  .meta({
    id: 'FormerRouting',
    description: 'How Twilio routed the number before the import. A release gives it back.',
  });
export type FormerRouting = z.infer<typeof FormerRouting>;

const provisioning = z
  .strictObject({
    state: ofEither.provisioning_state,
    attempt: z.int().meta({ description: 'How many attempts in a row failed.' }),
    next_check_at: Timestamp.nullable().meta({ description: 'When it is checked next.' }),
    problem: ProvisioningProblem.optional().meta({
      description: 'Why the last attempt was put off. The next is made at `next_check_at`.',
    }),
    obstacle: z
      .strictObject({
        code: z.string().meta({ description: 'The stable name of what is in the way.' }),
        detail: z.string().meta({ description: 'What it is, and what to do.' }),
        since: Timestamp.meta({ description: 'When it was first found.' }),
      })
      .optional()
      .meta({
        description:
          'What Trunkline may not fix, such as a number that somebody has routed elsewhere: the number is `degraded`. It is checked every hour or more often, and is active again once that is gone.',
      }),
    steps: z.array(Step).meta({ description: 'What is built for the number, in the order of the import.' }),
    former_routing: FormerRouting.optional(),
  })
  .meta({ id: 'Provisioning', description: 'How the number was provisioned.' });

export const PhoneNumberDetail = z
  .discriminatedUnion('provider', [
    z.strictObject({ ...ofTwilio, provisioning }).meta({
      id: 'TwilioPhoneNumberDetail',
      description: 'An imported number of a Twilio account, with how it was provisioned.',
    }),
    z.strictObject({ ...ofSip, provisioning }).meta({
      id: 'SipPhoneNumberDetail',
      description: 'An imported number behind a SIP trunk, with how it was provisioned.',
    }),
  ])
  .meta({ id: 'PhoneNumberDetail', description: 'An imported phone number, with how it was provisioned.' });
export type PhoneNumberDetail = z.infer<typeof PhoneNumberDetail>;

export const NamePhoneNumber = z.strictObject({ phone_number_id: PhoneNumberId });
export type NamePhoneNumber = z.input<typeof NamePhoneNumber>;

export const UnassignPhoneNumber = z.strictObject({ phone_number_id: PhoneNumberId, ...ifRevision });
export type UnassignPhoneNumber = z.input<typeof UnassignPhoneNumber>;

export const ReleasePhoneNumber = z.strictObject({
  phone_number_id: PhoneNumberId,
  ...ifRevision,
  force: z.boolean().default(false).meta({
    description:
      'Release the number even if it is assigned, and even if its account refuses to restore its former routing, as a closed account does.',
  }),
});
export type ReleasePhoneNumber = z.input<typeof ReleasePhoneNumber>;
export type ParsedReleasePhoneNumber = z.output<typeof ReleasePhoneNumber>;

/** The outcome of a release: nothing is left of the number, or the rest goes on in the background. */
export const ReleasedPhoneNumber = z
  .strictObject({
    phone_number_id: PhoneNumberId,
    phone_number: ofEither.phone_number,
    provider: Provider,
    provisioning_state: z.enum(['released', 'releasing']).meta({
      id: 'ReleaseState',
      description: '`released`: nothing is left of it. `releasing`: the rest goes on in the background.',
    }),
    warnings: z
      .array(z.string())
      .optional()
      .meta({ description: 'What could not be restored as it was before the import, and what to do about it.' }),
  })
  .meta({ id: 'ReleasedPhoneNumber', description: 'What became of a release.' });
export type ReleasedPhoneNumber = z.infer<typeof ReleasedPhoneNumber>;

export const ListPhoneNumbers = z
  .strictObject({
    ...pageInput,
    status: ofEither.status.optional().meta({ description: 'Only numbers of this status.' }),
    provider: Provider.optional().meta({ description: 'Only numbers of this provider.' }),
    integration_id: IntegrationId.optional().meta({ description: 'Only numbers of this integration.' }),
    provisioning_state: ofEither.provisioning_state.optional().meta({ description: 'Only numbers in this state.' }),
    assigned_agent_id: AgentId.optional().meta({ description: 'Only numbers that are assigned to this agent.' }),
    label: text(100)
      .optional()
      .meta({ description: 'Only numbers with exactly this label.', example: 'Sales, Berlin' }),
    phone_number: E164InQuery.optional().meta({ description: 'Only this number, in E.164.' }),
    phone_number_prefix: E164PrefixInQuery.optional().meta({
      description: 'Only numbers that begin with this, as `+1555`. They come in the order of the numbers.',
    }),
  })
  .prefault({});
export type ListPhoneNumbers = z.input<typeof ListPhoneNumbers>;
export type ParsedListPhoneNumbers = z.output<typeof ListPhoneNumbers>;

export const AssignPhoneNumber = z
  .strictObject({ phone_number_id: PhoneNumberId, ...ifRevision, agent_id: AgentId })
  .meta({ id: 'AssignPhoneNumber', description: 'The agent to assign the number to.' });
export type AssignPhoneNumber = z.input<typeof AssignPhoneNumber>;
