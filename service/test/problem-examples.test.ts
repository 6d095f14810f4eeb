import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commonProblems, operations } from '@trunkline/contracts';
import openapi from '@trunkline/contracts/openapi.json' with { type: 'json' };
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const folders = ['../src', '../../contracts/src'].map((folder) => join(import.meta.dirname, folder));
const files = folders.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.includes('document'))
    .map((path) => join(folder, path)),
);

/** A shorter text would match almost anything. */
const SHORTEST = 15;

/** Every text in the code as a pattern: each `${…}` matches anything, or nothing. */
const said = files.flatMap((file) => {
  const found: RegExp[] = [];
  const add = (pieces: string[]) => {
    if (pieces.join('').length >= SHORTEST) found.push(new RegExp(`^${pieces.map(RegExp.escape).join('.*')}$`, 's'));
  };
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) add([node.text]);
    if (ts.isTemplateExpression(node)) add([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)]);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest));
  return found;
});

interface Shown {
  code: string;
  detail: string;
}

/** Every example of a problem in the document, without duplicates. */
const examples = new Map<string, Shown>();
JSON.stringify(openapi, (_name, value) => {
  if (typeof value?.code === 'string' && typeof value.detail === 'string') examples.set(value.code, value);
  return value;
});

describe('the examples of problems in the document use the words of the service', () => {
  it.each([...examples.values()])('$code', ({ detail }) => {
    expect(said.filter((text) => text.test(detail))).not.toEqual([]);
  });

  it('cover the problems of every operation', () => {
    const shown = [...operations.values()].flatMap(({ problems }) => [...problems]);
    expect([...examples.keys()]).toEqual(expect.arrayContaining([...shown, ...commonProblems]));
    expect(said.filter((text) => text.test('Nobody says this sentence. Try again.'))).toEqual([]);
  });
});
