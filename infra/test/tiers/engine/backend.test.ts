import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, run } from '../command.ts';
import { commandsOf } from '../commands.ts';
import { INFRA } from '../project.ts';
import { STACKS } from '../stacks.ts';
import { startProvider } from './engine.ts';
import { findEngine } from './find-engine.ts';

const folder = findEngine();

/**
 * The commands of docs/ci.md that make the backend and move its own state into it. Folders stand in for a home, and for
 * what only AWS has: the state moves to one in place of the bucket, and the stack's secrets are encrypted by a passphrase
 * in place of the KMS key.
 */
describe.skipIf(!folder)('the backend of the stacks', () => {
  let home: string;
  let close: () => Promise<void>;
  let type: (script: string) => Promise<Ended>;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'trunkline-backend-'));
    const project = join(home, 'infra');
    await mkdir(join(project, 'backend'), { recursive: true });
    await mkdir(join(home, 'bucket'));
    for (const entry of ['Pulumi.yaml', 'index.ts', 'node_modules', 'package.json', 'src'])
      await symlink(join(INFRA, entry), join(project, entry));
    for (const entry of ['Pulumi.yaml', 'index.ts', 'backend.ts'])
      await symlink(join(INFRA, 'backend', entry), join(project, 'backend', entry));
    const { account, region } = STACKS.prod;
    const provider = await startProvider({ account, region });
    close = provider.close;
    const tools = join(home, 'tools');
    await mkdir(tools);
    await writeFile(join(tools, 'aws'), `#!/bin/sh\necho "aws $*" >>'${home}/asked'\n`, { mode: 0o755 });
    const env = {
      PATH: [tools, folder, dirname(process.execPath), process.env.PATH].join(delimiter),
      HOME: home,
      PULUMI_HOME: join(home, 'pulumi'),
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      PULUMI_DEBUG_PROVIDERS: `aws:${provider.port}`,
      NO_COLOR: '1',
    };
    type = (script) => run('bash', ['-euo', 'pipefail', '-c', script], { cwd: project, env });
  });
  afterAll(async () => {
    await close?.();
    await rm(home, { recursive: true, force: true });
  });

  it('is made, and its own state moves in with the others, by the commands as they are written', async () => {
    const { account, region } = STACKS.prod;
    const commands = (commandsOf('docs/ci.md', 'The state and the roles, once')[0] ?? '')
      // The home of whoever runs this, which HOME does not change.
      .replace('pulumi login --local', `pulumi login file://${home}`)
      .replace('eu-central-1', region)
      .replace('<account>', account)
      .replace('<owner>', 'acme')
      .replace('url=$(pulumi stack output backendUrl)\n', `$&made=$url\nurl=file://${home}/bucket\n`)
      .replace('provider=$(pulumi stack output secretsProvider)\n', '$&key=$provider\nprovider=passphrase\n');
    const { exit, printed } = await type(`${commands}
echo "made $made $key"
pulumi stack ls --all
cd backend
pulumi stack select backend
pulumi preview --expect-no-changes
pulumi stack output deployRole`);
    expect(exit, printed).toBe(0);
    expect(printed).toContain(`made s3://trunkline-state-${account}?region=${region} awskms://alias/trunkline-state`);
    // Both are in the new place, and what was made is known there: nothing is to be made again.
    expect(printed).toContain('trunkline-backend/backend');
    expect(printed).toContain(`arn:aws:iam::${account}:role/github-trunkline-deploy`);
    expect(readFileSync(join(home, 'asked'), 'utf8')).toBe(
      `aws s3 cp Pulumi.prod.yaml file://${home}/bucket/Pulumi.prod.yaml\n`,
    );
  });
});
