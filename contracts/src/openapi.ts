import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { IdempotencyKey } from './idempotency.ts';
import { fieldsOf, type Operation, pathNames, takesBody, takesQuery } from './operation.ts';
import { commonProblems, describeProblem, Problem, type ProblemCode, problemCodes, problems } from './problem.ts';
import { operations } from './router.ts';

/** The OpenAPI 3.1 document of the REST interface, made from the same operations that serve it. */
export const createOpenApiDocument = () =>
  createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Trunkline',
      version: '0.1.0',
      description: 'Makes a phone number, owned at Twilio or behind a SIP trunk, ring at LiveKit voice agents.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/api' }],
    tags: [...new Set([...operations.keys()].map(tagOf))].map((name) => ({ name })),
    paths: pathsOf(operations),
    components: {
      securitySchemes: {
        api_key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        organization: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Organization-Id',
          description: 'As in org_a1b2c3d4e5f6.',
        },
      },
    },
  });

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
    security: [permission === 'any key' ? { api_key: [] } : { api_key: [], organization: [] }],
    requestParams: {
      ...(inPath.length > 0 && { path: pick(fields, (field) => inPath.includes(field)) }),
      ...(takesQuery(operation) && { query: pick(fields, (field) => !inPath.includes(field)) }),
      ...(route.method === 'POST' && { header: idempotencyHeader }),
    },
    ...(takesBody(operation) && { requestBody: requestBodyOf(operation, inPath) }),
    responses: {
      ...(route.goesOn && {
        '202': {
          description: 'Begun: the rest goes on in the background.',
          content: { 'application/json': { schema: operation.output } },
        },
      }),
      [String(route.status ?? 200)]: {
        description: 'Done.',
        content: { 'application/json': { schema: operation.output } },
        ...(route.location && {
          headers: z.object({ Location: z.string().meta({ description: 'Where it is now.' }) }),
        }),
      },
      ...problemResponses(operation),
    },
  };
};

const idempotencyHeader = z.object({ 'Idempotency-Key': IdempotencyKey.optional() });

const tags: Record<string, string> = {
  phoneNumbers: 'Phone numbers',
  integrations: 'Integrations',
  apiKeys: 'API keys',
  me: 'Identity',
};

/** The heading under which an operation stands. */
const tagOf = (name: string): string => {
  const [resource = name] = name.split('.');
  return tags[resource] ?? resource;
};

const pick = (fields: Record<string, z.ZodType>, wanted: (field: string) => boolean) =>
  z.object(Object.fromEntries(Object.entries(fields).filter(([field]) => wanted(field))));

/** The input, without what stands in the path. */
const requestBodyOf = ({ input, examples = {} }: Operation, inPath: string[]) => {
  const rest = Object.entries(fieldsOf(input)).filter(([field]) => !inPath.includes(field));
  const schema = inPath.length === 0 ? input : z.strictObject(Object.fromEntries(rest));
  const shown = Object.entries(examples).map(([summary, value]) => [summary, { summary, value }] as const);
  return {
    required: true,
    content: { 'application/json': { schema, ...(shown.length > 0 && { examples: Object.fromEntries(shown) }) } },
  };
};

const problemResponses = (operation: Operation) => {
  const codes: ProblemCode[] = [...commonProblems, ...operation.problems];
  if (operation.route.method !== 'GET') codes.push('body_too_large', 'unsupported_media_type');
  if (operation.route.method === 'POST') codes.push('idempotency_key_in_use', 'idempotency_key_reused');
  const byStatus = Map.groupBy(codes, (code) => problems[code][0]);
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, named]) => [
        String(status),
        {
          description: named.map((code) => `\`${code}\`: ${problems[code][1]}.`).join(' '),
          content: { 'application/problem+json': { schema: ProblemSchema, example: exampleOf(named) } },
        },
      ]),
  );
};

const exampleOf = ([code = 'internal']: ProblemCode[]) =>
  describeProblem(new Problem(code, 'A sentence that says what to do next.'), '7b0c2f0e-6f4e-4c0a-9d55-0f6a2f0f5a11');

const ProblemSchema = z
  .looseObject({
    success: z.literal(false),
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What to do next.' }),
    code: z.enum(problemCodes).meta({ description: 'The stable name of the problem.' }),
    request_id: z.string(),
    issues: z
      .array(z.strictObject({ path: z.string(), message: z.string() }))
      .max(50)
      .optional()
      .meta({ description: 'The faults of the request, the first 50.' }),
    issue_count: z.int().optional().meta({ description: 'How many faults there are, listed or not.' }),
    retry_after_seconds: z.number().optional(),
    phone_number_id: z.string().optional(),
    provisioning_state: z.string().optional(),
    quota: z.string().optional(),
    limit: z.int().optional(),
    trunk_id: z.string().optional(),
    provider: z
      .strictObject({
        name: z.enum(['twilio', 'livekit']),
        status: z.int(),
        code: z.string().nullable(),
        message: z.string().nullable(),
        request_id: z.string().nullable(),
        more_info: z.string().nullable(),
      })
      .optional()
      .meta({ description: 'What the provider answered, in its own words, without secrets.' }),
  })
  .meta({ id: 'Problem' });
