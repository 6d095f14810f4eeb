import { z } from 'zod';
import type { ZodOpenApiResponseObject } from 'zod-openapi';
import { type Operation, problemsOf } from '../operation.ts';
import { describeProblem, type ProblemCode, problemCodes, problems } from '../problem.ts';
import { exampleOf } from './problem-examples.ts';
import { headersOf } from './response-headers.ts';

/** The problems of an operation, as one response for each status. */
export const problemResponsesOf = (operation: Operation): Record<string, ZodOpenApiResponseObject> => {
  const byStatus = Map.groupBy(problemsOf(operation), (code) => problems[code][0]);
  return Object.fromEntries(
    [...byStatus].sort(([a], [b]) => a - b).map(([status, codes]) => [String(status), responseOf(codes)]),
  );
};

/** A name made of more codes would be too long to help. */
const MOST_IN_A_NAME = 2;

const known = new Map<string, ZodOpenApiResponseObject>();

/** Returns the same object for the same problems, so that the document contains it once. */
const responseOf = (codes: ProblemCode[]): ZodOpenApiResponseObject => {
  const id = codes.map(pascalCase).join('Or');
  const response = known.get(id) ?? {
    ...(codes.length <= MOST_IN_A_NAME && { id }),
    description: codes.map((code) => `\`${code}\`: ${problems[code][1]}.`).join(' '),
    headers: headersOf(codes.some(mayBeRetried) ? ['Retry-After'] : []),
    content: {
      'application/problem+json': {
        schema: ProblemSchema,
        examples: Object.fromEntries(
          codes.map((code) => [
            code,
            { summary: problems[code][1], value: describeProblem(exampleOf(code), REQUEST_ID) },
          ]),
        ),
      },
    },
  };
  known.set(id, response);
  return response;
};

const pascalCase = (code: string) =>
  code.replaceAll(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());

const mayBeRetried = (code: ProblemCode) => exampleOf(code).members.retry_after_seconds !== undefined;

const REQUEST_ID = '7b0c2f0e-6f4e-4c0a-9d55-0f6a2f0f5a11';

const ProblemIssue = z
  .strictObject({
    path: z
      .string()
      .meta({ description: 'The path of the field, with dots. Empty: the whole request.', example: 'phone_number' }),
    message: z.string().meta({ description: 'What is wrong with it.' }),
  })
  .meta({ id: 'ProblemIssue', description: 'A fault in what was sent.' });

const ProblemSchema = z
  .looseObject({
    success: z.literal(false).meta({ description: 'False in every problem.' }),
    type: z.string().meta({
      description: 'A URN with the `code`: the same for the same kind of problem.',
      example: 'urn:trunkline:problem:phone_number_taken',
    }),
    title: z.string().meta({ description: 'What happened, the same for each problem of this `code`.' }),
    status: z.int().meta({ description: 'The HTTP status.', example: 409 }),
    detail: z.string().meta({ description: 'What happened here and what to do next, in a sentence.' }),
    code: z.enum(problemCodes).meta({ id: 'ProblemCode', description: 'The stable name of the problem.' }),
    request_id: z.string().meta({ description: 'The id of the request, as in `X-Request-Id`.', example: REQUEST_ID }),
    issues: z
      .array(ProblemIssue)
      .max(50)
      .optional()
      .meta({ description: 'Of `invalid_request`: the faults of the request, the first 50.' }),
    issue_count: z
      .int()
      .optional()
      .meta({ description: 'Of `invalid_request`: how many faults there are, listed or not.' }),
    retry_after_seconds: z.number().optional().meta({
      description: 'Seconds after which the same request may succeed. Also the header `Retry-After`.',
    }),
    phone_number_id: z.string().optional().meta({
      description: 'Of `phone_number_taken`, if the number is your own: its id.',
    }),
    provisioning_state: z.string().optional().meta({
      description: 'Of `phone_number_taken`, if the number is your own: its `provisioning_state`.',
    }),
    quota: z.string().optional().meta({
      description: 'Of `quota_reached`: which limit was reached.',
      example: 'phone_numbers',
    }),
    limit: z.int().optional().meta({ description: 'Of `quota_reached`: the limit.' }),
    trunk_id: z.string().optional().meta({
      description: "Of `number_answered_elsewhere`: LiveKit's trunk that is in the way.",
    }),
    phone_numbers: z
      .array(
        z
          .strictObject({
            phone_number_id: z.string().meta({ description: 'Its id.' }),
            phone_number: z.string().meta({ description: 'In E.164.', example: '+15551234567' }),
          })
          .meta({ id: 'ProblemPhoneNumber', description: 'A number that is in the way.' }),
      )
      .max(100)
      .optional()
      .meta({
        description:
          'Of `integration_in_use`, its numbers; of `phone_number_not_owned`, those that new credentials do not reach; of `rotation_under_way`, those that are still to change over: the first 100.',
      }),
    phone_number_count: z.int().optional().meta({ description: 'How many numbers there are in all, listed or not.' }),
    provider: z
      .strictObject({
        name: z.enum(['twilio', 'livekit']).meta({ id: 'ProviderName', description: 'Who answered.' }),
        status: z.int().meta({ description: 'The HTTP status of its answer.' }),
        code: z.string().nullable().meta({ description: "The provider's own code." }),
        message: z.string().nullable().meta({ description: "The provider's own sentence." }),
        request_id: z.string().nullable().meta({ description: "The provider's own id of the request." }),
        more_info: z.string().nullable().meta({ description: "The provider's page about it." }),
      })
      .optional()
      .meta({ id: 'ProviderAnswer', description: 'What the provider answered, in its own words, without secrets.' }),
  })
  .meta({ id: 'Problem', description: 'Why a request failed, and what to do (RFC 9457).' });
