import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { copyTree, run } from './pack.ts';
import { renameApiKey } from './rename-api-key.ts';

const root = resolve(import.meta.dirname, '../../..');
const GENERATED = 'contracts/openapi.json';

let folder: string;
let tree: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-recipe-'));
  tree = join(folder, 'tree');
  await copyTree(tree);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const node = (path: string, args: string[], cwd: string) =>
  run(process.execPath, [join(root, 'node_modules', path), ...args], { cwd, maxBuffer: 1e8 }).catch((error) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });

const carryOut = async () => {
  for (const { file, whole, inserts = [] } of renameApiKey) {
    let text = whole ?? (await readFile(join(tree, file), 'utf8'));
    for (const { lines, ...at } of inserts) {
      const line = 'before' in at ? at.before : at.inPlaceOf;
      const [head, tail, ...more] = text.split(`\n${line}`);
      if (tail === undefined || more.length > 0) throw new Error(`${file} does not have one line that begins: ${line}`);
      text = `${head}\n${lines}${'before' in at ? `\n${line}` : ''}${tail}`;
    }
    await writeFile(join(tree, file), text);
  }
  await run(process.execPath, ['generate.ts'], { cwd: join(tree, 'contracts') });
};

it("CONTRIBUTING's first recipe names the files it changes, at most eight", async () => {
  const text = await readFile(join(root, 'CONTRIBUTING.md'), 'utf8');
  const [, recipe = ''] = /^## Add a change of what is stored$(.*?)^## /ms.exec(text) ?? [];
  const named = [...recipe.matchAll(/^\| `([^`]+)`/gm)].map(([, file]) => file);
  const written = renameApiKey.map(({ file }) => file);
  expect(named).toEqual([...written, GENERATED]);
  expect(named.length).toBeLessThanOrEqual(8);
});

it("CONTRIBUTING's first recipe passes the check, and its operation works over REST and is tested like any other", async () => {
  await carryOut();
  await node('@biomejs/biome/bin/biome', ['ci', '--error-on-warnings', '.'], tree);
  await node('knip/bin/knip.js', [], tree);
  for (const project of ['contracts', 'service']) {
    await node('typescript/bin/tsc', ['--incremental', 'false'], join(tree, project));
  }
  const tests = [
    'service/test/rename-api-key.test.ts',
    'service/test/tenancy.test.ts',
    'contracts/src/openapi.test.ts',
  ];
  const report = join(tree, 'report.json');
  const reporters = ['--reporter', 'default', '--reporter', 'json', `--outputFile.json=${report}`];
  await node('vitest/vitest.mjs', ['run', '--project', 'unit', '--project', 'thorough', ...reporters, ...tests], tree);
  const { testResults } = JSON.parse(await readFile(report, 'utf8')) as {
    testResults: { assertionResults: { fullName: string; status: string }[] }[];
  };
  const passed = testResults.flatMap(({ assertionResults }) => assertionResults);
  expect(passed.filter(({ status }) => status !== 'passed')).toEqual([]);
  const names = passed.map(({ fullName }) => fullName).join('\n');
  expect(names).toContain('gives an API key another name over REST');
  expect(names).toContain('apiKeys.rename over tRPC');
}, 600_000);
