import { expect, it } from 'vitest';
import { blocksOf, commandsOf, readDocument } from './commands.ts';

const UPLOAD = commandsOf('docs/runbooks.md', 'Upgrade').join('').trim().split('\n').at(-1) ?? '';

it.each(
  readDocument('docs/runbooks.md')
    .split(/^## /m)
    .map((section) => blocksOf(section).join(''))
    // After a tear-down, CI has nothing to deploy.
    .filter((commands) => !commands.includes('pulumi destroy'))
    .flatMap(
      (commands) =>
        commands
          .split(/(?=^.*pulumi config (?:set|rm))/m)
          .slice(1)
          .at(-1) ?? [],
    ),
)(
  'a runbook that changes the configuration uploads it once it is deployed, so that CI deploys the same: %s',
  (rest) => {
    expect(UPLOAD).toContain('aws s3 cp');
    expect(rest).toMatch(/^pulumi up --yes.* &&$/m);
    expect(rest).toContain(`&&\n${UPLOAD}\n`);
  },
);
