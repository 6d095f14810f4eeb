import { operations, type ProblemCode, problems, providerProblems } from '@trunkline/contracts';
import type openapi from '@trunkline/contracts/openapi.json';

type Document = typeof openapi;
type Response = Document['components']['responses']['Unauthenticated'];

/**
 * What the page shows of the document: without what its introduction says once for every operation. Those are the
 * problems that any request may have, or any that asks a provider, and the headers of any request. Patterns and examples of
 * fields go too: the words beside them and the examples of whole bodies say the same.
 */
export const shorten = (document: Document): object => {
  const { paths, components, info, ...rest } = document;
  const { contact: _, ...about } = info;
  const short = Object.entries(paths).map(([path, item]) => [
    path,
    Object.fromEntries(
      Object.entries(item).map(([method, operation]) => [method, shortenOperation(operation, document)]),
    ),
  ]);
  return {
    ...rest,
    info: about,
    paths: Object.fromEntries(short),
    components: { ...components, schemas: plain(components.schemas) },
  };
};

interface DescribedOperation {
  operationId: string;
  parameters: object[];
  responses: object;
}

const shortenOperation = (operation: DescribedOperation, { components }: Document): object => {
  const { problems: all = [] } = operations.get(operation.operationId) ?? {};
  const own = all.filter((code) => !providerProblems.includes(code));
  const responses = Object.entries(operation.responses).flatMap(([status, response]) => {
    if (Number(status) < 400) return [[status, response]];
    const named = nameIn(response);
    const whole: Response = named ? Reflect.get(components.responses, named) : response;
    const short = onlyProblems(whole, own);
    return short === undefined ? [] : [[status, short]];
  });
  // X-Request-Id and Idempotency-Key are the parameters that stand in the document once.
  const parameters = operation.parameters.filter((parameter) => nameIn(parameter) === undefined);
  return { ...operation, parameters, responses: Object.fromEntries(responses) };
};

/** The last part of a reference. */
const nameIn = (found: object): string | undefined =>
  '$ref' in found ? String(found.$ref).split('/').at(-1) : undefined;

const onlyProblems = (response: Response, codes: readonly ProblemCode[]): object | undefined => {
  const { schema, examples } = response.content['application/problem+json'];
  const kept = codes.flatMap((code) => (code in examples ? [[code, Reflect.get(examples, code)] as const] : []));
  if (kept.length === 0) return undefined;
  return {
    description: kept.map(([code]) => `\`${code}\`: ${problems[code][1]}.`).join(' '),
    content: { 'application/problem+json': { schema, examples: Object.fromEntries(kept) } },
  };
};

const plain = (schemas: Document['components']['schemas']): object =>
  JSON.parse(JSON.stringify(schemas), (name, value: unknown) =>
    ['pattern', 'example', 'minLength'].includes(name) && typeof value !== 'object' ? undefined : value,
  );
