import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publint } from 'publint';
import { beforeAll, expect, inject, it } from 'vitest';
import { run } from './pack.ts';

const tarball = inject('tarball');
const read = async (file: string) => (await run('tar', ['-xzOf', tarball, `package/${file}`])).stdout;

let files: string[];
let manifest: Record<string, unknown>;
beforeAll(async () => {
  const { stdout } = await run('tar', ['-tzf', tarball]);
  files = stdout
    .trim()
    .split('\n')
    .map((file) => file.replace('package/', ''));
  manifest = JSON.parse(await read('package.json'));
});

it('contains code, declarations and documentation, and nothing else', () => {
  const code = files.filter((file) => file.endsWith('.js'));
  const declarations = files.filter((file) => file.endsWith('.d.ts'));
  const others = files.filter((file) => !code.includes(file) && !declarations.includes(file));
  expect(others.toSorted()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'openapi.json', 'package.json']);
  expect(declarations.filter((file) => !file.endsWith('documented.d.ts')).toSorted()).toEqual(
    code.map((file) => file.replace(/\.js$/, '.d.ts')).toSorted(),
  );
  expect(files.filter((file) => file.includes('test'))).toEqual([]);
});

it('names its source, where it runs, and what a bundler may leave out', () => {
  expect(manifest).toMatchObject({
    name: '@trunkline/contracts',
    license: 'Apache-2.0',
    repository: { type: 'git', directory: 'contracts' },
    homepage: expect.stringMatching(/^https:/),
    engines: { node: expect.any(String) },
    sideEffects: false,
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './openapi.json': './openapi.json' },
    publishConfig: { access: 'public', provenance: true },
  });
});

it('accepts newer versions of its dependencies', () => {
  for (const range of Object.values(manifest.dependencies ?? {})) expect(range).toMatch(/^\^\d/);
});

it("has the schemas' descriptions as comments, with the defaults", async () => {
  const declarations = await read('dist/documented.d.ts');
  expect(declarations).toMatch(/export type ImportPhoneNumber = ImportFromTwilio \| ImportFromSip;/);
  expect(declarations).toMatch(
    /\/\*\* Assigns the number at once to the LiveKit agent of this name\. .*\*\/\s+agent_id\?: string/,
  );
  expect(declarations).toMatch(/\/\*\* Where the carrier must send its calls\. .*\*\/\s+sip_uri: string/);
  expect(declarations).toMatch(/\/\*\* .*Default: `allow`\..*\*\/\s+media_encryption\?:/);
  expect(await read('dist/phone-number.d.ts')).toContain("import('./documented.js').ImportPhoneNumber");
});

it('has nothing to improve for publint or "Are the types wrong?"', async () => {
  const { buffer, byteOffset, byteLength } = await readFile(tarball);
  const { messages } = await publint({
    pack: { tarball: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer },
  });
  expect(messages).toEqual([]);

  // It exits with 1 if it finds a problem. Only resolutions that ES modules cannot satisfy are left out.
  const attw = join(import.meta.dirname, '../../node_modules/.bin/attw');
  const { stdout } = await run(attw, [tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji']);
  expect(stdout).toMatch(/node16 \(from ESM\): OK \(ESM\)\s+bundler: OK/);
});
