import { expect, it } from 'vitest';
import { blocksOf, commandsOf, readDocument } from './commands.ts';

const UPLOAD = commandsOf('docs/runbooks.md', 'Upgrade')[0]?.trim().split('\n').at(-1) ?? '';

it.each(
  blocksOf(readDocument('docs/runbooks.md'))
    .filter((block) => /pulumi config (set|rm)/.test(block))
    // After a tear-down, CI has nothing to deploy.
    .filter((block) => !block.includes('pulumi destroy')),
)('a runbook that changes the configuration uploads it, so that CI deploys the same: %s', (block) => {
  expect(UPLOAD).toContain('aws s3 cp');
  expect(block.trim().split('\n').at(-1)).toBe(UPLOAD);
});
