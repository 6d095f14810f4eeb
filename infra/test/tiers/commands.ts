import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INFRA } from './project.ts';

/** The commands under a heading of a document, block by block. */
export const commandsOf = (document: string, heading: string): string[] => {
  const [, ...sections] = readFileSync(join(INFRA, document), 'utf8').split(/^## /m);
  const section = sections.find((one) => one.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`${document} has no section ${heading}`);
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
};
