import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INFRA } from './project.ts';

/** The `sh` blocks of a Markdown text. */
export const blocksOf = (text: string): string[] =>
  [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);

export const readDocument = (path: string): string => readFileSync(join(INFRA, path), 'utf8');

/** The `sh` blocks under a heading of a document. */
export const commandsOf = (document: string, heading: string): string[] => {
  const [, ...sections] = readDocument(document).split(/^## /m);
  const section = sections.find((one) => one.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`${document} has no section ${heading}`);
  return blocksOf(section);
};
