import { operations, type ProblemCode, problems, providerProblems } from '@trunkline/contracts';
import { document, type Operation, type Response, responseOf, type Schema } from './document.ts';

/**
 * The document for the reference page, without what its introduction says once for every operation: the problems that
 * any request, or any request to a provider, may have, and the headers of any request. Patterns and examples of fields
 * are left out too: their descriptions and the examples of whole bodies say the same.
 */
export const shorten = (): object => {
  const { paths, components, info, ...rest } = document;
  const { contact: _, ...about } = info;
  return {
    ...rest,
    info: about,
    paths: mapValues(paths, (item) => mapValues(item, shortenOperation)),
    components: { ...components, schemas: plain(components.schemas) },
  };
};

const mapValues = <T, U>(given: Record<string, T>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name, change(value)]));

const shortenOperation = (operation: Operation): object => {
  const { problems: all = [] } = operations.get(operation.operationId) ?? {};
  const own = all.filter((code) => !providerProblems.includes(code));
  const responses = Object.entries(operation.responses).flatMap(([status, found]) => {
    const response = responseOf(found);
    const short = Number(status) < 400 ? response : onlyProblems(response, own);
    return short === undefined ? [] : [[status, short]];
  });
  // The parameters with a $ref are X-Request-Id and Idempotency-Key, which the introduction explains.
  const parameters = operation.parameters?.filter((parameter) => !('$ref' in parameter)) ?? [];
  return { ...operation, parameters, responses: Object.fromEntries(responses) };
};

const onlyProblems = ({ content }: Response, codes: readonly ProblemCode[]): object | undefined => {
  const { schema, examples = {} } = content['application/problem+json'] ?? {};
  const kept = codes.filter((code) => code in examples);
  if (kept.length === 0) return undefined;
  return {
    description: kept.map((code) => `\`${code}\`: ${problems[code][1]}.`).join(' '),
    content: {
      'application/problem+json': { schema, examples: Object.fromEntries(kept.map((code) => [code, examples[code]])) },
    },
  };
};

const plain = (schemas: Record<string, Schema>): object =>
  JSON.parse(JSON.stringify(schemas), (name, value: unknown) =>
    ['pattern', 'example', 'minLength'].includes(name) && typeof value !== 'object' ? undefined : value,
  );
