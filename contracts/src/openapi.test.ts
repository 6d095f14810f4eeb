import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import committed from '../openapi.json' with { type: 'json' };
import { createOpenApiDocument } from './openapi.ts';
import { IF_REVISION, takesBody } from './operation.ts';
import { commonProblems, problemCodes, problems } from './problem.ts';
import { operations } from './router.ts';

const document = createOpenApiDocument();
/** As clients read it. */
const json = JSON.parse(JSON.stringify(document));

describe('openapi.json', () => {
  it('matches the operations: run `pnpm --filter @trunkline/contracts openapi` after a change', () => {
    expect(committed).toEqual(json);
  });

  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(json);
    expect(result).toMatchObject({ valid: true });
  });

  it('has every operation with its route, name, and a status for each of its problems', () => {
    for (const [name, { route, problems: own }] of operations) {
      const described = (document.paths as Record<string, Record<string, unknown>>)[route.path]?.[
        route.method.toLowerCase()
      ];
      expect(described, name).toMatchObject({ operationId: name });
      const { responses } = described as { responses: Record<string, { description: string }> };
      expect(responses, name).toHaveProperty(String(route.status ?? 200));
      for (const code of [...commonProblems, ...own]) {
        const response = responses[String(problems[code][0])];
        const { description } = (
          '$ref' in Object(response) ? lookUp(Reflect.get(Object(response), '$ref')) : response
        ) as {
          description: string;
        };
        expect(description, `${code} of ${name}`).toContain(`\`${code}\``);
      }
    }
  });

  it('lists 412 for every operation that takes a revision', () => {
    const conditional = [...operations].filter(([, { input }]) => IF_REVISION in Object(Reflect.get(input, 'shape')));
    expect(conditional.length).toBeGreaterThan(5);
    for (const [name, { problems: own }] of conditional) expect(own, name).toContain('precondition_failed');
  });

  it('describes every field, parameter, header, tag and operation', () => {
    const undescribed: string[] = [];
    const look = (named: Record<string, unknown>, where: string) => {
      for (const [name, found] of Object.entries(named)) {
        if (!isDescribed(found)) undescribed.push(`${where}/${name}`);
      }
    };
    for (const { at, node } of nodesOf(json, '#')) {
      if (isObject(node.properties)) look(node.properties, at);
      if (isObject(node.headers)) look(node.headers, at);
      if (Array.isArray(node.parameters)) look({ ...node.parameters }, at);
      if (Array.isArray(node.tags) && at === '#') look({ ...node.tags }, at);
      if (typeof node.operationId === 'string') look({ operation: node }, at);
    }
    expect(undescribed).toEqual([]);
  });

  it('names every enumeration and answer, for generated clients', () => {
    const nameless = [...nodesOf(json, '#')].filter(({ at, node }) => {
      const isNamed = /^#\/components\/schemas\/\w+$/.test(at);
      return (
        !isNamed && (Array.isArray(node.enum) || (/\/content\/[^/]+\/[^/]+\/schema$/.test(at) && !('$ref' in node)))
      );
    });
    expect(nameless.map(({ at }) => at)).toEqual([]);
  });

  it.each([...operations])('shows valid answers of %s', (_name, { output, answers, route }) => {
    const shown = Object.values(answers);
    expect(shown.length).toBeGreaterThan(0);
    for (const answer of shown) expect(output.parse(answer)).toEqual(answer);
    const goingOn = shown.filter((answer) => route.goesOn?.(Reflect.get(Object(answer), 'data')));
    expect(goingOn.length > 0).toBe(route.goesOn !== undefined);
  });

  it.each([...operations].filter(([, operation]) => takesBody(operation)))(
    'shows valid inputs of %s',
    (_name, { input, examples = {} }) => {
      expect(Object.keys(examples)).not.toEqual([]);
      for (const example of Object.values(examples)) expect(input.safeParse(example).error).toBeUndefined();
    },
  );

  it('lists all problems in one table', () => {
    for (const code of problemCodes) {
      expect(json.info.description).toContain(`| ${problems[code][0]} | \`${code}\` | ${problems[code][1]} |`);
    }
  });
});

interface Node {
  [name: string]: unknown;
}

const isObject = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every object of the document with its path, except inside examples. */
function* nodesOf(value: unknown, at: string): Generator<{ at: string; node: Node }> {
  if (isObject(value)) yield { at, node: value };
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (name !== 'examples' && name !== 'example') yield* nodesOf(inner, `${at}/${name.replaceAll('/', '~1')}`);
  }
}

const isDescribed = (found: unknown): boolean => {
  if (!isObject(found)) return false;
  if (typeof found.description === 'string' && found.description.length > 0) return true;
  return typeof found.$ref === 'string' && isDescribed(lookUp(found.$ref));
};

const lookUp = (ref: string): unknown =>
  ref
    .slice(2)
    .split('/')
    .reduce<unknown>((within, name) => Reflect.get(Object(within), name), json);
