import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import contracts from '../package.json' with { type: 'json' };
import { introduction } from './document/introduction.ts';
import { problemResponsesOf } from './document/problem-responses.ts';
import { headersOf } from './document/response-headers.ts';
import { IdempotencyKey } from './idempotency.ts';
import { fieldsBeside, fieldsOf, IF_REVISION, type Operation, pathNames, takesBody, takesQuery } from './operation.ts';
import { operations } from './router.ts';

/** The OpenAPI 3.1 document of the REST interface, made from the same operations that serve it. */
export const createOpenApiDocument = () =>
  createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Trunkline',
        version: contracts.version,
        summary: 'Makes a phone number, owned at Twilio or behind a SIP trunk, ring at LiveKit voice agents.',
        description: introduction,
        contact: { name: 'Whoever runs this installation' },
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/api', description: 'The service that this document comes from.' }],
      security: [keyAndOrganization],
      tags: Object.values(tags),
      paths: pathsOf(operations),
      components: {
        securitySchemes: {
          'X-API-Key': {
            type: 'apiKey',
            in: 'header',
            name: 'X-API-Key',
            description: 'An API key of your organization, as in `tl_live_...`.',
          },
          'X-Organization-Id': {
            type: 'apiKey',
            in: 'header',
            name: 'X-Organization-Id',
            description: 'The id of the organization that the key belongs to, as in `org_a1b2c3d4e5f6`.',
          },
        },
      },
    },
    {
      // The format says as much as zod's pattern, which has hundreds of characters.
      override: ({ jsonSchema }) => {
        if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
      },
    },
  );

const keyAndOrganization = { 'X-API-Key': [], 'X-Organization-Id': [] };

const pathsOf = (all: ReadonlyMap<string, Operation>): ZodOpenApiPathsObject => {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const [name, operation] of all) {
    const { method, path } = operation.route;
    paths[path] = { ...paths[path], [method.toLowerCase()]: describe(name, operation) };
  }
  return paths;
};

const describe = (name: string, operation: Operation): ZodOpenApiOperationObject => {
  const { summary, description, route, permission } = operation;
  const inPath = pathNames(route);
  const permissionLine =
    permission === 'any key' ? 'Needs a key, and no permission.' : `Needs the permission \`${permission}\`.`;
  const fields = fieldsOf(operation.input);
  return {
    operationId: name,
    tags: [tagOf(name)],
    summary,
    description: [description, permissionLine].filter(Boolean).join(' '),
    security: [permission === 'any key' ? { 'X-API-Key': [] } : keyAndOrganization],
    requestParams: {
      ...(inPath.length > 0 && { path: pick(fields, (field) => inPath.includes(field)) }),
      ...(takesQuery(operation) && { query: z.object(fieldsBeside(operation)) }),
      header: z.object({
        ...requestId,
        ...(route.method === 'POST' && idempotency),
        ...(IF_REVISION in fields && ifMatch),
      }),
    },
    ...(takesBody(operation) && { requestBody: requestBodyOf(operation) }),
    responses: { ...successOf(operation), ...problemResponsesOf(operation) },
  };
};

const requestId = {
  'X-Request-Id': z
    .string()
    .regex(/^[A-Za-z0-9._:-]{1,128}$/)
    .optional()
    .meta({
      description:
        'Your own id for this request. It comes back with the answer, and stands in every line of the log. An id of another form is ignored.',
      example: '7b0c2f0e-6f4e-4c0a-9d55-0f6a2f0f5a11',
      param: { id: 'X-Request-Id' },
    }),
};
const idempotency = {
  'Idempotency-Key': IdempotencyKey.optional().meta({ ...IdempotencyKey.meta(), param: { id: 'Idempotency-Key' } }),
};

const ifMatch = {
  'If-Match': z
    .string()
    .optional()
    .meta({
      description:
        'Make the change only at this revision, as in the `ETag` of an answer, or at one of several. `*`: at any.',
      example: '"3"',
      param: { id: 'If-Match' },
    }),
};

const successOf = ({ route, output, answers }: Operation): Record<string, ZodOpenApiResponseObject> => {
  const { status = 200, location, goesOn } = route;
  const hasRevision = ({ value }: Shown) => Reflect.has(Object(Reflect.get(Object(value), 'data')), 'revision');
  const isGoingOn = ({ value }: Shown) => goesOn?.(Reflect.get(Object(value), 'data')) === true;
  const all = shownAs(answers);
  const headers = headersOf([
    ...(location ? (['Location'] as const) : []),
    ...(all.some(hasRevision) ? (['ETag'] as const) : []),
  ]);
  const answering = (description: string, shown: Shown[]) => ({
    description,
    headers,
    content: { 'application/json': { schema: output, examples: byName(shown) } },
  });
  return {
    [String(status)]: answering(
      status === 201 ? 'Created.' : 'Done.',
      all.filter((shown) => !isGoingOn(shown)),
    ),
    ...(goesOn && { '202': answering('Begun: the rest continues in the background.', all.filter(isGoingOn)) }),
  };
};

interface Shown {
  summary: string;
  value: unknown;
}

const shownAs = (examples: Record<string, unknown>): Shown[] =>
  Object.entries(examples).map(([summary, value]) => ({ summary, value }));

/** Example names are part of URLs, so they must not contain blanks. */
const byName = (shown: Shown[]): Record<string, Shown> =>
  Object.fromEntries(shown.map((one) => [one.summary.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_'), one]));

const tags = {
  phoneNumbers: {
    name: 'Phone numbers',
    description: 'Import a number so that calls reach your agents, assign it to one of them, and release it.',
  },
  integrations: {
    name: 'Integrations',
    description: 'The Twilio accounts that you import numbers from.',
  },
  apiKeys: {
    name: 'API keys',
    description: 'Who may call this API on behalf of your organization, and what they may do.',
  },
  me: { name: 'Identity', description: 'Whom an API key stands for.' },
};

/** The tag that groups an operation. */
const tagOf = (name: string): string => {
  const [resource = name] = name.split('.');
  const tag = Object.entries(tags).find(([of]) => of === resource)?.[1];
  if (tag === undefined) throw new Error(`src/openapi.ts needs a tag for ${resource}`);
  return tag.name;
};

const pick = (fields: Record<string, z.ZodType>, wanted: (field: string) => boolean) =>
  z.object(Object.fromEntries(Object.entries(fields).filter(([field]) => wanted(field))));

/** The input without the fields that are in the path or a header. */
const requestBodyOf = (operation: Operation) => {
  const { input, route, examples = {} } = operation;
  const inPath = pathNames(route);
  const id = input.meta()?.id;
  const schema = inPath.length === 0 ? input : z.strictObject(fieldsBeside(operation)).meta(id ? { id } : {});
  const shown = shownAs(examples).map((one) => ({ ...one, value: without(one.value, inPath) }));
  return {
    required: true,
    content: { 'application/json': { schema, ...(shown.length > 0 && { examples: byName(shown) }) } },
  };
};

const without = (value: unknown, fields: string[]) =>
  Object.fromEntries(Object.entries(Object(value)).filter(([field]) => !fields.includes(field)));
