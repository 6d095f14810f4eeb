import { z } from 'zod';
import { AllowedAddress, isOfNobody } from './address.ts';
import { E164, E164InQuery } from './e164.ts';
import { pageInput, Timestamp } from './envelope.ts';
import { splitHostAndPort } from './host.ts';
import { IntegrationId, PhoneNumberId } from './id.ts';
import { exactName, mustNotContain, text } from './text.ts';

/** The name under which a LiveKit agent worker registers. */
export const AgentId = exactName(128).meta({
  description: 'The LiveKit agent name that is dispatched to each caller.',
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

/**
 * The prefix of each caller's own room, as LiveKit gets it: without the `*` that some write behind it. LiveKit joins it by
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

/** Where none is given. */
export const DEFAULT_ROOM_NAME = 'call';

/** Callers type it on the telephone, so it has digits only. */
const Pin = z
  .string('must be a text of 4 to 10 digits')
  .regex(/^[0-9]{4,10}$/, 'must have 4 to 10 digits: nothing else can be dialled');

const UNQUOTED = /^[^"'<>;\\]*$/;

/** It stands in SIP headers, between quotes and beside parameters, where these would end it. */
const SipUsername = exactName(128).regex(UNQUOTED, { error: ({ input }) => mustNotContain(input, UNQUOTED) });

const MediaEncryption = z.enum(['disable', 'allow', 'require']);
const SipTransport = z.enum(['auto', 'udp', 'tcp', 'tls']);
const InboundAuthentication = z.enum(['digest', 'none']);

export const Provider = z.enum(['twilio', 'sip']);
export type Provider = z.infer<typeof Provider>;

const importOfEither = {
  phone_number: E164,
  supports_inbound: z.boolean().default(false),
  supports_outbound: z.boolean().default(false),
  inbound_room_name: RoomName.default(DEFAULT_ROOM_NAME).meta({
    description:
      "The prefix of each caller's own room: `support` gives `support_<caller>_<random>`, `call-` and `call-*` give `call-_<caller>_<random>`.",
  }),
  inbound_pin: Pin.optional().meta({ description: '4 to 10 digits that callers must dial first.' }),
  agent_id: AgentId.optional().meta({ description: 'Assigns the number at once to the LiveKit agent of this name.' }),
};

const ImportFromTwilio = z
  .strictObject({
    provider: z.literal('twilio'),
    ...importOfEither,
    integration_id: IntegrationId,
    replace_existing_routing: z.boolean().default(false).meta({
      description:
        'Take the number off a trunk or voice application that is not ours. How it was routed is kept in the record.',
    }),
  })
  .meta({ id: 'ImportFromTwilio' });

const ImportFromSip = z
  .strictObject({
    provider: z.literal('sip'),
    ...importOfEither,
    sip_trunk_name: text(64).optional().meta({ description: 'Default: the phone number.' }),
    sip_username: SipUsername.optional().meta({ description: 'With `sip_password`, or neither.' }),
    sip_password: text(128).optional().meta({ description: 'With `sip_username`, or neither. Never answered.' }),
    sip_server_address: SipServerAddress.optional().meta({
      description: 'Where outbound calls go: a host name or IP address, with or without a port. Required for outbound.',
    }),
    media_encryption: MediaEncryption.default('allow'),
    allowed_addresses: z.array(AllowedAddress).min(1, 'must name an address, or be left out').max(100).optional().meta({
      description:
        'IP addresses or ranges that calls are taken from. LiveKit compares an entry with the address that a caller claims, too: the list keeps out scanners and mistakes, and proves nothing. Only `inbound_authentication: digest` proves who calls. A list that lets everyone in, as 0.0.0.0/0, counts as none.',
    }),
    sip_transport: SipTransport.default('auto'),
    inbound_authentication: InboundAuthentication.optional().meta({
      description:
        '`digest`: a caller must prove `sip_username` and `sip_password`; many carriers cannot. Default: `none` with `allowed_addresses` that keep anyone out, or without credentials, else `digest`.',
    }),
  })
  .meta({ id: 'ImportFromSip' });

/** What `phoneNumbers.import` takes. All faults are reported at once, those between fields too. */
export const ImportPhoneNumber = z
  .discriminatedUnion('provider', [ImportFromTwilio, ImportFromSip], { error: 'must be twilio or sip' })
  .check(...[crossFieldFaults, faultsWithoutProvider].map(always))
  .meta({ id: 'ImportPhoneNumber' });
export type ImportPhoneNumber = z.input<typeof ImportPhoneNumber>;
/** As a handler gets it: with the defaults. */
export type ParsedImportPhoneNumber = z.output<typeof ImportPhoneNumber>;

type Fault = readonly [field: string, message: string];

/** Runs also where fields have faults of their own, so that the caller reads all of them at once. */
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

function crossFieldFaults(input: Record<string, unknown>): readonly Fault[] {
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

/** Where the provider itself is missing or unknown, the fields that both share are still looked at. */
function faultsWithoutProvider(input: Record<string, unknown>): readonly Fault[] {
  if (Provider.safeParse(input.provider).success) return [];
  const { error } = z.object(importOfEither).safeParse(input);
  return (error?.issues ?? []).map(({ path, message }) => [path.join('.'), message] as const);
}

const Warning = z.string().meta({ description: 'A sentence about something that the import left open.' });

const ofEither = {
  phone_number_id: PhoneNumberId,
  phone_number: z.string(),
  provider: Provider,
  status: z.enum(['free', 'assigned']),
  assigned_agent_id: z.string().nullable(),
  supports_inbound: z.boolean(),
  supports_outbound: z.boolean(),
  provisioning_state: z.enum(['importing', 'active', 'degraded', 'releasing']),
  inbound_trunk_id: z.string().nullable(),
  dispatch_rule_id: z.string().nullable(),
  outbound_trunk_id: z.string().nullable().meta({ description: 'An agent dials out with it.' }),
  inbound_room_name: z.string(),
  has_inbound_pin: z.boolean(),
  warnings: z.array(Warning).optional(),
  created_at: Timestamp,
  updated_at: Timestamp,
};

const ofTwilio = { ...ofEither, provider: z.literal('twilio'), integration_id: IntegrationId };

const ofSip = {
  ...ofEither,
  provider: z.literal('sip'),
  sip_trunk_name: z.string(),
  sip_server_address: z.string().nullable(),
  sip_username: z.string().nullable(),
  has_sip_password: z.boolean(),
  sip_uri: z.string().meta({
    description: 'Where the carrier must send its calls.',
    example: 'sip:+15551234567@example.sip.livekit.cloud',
  }),
  media_encryption: MediaEncryption,
  sip_transport: SipTransport,
  allowed_addresses: z.array(z.string()),
  inbound_authentication: InboundAuthentication,
};

export const PhoneNumber = z
  .discriminatedUnion('provider', [
    z.strictObject(ofTwilio).meta({ id: 'TwilioPhoneNumber' }),
    z.strictObject(ofSip).meta({ id: 'SipPhoneNumber' }),
  ])
  .meta({ id: 'PhoneNumber' });
export type PhoneNumber = z.infer<typeof PhoneNumber>;

export const stepNames = [
  'verify_ownership',
  'carrier_trunk',
  'inbound_trunk',
  'dispatch_rule',
  'outbound_trunk',
  'carrier_routing',
] as const;
export type StepName = (typeof stepNames)[number];

export const Step = z
  .strictObject({
    name: z.enum(stepNames),
    state: z.enum(['pending', 'done', 'failed', 'undone']),
    resource_id: z.string().nullable().meta({ description: "The provider's own id of what the step made." }),
    at: Timestamp.nullable(),
    problem: z.strictObject({ code: z.string(), detail: z.string() }).optional(),
  })
  .meta({ id: 'Step' });
export type Step = z.infer<typeof Step>;

const MaskedUrl = z.string().nullable().meta({
  description: 'User info and query are answered as `***`, for they may be secrets. They are given back as they were.',
  example: 'https://***@example.com/voice?***',
});

/** How Twilio routed the number before us: kept, so that it can be given back. */
export const FormerRouting = z
  .strictObject({
    voice_url: MaskedUrl,
    voice_method: z.string().nullable(),
    voice_fallback_url: MaskedUrl,
    voice_fallback_method: z.string().nullable(),
    trunk_sid: z.string().nullable(),
    voice_application_sid: z.string().nullable(),
  })
  .meta({ id: 'FormerRouting' });
export type FormerRouting = z.infer<typeof FormerRouting>;

const provisioning = z
  .strictObject({
    state: ofEither.provisioning_state,
    attempt: z.int(),
    next_check_at: Timestamp.nullable(),
    problem: z
      .strictObject({ code: z.string(), detail: z.string() })
      .optional()
      .meta({ description: 'Why the last attempt was put off. The next one is made at `next_check_at`.' }),
    obstacle: z.strictObject({ code: z.string(), detail: z.string(), since: Timestamp }).optional().meta({
      description:
        'What Trunkline may not mend, as a number that somebody has routed elsewhere: the number is `degraded`. It is looked at each hour, and active again once that is gone.',
    }),
    steps: z.array(Step),
    former_routing: FormerRouting.optional(),
  })
  .meta({ id: 'Provisioning' });

export const PhoneNumberDetail = z
  .discriminatedUnion('provider', [
    z.strictObject({ ...ofTwilio, provisioning }).meta({ id: 'TwilioPhoneNumberDetail' }),
    z.strictObject({ ...ofSip, provisioning }).meta({ id: 'SipPhoneNumberDetail' }),
  ])
  .meta({ id: 'PhoneNumberDetail' });
export type PhoneNumberDetail = z.infer<typeof PhoneNumberDetail>;

export const NamePhoneNumber = z.strictObject({ phone_number_id: PhoneNumberId });
export type NamePhoneNumber = z.input<typeof NamePhoneNumber>;

export const ReleasePhoneNumber = z.strictObject({
  phone_number_id: PhoneNumberId,
  force: z.boolean().default(false).meta({
    description:
      'Release the number though it is assigned, and though its account refuses to give it its former routing back, as where that is closed.',
  }),
});
export type ReleasePhoneNumber = z.input<typeof ReleasePhoneNumber>;
export type ParsedReleasePhoneNumber = z.output<typeof ReleasePhoneNumber>;

/** What became of a release: nothing is left of the number, or the rest goes on in the background. */
export const ReleasedPhoneNumber = z
  .strictObject({
    phone_number_id: PhoneNumberId,
    phone_number: z.string(),
    provider: Provider,
    provisioning_state: z.enum(['released', 'releasing']),
    warnings: z
      .array(z.string())
      .optional()
      .meta({ description: 'What could not be put back as it was before the import, and what to do about it.' }),
  })
  .meta({ id: 'ReleasedPhoneNumber' });
export type ReleasedPhoneNumber = z.infer<typeof ReleasedPhoneNumber>;

export const ListPhoneNumbers = z
  .strictObject({
    ...pageInput,
    status: ofEither.status.optional(),
    provider: Provider.optional(),
    integration_id: IntegrationId.optional(),
    phone_number: E164InQuery.optional(),
  })
  .prefault({});
export type ListPhoneNumbers = z.input<typeof ListPhoneNumbers>;
export type ParsedListPhoneNumbers = z.output<typeof ListPhoneNumbers>;

export const AssignPhoneNumber = z.strictObject({ phone_number_id: PhoneNumberId, agent_id: AgentId });
export type AssignPhoneNumber = z.input<typeof AssignPhoneNumber>;
