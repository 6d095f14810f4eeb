import { z } from 'zod';
import { pageInput } from './envelope.ts';
import { IntegrationId, PhoneNumberId } from './id.ts';
import { MaskedUrl } from './phone-number.ts';
import type { ProblemCode } from './problem.ts';

/** The problems of an import that can be foreseen. */
const importProblems = [
  'phone_number_taken',
  'phone_number_busy',
  'quota_reached',
  'number_routed_elsewhere',
  'number_answered_elsewhere',
] as const satisfies readonly ProblemCode[];

const ImportProblem = z.enum(importProblems).meta({
  id: 'ImportProblem',
  description: 'Why an import would be refused.',
});

const OWNER = "Whose trunk it is: this integration's own, or another.";

const capability = (what: string) => z.boolean().meta({ description: `Whether the number takes ${what}.` });

/** A number that the account behind an integration owns, and that takes voice calls. */
export const AvailableNumber = z
  .strictObject({
    phone_number: z.string().meta({ description: 'In E.164.', example: '+15551234567' }),
    label: z.string().meta({ description: 'What the number is called at Twilio: its friendly name.' }),
    capabilities: z
      .strictObject({
        voice: capability('voice calls'),
        sms: capability('SMS'),
        mms: capability('MMS'),
        fax: capability('faxes'),
      })
      .meta({ id: 'NumberCapabilities', description: 'What the number can do.' }),
    routing: z
      .strictObject({
        target: z.enum(['nothing', 'voice_url', 'voice_application', 'trunk']).meta({
          id: 'RoutingTarget',
          description: 'What takes the calls. Twilio asks a trunk first, then an application, then a URL.',
        }),
        voice_url: MaskedUrl.meta({
          description: 'Where Twilio asks what to do with a call. User info and query are shown as `***`.',
        }),
        voice_application_sid: z.string().nullable().meta({ description: 'The TwiML application of the number.' }),
        trunk_sid: z.string().nullable().meta({ description: 'The Elastic SIP trunk that the number is on.' }),
        trunk_owner: z
          .enum(['integration', 'other'])
          .meta({ id: 'TrunkOwner', description: OWNER })
          .nullable()
          .meta({
            description: `${OWNER} Null where there is none.`,
          }),
      })
      .meta({ id: 'NumberRouting', description: 'What the number does with calls today.' }),
    phone_number_id: PhoneNumberId.nullable().meta({
      description: 'The id of the number at Trunkline, if your organization has imported it.',
    }),
    voice_region: z.string().nullable().meta({
      description:
        "With `include=region`: Twilio's Region whose configuration takes the calls. Null: not asked for, or the credentials may not read it.",
      example: 'us1',
    }),
    import_problem: ImportProblem.nullable().meta({
      description:
        'Null: an import that supports inbound calls would succeed, as far as can be told. Otherwise the `code` of the problem that it would get; `replace_existing_routing` avoids `number_routed_elsewhere`.',
    }),
  })
  .meta({ id: 'AvailableNumber', description: 'A number that you can import, or why you cannot.' });
export type AvailableNumber = z.infer<typeof AvailableNumber>;

export const ListAvailableNumbers = z.strictObject({
  integration_id: IntegrationId,
  cursor: pageInput.cursor,
  page_size: pageInput.page_size,
  include: z.literal('region', 'must be region').optional().meta({
    description: '`region`: tells `voice_region`, at the cost of one more call to Twilio for each number of the page.',
  }),
});
export type ListAvailableNumbers = z.input<typeof ListAvailableNumbers>;
export type ParsedListAvailableNumbers = z.output<typeof ListAvailableNumbers>;
