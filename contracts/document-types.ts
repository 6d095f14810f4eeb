import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { z } from 'zod';
import { createAuxiliaryTypeStore, printNode, type ZodToTsOptions, zodToTs } from 'zod-to-ts';
import * as contracts from './src/index.ts';

// Runs after tsc, on its declarations. A type that is inferred from a schema has no comments, so an editor would show
// none of the schema's descriptions. This writes each such type out into dist/documented.d.ts, with comments on its
// fields, and makes the other declarations import it from there.

type Schema = z.core.$ZodType;
type Direction = 'input' | 'output';

interface NamedType {
  name: string;
  schema: Schema;
  direction: Direction;
}

const dist = join(import.meta.dirname, 'dist');
const INFERRED_TYPE = /^export type (\w+) = z\.(infer|input|output)<typeof (\w+)>;$/gm;
const INFERRED_CLIENT = /^export type (TrunklineClient) = Calls<typeof api>;$/gm;
const SOURCE_FILE = /(?<=(?:from |import\()['"]\.\/[\w-]+)\.ts(?=['"])/g;

const named: NamedType[] = [];
const comments = z.registry<{ description: string }>();

for (const file of readdirSync(dist).filter((name) => name.endsWith('.d.ts') && name !== 'documented.d.ts')) {
  const path = join(dist, file);
  const text = readFileSync(path, 'utf8');
  for (const [, name = '', kind, schema = ''] of text.matchAll(INFERRED_TYPE)) {
    named.push({ name, schema: schemaOf(schema), direction: kind === 'input' ? 'input' : 'output' });
  }
  const documented = "export type $1 = import('./documented.js').$1;";
  writeFileSync(
    path,
    text.replace(INFERRED_TYPE, documented).replace(INFERRED_CLIENT, documented).replace(SOURCE_FILE, '.js'),
  );
}

const client = `export type TrunklineClient = ${callsOf(contracts.api)};`;
// The list grows during the loop: a schema with its own id is added when it is found.
const types: string[] = [];
for (const { name, schema, direction } of named) {
  types.push(`export type ${name} = ${printNode(typeOf(schema, direction, schema))};`);
}
const imports = "import type { CallOptions, MutationOptions } from './client.js';";
writeFileSync(join(dist, 'documented.d.ts'), indented([imports, ...types, client].join('\n')));

function schemaOf(name: string): Schema {
  const schema: unknown = Reflect.get(contracts, name);
  if (schema instanceof z.ZodType) return schema;
  throw new Error(`${name} is not a schema that src/index.ts exports.`);
}

/** Every operation as a function with a comment, nested as in `api`. */
function callsOf(entries: object, prefix = ''): string {
  const members = Object.entries(entries).map(([name, entry]) => {
    const operation = contracts.operations.get(prefix + name);
    if (operation === undefined) return `${name}: ${callsOf(entry, `${prefix}${name}.`)};`;
    const comment = commentOn(operation);
    return `${comment}${name}: {\n${comment}${callOf(operation)};\n};`;
  });
  return `{\n${members.join('\n')}\n}`;
}

function callOf({ input, output, kind }: contracts.Operation): string {
  const [verb, options] = kind === 'query' ? ['query', 'CallOptions'] : ['mutate', 'MutationOptions'];
  const optional = input._zod.optin === undefined ? '' : '?';
  const given = printNode(typeOf(input, 'input'));
  return `${verb}(input${optional}: ${given}, options?: ${options}): Promise<${printNode(typeOf(output, 'output'))}>`;
}

function commentOn({ summary, description, problems }: contracts.Operation): string {
  const codes = problems.map((code) => `\`${code}\``).join(', ');
  const paragraphs = [`${summary}.`, description, codes && `Problems, beside \`commonProblems\`: ${codes}.`].filter(
    Boolean,
  );
  return `/**\n * ${withoutCommentEnd(paragraphs.join('\n *\n * '))}\n */\n`;
}

function indented(text: string): string {
  const file = ts.createSourceFile('documented.d.ts', text, ts.ScriptTarget.Latest);
  return ts.createPrinter().printFile(file);
}

/** Writes out the type of a schema. Inner schemas that have a name are referenced by it. */
function typeOf(schema: Schema, direction: Direction, self?: Schema): ts.TypeNode {
  const options: ZodToTsOptions = {
    auxiliaryTypeStore: createAuxiliaryTypeStore(),
    metadataRegistry: comments,
    io: direction,
    overrideFunction: (inner) => {
      const name = inner === self ? undefined : nameOf(inner, direction);
      if (name !== undefined) return ts.factory.createTypeReferenceNode(name);
      if (inner instanceof z.ZodObject) {
        for (const field of Object.values<Schema>(inner.shape)) commentOnField(field, direction);
        // A strict object takes no other fields, which a type expresses by not naming any.
        const isStrict = inner.def.catchall instanceof z.ZodNever;
        if (isStrict && Object.keys(inner.shape).length === 0)
          return ts.factory.createTypeReferenceNode('Record<string, never>');
        if (isStrict) return zodToTs(inner.strip(), options).node;
      }
      if (direction === 'input' && (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault)) {
        const given = zodToTs(inner.unwrap(), options).node;
        return ts.factory.createUnionTypeNode([
          given,
          ts.factory.createKeywordTypeNode(ts.SyntaxKind.UndefinedKeyword),
        ]);
      }
      if (inner instanceof z.ZodUnion) {
        const members = inner.options.map((option) => zodToTs(option, options).node);
        const [first, ...others] = new Map(members.map((node) => [printNode(node), node])).values();
        return first && others.length > 0 ? ts.factory.createUnionTypeNode([first, ...others]) : first;
      }
      return undefined;
    },
  };
  return zodToTs(schema, options).node;
}

/** The schema's name, if it has one for this direction or is the same in both. */
function nameOf(schema: Schema, direction: Direction): string | undefined {
  const found = named.find((type) => type.schema === schema && type.direction === direction);
  if (found) return found.name;
  const id = z.globalRegistry.get(schema)?.id;
  const other = named.find((type) => type.schema === schema);
  const isSame = printNode(typeOf(schema, 'input', schema)) === printNode(typeOf(schema, 'output', schema));
  if (other) return isSame ? other.name : undefined;
  if (id === undefined) return undefined;
  named.push({ name: id, schema, direction });
  return id;
}

/** The comment that an editor shows for a field: its description, default and example. */
function commentOnField(field: Schema, direction: Direction): void {
  const { description, example, fallback } = factsOf(field);
  const sentences = [
    description,
    direction === 'input' && fallback !== undefined && `Default: \`${fallback}\`.`,
    example !== undefined && `Example: \`${example}\`.`,
  ].filter((sentence) => typeof sentence === 'string');
  comments.remove(field);
  if (sentences.length > 0) comments.add(field, { description: withoutCommentEnd(sentences.join(' ')) });
}

interface Facts {
  description?: string | undefined;
  example?: unknown;
  fallback?: unknown;
}

/** Reads the facts of a field and of what it wraps, as with `.optional()`. The outer ones win. */
function factsOf(schema: Schema): Facts {
  const { description, example } = z.globalRegistry.get(schema) ?? {};
  const inner = 'innerType' in schema._zod.def ? factsOf(schema._zod.def.innerType as Schema) : {};
  const fallback = schema instanceof z.ZodDefault ? schema.def.defaultValue : inner.fallback;
  return { description: description ?? inner.description, example: example ?? inner.example, fallback };
}

function withoutCommentEnd(text: string): string {
  return text.replaceAll('*/', '*\\/');
}
