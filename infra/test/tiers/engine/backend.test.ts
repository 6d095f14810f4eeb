import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBackend } from '../../../backend/backend.ts';
import { type Ended, run } from '../command.ts';
import { commandsOf } from '../commands.ts';
import { record } from '../in-process.ts';
import { INFRA } from '../project.ts';
import { marksInText } from '../secrets-in-clear.ts';
import { STACKS } from '../stacks.ts';
import { type Endpoints, openEndpoints } from './endpoints.ts';
import { stackFileOf, startProvider } from './engine.ts';
import { findEngine } from './find-engine.ts';

const folder = findEngine();
const { account, region } = STACKS.prod;
const BUCKET = `trunkline-state-${account}`;
const URL_OF_BUCKET = `s3://${BUCKET}?region=${region}`;
const KEY = `awskms://alias/trunkline-state?region=${region}`;

/** Runs the commands of docs/ci.md as written, with stand-ins for S3, KMS and the home folder. */
describe.skipIf(!folder)('the backend of the stacks', () => {
  let home: string;
  let endpoints: Endpoints;
  let close: () => Promise<void>;
  let type: (script: string) => Promise<Ended>;
  const copied = () => readFileSync(join(home, 'copied'), 'utf8').trim().split('\n').at(-1);

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'trunkline-backend-'));
    const project = join(home, 'infra');
    await mkdir(join(project, 'backend'), { recursive: true });
    for (const entry of ['Pulumi.yaml', 'index.ts', 'node_modules', 'package.json', 'src'])
      await symlink(join(INFRA, entry), join(project, entry));
    for (const entry of ['Pulumi.yaml', 'index.ts', 'backend.ts'])
      await symlink(join(INFRA, 'backend', entry), join(project, 'backend', entry));
    const provider = await startProvider({ account, region });
    close = provider.close;
    endpoints = await openEndpoints();
    const tools = join(home, 'tools');
    await mkdir(tools);
    await writeFile(join(tools, 'aws'), `#!/bin/sh\necho "aws $*" >>'${home}/copied'\n`, { mode: 0o755 });
    // GitHub's answer, of which its own `--jq` prints this.
    await writeFile(join(tools, 'gh'), '#!/bin/sh\necho acme@123456/trunkline@456789\n', { mode: 0o755 });
    const env = {
      PATH: [tools, folder, dirname(process.execPath), process.env.PATH].join(delimiter),
      HOME: home,
      PULUMI_HOME: join(home, 'pulumi'),
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      PULUMI_DEBUG_PROVIDERS: `aws:${provider.port}`,
      AWS_ENDPOINT_URL: endpoints.url,
      AWS_ACCESS_KEY_ID: 'of the tests',
      AWS_SECRET_ACCESS_KEY: 'of the tests',
      NO_COLOR: '1',
    };
    type = (script) =>
      run(
        'bash',
        // `pulumi login --local` uses the real home folder, whatever HOME says.
        ['-euo', 'pipefail', '-c', script.replaceAll('pulumi login --local', `pulumi login file://${home}`)],
        { cwd: project, env },
      );
  });
  afterAll(async () => {
    await close?.();
    await endpoints?.close();
    await rm(home, { recursive: true, force: true });
  });

  it('is created, takes in its own state, and serves a new stack', async () => {
    const commands = commandsOf('docs/ci.md', 'The state and the roles, once')
      .join('\n')
      .replace('eu-central-1', region)
      .replace('<account>', account)
      .replace('<owner>', 'acme');
    const { exit, printed } = await type(`${commands}
echo "made $url $provider"
cd backend
pulumi stack select backend
pulumi preview --expect-no-changes
pulumi config get backend:repository
pulumi stack output deployRole`);
    expect(exit, printed).toBe(0);
    expect(printed).toContain(`made ${URL_OF_BUCKET} ${KEY}`);
    expect(printed).toContain('acme@123456/trunkline@456789\n');
    expect(printed).toContain(`arn:aws:iam::${account}:role/github-trunkline-deploy`);
    expect([...endpoints.files.keys()]).toEqual(
      expect.arrayContaining(
        ['trunkline-backend/backend', 'trunkline/prod'].map((stack) => `${BUCKET}/.pulumi/stacks/${stack}.json`),
      ),
    );
    expect(copied()).toBe(`aws s3 cp Pulumi.prod.yaml s3://${BUCKET}/Pulumi.prod.yaml`);
  });

  it('takes over a stack from elsewhere unchanged, and the old copy is removed', async () => {
    const { name, config, secrets } = STACKS.bootstrap;
    await writeFile(join(home, 'infra', `Pulumi.${name}.yaml`), stackFileOf(config));
    const begun = await type(`
export PULUMI_CONFIG_PASSPHRASE='of a laptop'
pulumi login --local
pulumi stack init ${name}
pulumi config set-all ${Object.entries(secrets)
      .map(([key, value]) => `--secret '${key}=${value}'`)
      .join(' ')}
pulumi up --yes --skip-preview`);
    expect(begun.exit, begun.printed).toBe(0);
    const commands = commandsOf('docs/ci.md', 'Move a stack in')
      .join('\n')
      .replace('stack=prod', `stack=${name}`)
      .replace('s3://<bucket>?region=<region>', URL_OF_BUCKET)
      .replace('?region=<region>', `?region=${region}`)
      .replace('<passphrase>', "'of a laptop'");
    // No passphrase from here on.
    const { exit, printed } = await type(`${commands}
unset PULUMI_CONFIG_PASSPHRASE
pulumi stack select ${name}
pulumi config get infra:livekitApiKey
pulumi up --yes --skip-preview --expect-no-changes
pulumi login --local
pulumi stack ls --all`);
    expect(exit, printed).toBe(0);
    expect(printed).toContain(secrets['infra:livekitApiKey']);
    expect(printed.split('Logged in').at(-1)).not.toContain(`trunkline/${name}`);
    expect(copied()).toBe(`aws s3 cp Pulumi.${name}.yaml s3://${BUCKET}/Pulumi.${name}.yaml`);
    const texts = [...endpoints.files.values()].map(String);
    expect(texts.some((text) => text.includes('trunkline-livekit-api-key'))).toBe(true);
    expect(texts.flatMap((text) => marksInText(text))).toEqual([]);
  });

  const rightsOf = async (role: string): Promise<string[]> => {
    const backend = () => createBackend({ region, accountId: account, repository: 'a/b', stack: 'prod' });
    const { resources } = await record({ account, region, name: 'backend' }, backend);
    const found = resources.find(({ name }) => name === `github-trunkline-${role}-state`);
    return JSON.parse(String(found?.inputs.policy)).Statement.flatMap(({ Action }: { Action: string[] }) => Action);
  };
  const asks = async (command: string) => {
    endpoints.asked();
    const { exit, printed } = await type(`
pulumi login '${URL_OF_BUCKET}'
pulumi stack select ${STACKS.bootstrap.name}
${command}`);
    expect(exit, printed).toBe(0);
    return [...new Set(endpoints.asked())].toSorted();
  };

  it('needs no more rights for a preview than its role has: it reads, and takes no lock', async () => {
    const asked = await asks('pulumi preview');
    expect(asked).toEqual((await rightsOf('preview')).toSorted());
    expect(asked).not.toContain('s3:PutObject');
  });

  it('needs no more rights for a deployment than its role has', async () => {
    const asked = await asks('pulumi config set infra:logRetentionDays 60\npulumi up --yes');
    const rights = await rightsOf('deploy');
    expect(asked.filter((action) => !rights.includes(action))).toEqual([]);
    expect(asked).toEqual(expect.arrayContaining(['s3:PutObject', 's3:DeleteObject']));
  });

  it('refuses an update while another holds the stack’s lock', async () => {
    const { name } = STACKS.bootstrap;
    endpoints.files.set(
      `${BUCKET}/.pulumi/locks/organization/trunkline/${name}/another.json`,
      Buffer.from('{"pid":1,"username":"ci","hostname":"runner","timestamp":"2026-01-01T00:00:00Z"}'),
    );
    const { exit, printed } = await type('pulumi up --yes --skip-preview');
    expect(exit).not.toBe(0);
    expect(printed).toContain('the stack is currently locked');
  });
});
