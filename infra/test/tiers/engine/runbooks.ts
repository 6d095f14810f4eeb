import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INFRA } from '../project.ts';

/** The commands under a heading of the runbooks, block by block. */
export const runbook = (heading: string): string[] => {
  const [, ...sections] = readFileSync(join(INFRA, 'docs/runbooks.md'), 'utf8').split(/^## /m);
  const section = sections.find((one) => one.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`the runbooks have no section ${heading}`);
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
};
