import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { operations, stepNames } from '@trunkline/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeDefault, type Setting, settings } from '../src/config/settings.ts';
import { Fault } from '../src/sandbox/faults.ts';
import { seedAccount } from '../src/sandbox/twilio-seed.ts';
import { type OpenedService, openService } from './open-service.ts';
import { readWorld } from './world.ts';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const failures = readFileSync(join(root, 'docs/failures.md'), 'utf8');
const blocks = (language: string, page: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);
const blockWith = (language: string, words: string, page = readme): string => {
  const found = blocks(language, page).filter((text) => text.includes(words));
  expect(found, `one ${language} block with ${words}`).toHaveLength(1);
  return found[0]!;
};

/** What a command prints in a shell with the first organization's key. */
const runAs = async ({ admin }: OpenedService, command: string, args: string[], cwd = root): Promise<string> => {
  const { api_key: API_KEY, organization_id: ORGANIZATION_ID } = admin;
  const env = { PATH: process.env.PATH, API_KEY, ORGANIZATION_ID };
  return (await promisify(execFile)(command, args, { env, cwd, timeout: 20_000 })).stdout;
};

/** The headings of a page, as links name them. */
const headingsOf = (path: string): string[] =>
  [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('docs/settings.md', () => {
  it('has every setting as the service reads it, and no other', () => {
    const table = readFileSync(join(root, 'docs/settings.md'), 'utf8').split('\n');
    const rows = table.filter((line) => line.startsWith('| `'));
    const cells = rows.map((row) =>
      row
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
    const expected = Object.entries<Setting>(settings).map(([name, setting]) => [
      `\`${name}\``,
      setting.description,
      describeDefault(setting),
    ]);
    expect(cells).toEqual(expected);
  });
});

describe('docs/failures.md', () => {
  it('has every kind of fault in the sandbox', () => {
    const [, section = ''] = failures.split('## Try failures in the sandbox');
    const rows = section.split('\n').filter((line) => line.startsWith('| `'));
    const named = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([a-z_]+)`/g)].map(([, kind]) => kind));
    expect(named.toSorted()).toEqual(Fault.shape.kind.options.toSorted());
  });

  it('has every step of an import', () => {
    const named = [...failures.matchAll(/^\| `([a-z_]+)` +\| (?:Twilio|LiveKit) +\|/gm)].map(([, name]) => name);
    expect(named).toEqual([...stepNames]);
  });
});

describe('the README', () => {
  it('can be read in one sitting', () => {
    expect(readme.split('\n').length).toBeLessThan(200);
  });

  it.each([
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
    'contracts/README.md',
    '.changeset/README.md',
    'service/bench/README.md',
    'infra/README.md',
  ])('has no broken link: %s', (file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)].map(([, path = '', heading]) => ({
      path: path === '' ? join(root, file) : join(root, dirname(file), path),
      heading,
    }));
    expect(links.filter(({ path }) => !existsSync(path))).toEqual([]);
    expect(links.filter(({ path, heading }) => heading && !headingsOf(path).includes(heading))).toEqual([]);

    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const commands = [...text.matchAll(/npx -y pnpm ([\w:-]+)/g)].map(([, name = '']) => name);
    expect(commands.filter((name) => !['exec', 'install', '--filter'].includes(name) && !(name in scripts))).toEqual(
      [],
    );
  });
});

describe('docs/life.md', () => {
  it('shows for each operation what its example is answered, from first to last', async () => {
    await using service = await openService();
    const seeded = [{ phone_number: '+15551234567', voice_url: 'https://example.com/voice' }];
    const { sid, auth_token, api_keys } = await seedAccount(service.sandbox.shelf, seeded);
    const [key] = api_keys;
    const here = new Map([
      ['http://127.0.0.1:3000', service.url],
      [`AC${'0'.repeat(32)}`, sid],
      ['your-auth-token', auth_token],
      [`SK${'0'.repeat(32)}`, key?.sid ?? ''],
      ['your-api-key-secret', key?.secret ?? ''],
    ]);
    const page = readFileSync(join(root, 'docs/life.md'), 'utf8');
    const examples = [...page.matchAll(/^```sh\n(.*?)^```\n\n```json\n(.*?)^```/gms)];
    expect(examples).toHaveLength(blocks('sh', page).length);
    for (const [, shell = '', told = ''] of examples) {
      const pasted = [...here].reduce((text, [word, ours]) => text.replaceAll(word, ours), shell);
      const stdout = await runAs(service, 'bash', ['-c', pasted]);
      const expected = JSON.parse(told);
      const { data } = JSON.parse(stdout);
      // From here on, ids are those of this run.
      for (const name of ['integration_id', 'phone_number_id']) {
        if (expected[name]) here.set(expected[name], data[name]);
        if (expected[name]) expected[name] = data[name];
      }
      expect(data, shell).toMatchObject(expected);
    }
    const writes = [...operations.values()].filter(
      ({ route: { method, path } }) => method !== 'GET' && /^.(phone-numbers|integrations)/.test(path),
    );
    const shown = examples.map(([, shell = '']) => {
      const [, method = shell.includes(' -d ') ? 'POST' : 'GET'] = /-X (\w+)/.exec(shell) ?? [];
      const [, path = ''] = /http:..[^/]*.api([^\s'?]*)/.exec(shell) ?? [];
      return `${method} ${path.replace(/phon_\w+/, '{phone_number_id}').replace(/intg_\w+/, '{integration_id}')}`;
    });
    expect(shown).toEqual(expect.arrayContaining(writes.map(({ route: { method, path } }) => `${method} ${path}`)));
  });
});

describe("the README's examples", () => {
  let service: OpenedService;
  let integration_id: string;
  beforeAll(async () => {
    service = await openService();
    ({ integration_id } = await service.integrate(service.admin, [{ phone_number: '+15551234567' }]));
  });
  afterAll(() => service.close());

  const here = (text: string): string =>
    text
      .replaceAll('http://127.0.0.1:3000', service.url)
      .replaceAll('http://127.0.0.1:3001', service.sandbox.url)
      .replaceAll('intg_e7cc51d2a8ee', integration_id);
  const run = (command: string, args: string[], cwd?: string) => runAs(service, command, args, cwd);
  const paste = (shell: string) => run('bash', ['-c', here(shell)]);
  /** Replaces what differs between runs. */
  const masked = (text: string): string =>
    text
      .replace(/\b(phon|intg|ST|SDR)_\w+/g, '$1_…')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'a time')
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'a request');
  const pretty = (json: string): string => `${JSON.stringify(JSON.parse(json), null, 2)}\n`;

  it('over REST print what it shows, the first time and the second', async () => {
    const example = blockWith('sh', '/api/phone-numbers \\');
    expect(masked(pretty(await paste(example)))).toBe(masked(blockWith('json', '"success": true')));
    expect(masked(pretty(await paste(example)))).toBe(masked(blockWith('json', '"success": false')));
  });

  it('release the number', async () => {
    const { data } = await service.admin.client.phoneNumbers.list.query({ phone_number: '+15551234567' });
    const { phone_number_id } = data[0] ?? expect.unreachable();
    const example = blockWith('sh', '-X DELETE').replace(/phon_[0-9a-f]{12}/, phone_number_id);
    expect(JSON.parse(await paste(example)).data).toMatchObject({ phone_number_id, provisioning_state: 'released' });
  });

  it('over tRPC print what it shows, the first time and the second', async () => {
    const example = blockWith('ts', 'createTrunklineClient');
    expect(example).toBe(readFileSync(join(root, 'contracts/examples/import-number.ts'), 'utf8'));
    const program = ['--input-type=module-typescript', '--eval', here(example)];
    const print = () => run(process.execPath, program, join(root, 'contracts'));
    expect(masked(await print())).toBe(masked(blockWith('text', 'send calls to')));
    const [, second] = /A second time it prints `([^`]+)`/.exec(readme) ?? [];
    expect(masked(await print()).trim()).toBe(masked(second!));
  });

  it('of a fault make an import fail, and leave nothing', async () => {
    await paste(blockWith('sh', '/sandbox/faults', failures));
    const before = await readWorld(service);
    const { status, body } = await service.admin.rest('POST', '/api/phone-numbers', {
      phone_number: '+15551230001',
      provider: 'sip',
      supports_inbound: true,
    });
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'provider_unavailable' });
    expect(await readWorld(service)).toEqual(before);
  });
});
