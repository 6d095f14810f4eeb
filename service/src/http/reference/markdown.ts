import {
  type Content,
  document,
  nameIn,
  parameterOf,
  type Response,
  type Route,
  responseOf,
  routes,
  type Schema,
} from './document.ts';

const { info, tags, components } = document;

/** The whole reference as one Markdown text, for programs and for people without a browser. */
export const toMarkdown = (): string =>
  lines(
    `# ${info.title} API ${info.version}`,
    info.description,
    ...tags.flatMap(({ name, description }) => [`## ${name}`, description, ...ofTag(name).flatMap(describeRoute)]),
    '## Objects',
    'What is sent and answered, by name.',
    ...Object.entries(components.schemas).map(describeObject),
  );

/** An index for programs, in the format of https://llmstxt.org. */
export const toLlmsText = (): string =>
  lines(
    `# ${info.title}`,
    `> ${info.summary}`,
    'REST under /api, with an API key in X-API-Key and its organization in X-Organization-Id. Every failed request answers a problem with a stable `code` and a `detail` that says what to do.',
    '## Reference',
    list([
      '[The whole reference](/docs.md): quick start, authentication, problems, retries, and every operation with its fields and examples, in Markdown',
      '[OpenAPI](/openapi.json): the same as an OpenAPI 3.1 document',
    ]),
    ...tags.flatMap(({ name }) => [
      `## ${name}`,
      list(
        ofTag(name).map(
          ({ method, path, operation: { summary, description } }) =>
            `[${summary}](/docs.md#${slugOf(summary)}): \`${method} ${path}\`. ${firstSentenceOf(description)}`,
        ),
      ),
    ]),
    '## Optional',
    list(['[Reference page](/docs/): for people, in a browser']),
  );

const lines = (...blocks: string[]) => `${blocks.filter(Boolean).join('\n\n')}\n`;
const list = (items: readonly string[]) => items.map((item) => `- ${item}`).join('\n');
const ofTag = (name: string) => routes.filter(({ operation }) => operation.tags.includes(name));
/** The anchor that Markdown renderers give a heading. */
const slugOf = (heading: string) => heading.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
const firstSentenceOf = (text: string) => /^.*?\.(?= |$)/s.exec(text)?.[0] ?? text;

const describeRoute = ({ method, path, operation }: Route): string[] => {
  const parameters = (operation.parameters ?? []).map(parameterOf);
  const { requestBody, responses } = operation;
  return [
    `### ${operation.summary}`,
    `\`${method} ${path}\`, over tRPC \`${operation.operationId}\``,
    operation.description,
    parameters.length > 0 ? 'Parameters:' : '',
    list(
      parameters.map(
        ({ name, in: place, required, schema, description }) =>
          `\`${name}\` (${[`in the ${place}`, typeOf(schema), ...(required ? ['required'] : [])].join(', ')})${defaultOf(schema)}: ${description ?? schema.description}`,
      ),
    ),
    ...(requestBody ? ['Body:', ...Object.values(requestBody.content).flatMap(describeContent)] : []),
    ...Object.entries(responses).flatMap(([status, found]) => describeResponse(status, responseOf(found))),
  ];
};

const describeResponse = (status: string, { description, content }: Response): string[] =>
  Number(status) < 400
    ? [`Answer ${status}: ${description}`, ...Object.values(content).flatMap(describeContent)]
    : [`Problems ${status}: ${description}`];

const describeContent = ({ schema, examples = {} }: Content): string[] => [
  typeOf(schema),
  ...Object.values(examples).flatMap(({ summary, value }) => [
    `${summary}:`,
    `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``,
  ]),
];

const describeObject = ([name, schema]: [string, Schema]): string => {
  const { properties, required = [], description } = schema;
  const fields = Object.entries(properties ?? {}).map(([field, of]) => {
    const kind = [typeOf(of), ...(required.includes(field) ? ['required'] : [])].join(', ');
    return `\`${field}\` (${kind})${defaultOf(of)}: ${descriptionOf(of)}`;
  });
  const shown = fields.length > 0 ? list(fields) : `One of: ${typeOf(schema)}`;
  return [`### ${name}`, description, shown].filter(Boolean).join('\n\n');
};

const descriptionOf = (schema: Schema): string =>
  schema.description ?? components.schemas[nameIn(schema) ?? '']?.description ?? '';

const defaultOf = (schema: Schema): string =>
  'default' in schema ? `, default \`${JSON.stringify(schema.default)}\`` : '';

/** The type of a value in a few words; an object by its name. */
const typeOf = (schema: Schema): string => {
  const named = nameIn(schema);
  if (named !== undefined) return `[${named}](#${named.toLowerCase()})`;
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (schema.oneOf) return schema.oneOf.map(typeOf).join(' or ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' or ');
  if (schema.items) return `list of ${typeOf(schema.items)}`;
  const types = [schema.type ?? 'any value'].flat();
  return types.map((type) => (type === 'string' && schema.format === 'date-time' ? 'time' : type)).join(' or ');
};
