import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from './command.ts';
import { blocksOf, readDocument } from './commands.ts';
import { INFRA } from './project.ts';

const { scripts } = JSON.parse(readFileSync(join(INFRA, 'package.json'), 'utf8'));

/** A script of this package and its arguments, as in `npx pnpm --filter infra cost Pulumi.prod.example.yaml`. */
const SCRIPT = /^npx pnpm --filter infra (\w+)(.*?)( > .*| +#.*)?$/gm;

it.each(
  ['README.md', 'docs/rights.md'].flatMap((document) =>
    blocksOf(readDocument(document)).flatMap((block) =>
      [...block.matchAll(SCRIPT)].map(([line, script = '', args = '']) => [line, script, args] as const),
    ),
  ),
)('a script runs as it is documented: %s', async (_line, script, args) => {
  const filledIn = args.replace('<account>', '210987654321').replace('<region>', 'eu-central-1');
  const { exit, stdout } = await run('bash', ['-c', `${scripts[script]} ${filledIn}`], {
    cwd: INFRA,
    env: { PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) },
  });
  expect([exit, stdout]).toEqual([0, expect.stringMatching(script === 'cost' ? /US dollars/ : /"Statement"/)]);
});
