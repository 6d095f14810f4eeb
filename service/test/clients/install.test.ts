import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { operations } from '@trunkline/contracts';
import { rolldown } from 'rolldown';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type OpenedService, openService } from '../open-service.ts';
import { run } from './pack.ts';

const contracts = join(import.meta.dirname, '../../../contracts');
const tsc = join(import.meta.dirname, '../../../node_modules/.bin/tsc');
const readme = await readFile(join(contracts, 'README.md'), 'utf8');
const blocks = (language: string): string =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text).join('\n');

const strict = {
  target: 'es2024',
  lib: ['es2024'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
};

/** Compiles only if the types of the package exist and are not `any`. */
const refusals = (client: string) => `
  // @ts-expect-error: a Twilio number needs its integration
  () => ${client}.phoneNumbers.import.mutate({ phone_number: '+15551234567', provider: 'twilio' });
  // @ts-expect-error: another resource's id
  () => ${client}.phoneNumbers.get.query({ phone_number_id: 'intg_a1b2c3d4e5f6' });
  // @ts-expect-error: a query has no effect to repeat
  () => ${client}.me.query({}, { context: { idempotencyKey: 'order-17' } });
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-installed-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** An empty project in which npm has installed the tarball. */
const install = async (name: string, manifest: object, compilerOptions: object): Promise<string> => {
  const project = join(folder, name);
  await mkdir(project);
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'app', private: true, ...manifest }));
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts', '*.js'] }));
  const quietly = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error'];
  await run('npm', ['install', '--prefix', project, ...quietly, inject('tarball'), `@types/node@24`], { cwd: project });
  return project;
};

const typeCheck = (project: string): Promise<unknown> =>
  run(tsc, ['--project', project], { cwd: project }).catch((failed) => {
    throw new Error(failed.stdout || failed.message);
  });

const play = async (service: OpenedService, file: string): Promise<string[]> => {
  const { api_key: API_KEY, organization_id: ORGANIZATION_ID } = service.admin;
  const { stdout } = await run(process.execPath, [file], { env: { API_KEY, ORGANIZATION_ID }, timeout: 20_000 });
  return stdout.trim().split('\n');
};

const printed = [
  'Send calls to sip:+15551234567@sandbox.sip.invalid',
  '+15551234567 assigned',
  expect.stringMatching(/^404 phone_number_not_found: Your organization has no phone number phon_a1b2c3d4e5f6/),
  expect.stringMatching(/^phone_number must be in E.164/),
];

const here = (text: string, { url }: OpenedService) => text.replaceAll('http://127.0.0.1:3000', url);

describe('the package, installed by npm', () => {
  let project: string;

  it('runs the program in its README as an ES module, with types', async () => {
    await using service = await openService();
    project = await install('node-next', { type: 'module' }, { ...strict, module: 'nodenext', outDir: 'dist' });
    await writeFile(join(project, 'program.ts'), `${here(blocks('ts'), service)}${refusals('trunkline')}`);
    await writeFile(join(project, 'same.ts'), await comparison());
    await typeCheck(project);
    expect(await play(service, join(project, 'dist/program.js'))).toEqual(printed);
    const { data } = await service.admin.client.phoneNumbers.list.query();
    expect(data.map(({ phone_number }) => phone_number)).toEqual(['+15551234568', '+15551234567']);
  });

  it('shows in an editor what each operation does and what each field means', () => {
    const hover = openEditor(join(project, 'program.ts'));
    expect(hover('mutate(')).toContain('Import a phone number.');
    expect(hover('agent_id:')).toContain('Assigns the number at once to the LiveKit agent of this name.');
    expect(hover('sip_uri')).toContain('Where the carrier must send its calls.');
    expect(hover('idempotencyKey:')).toContain('gets the first answer again, for 24 hours');
  });

  it('runs the same through a bundler, which leaves unused code out of a small client', async () => {
    await using service = await openService();
    const options = { ...strict, module: 'esnext', moduleResolution: 'bundler', noEmit: true };
    project = await install('bundler', { type: 'module' }, options);
    await writeFile(join(project, 'program.ts'), `${here(blocks('ts'), service)}${refusals('trunkline')}`);
    await writeFile(
      join(project, 'small.ts'),
      `import { createTrunklineClient, problemIn } from '@trunkline/contracts';
      export const start = (url: string) => createTrunklineClient({ url, apiKey: 'k' }).me.query().catch(problemIn);`,
    );
    await typeCheck(project);
    await bundle(project, 'program.ts');
    expect(await play(service, join(project, 'dist/program.js'))).toEqual(printed);
    // About 22 kB; one zod schema with the numbers of every country makes it ten times as large.
    expect((await bundle(project, 'small.ts')).length).toBeLessThan(25_000);
  });

  it('runs a program that requires it, with types', async () => {
    await using service = await openService();
    project = await install('commonjs', {}, { ...strict, module: 'nodenext', checkJs: true, noEmit: true });
    await writeFile(join(project, 'program.js'), `${here(blocks('js'), service)}${refusals('trunkline')}`);
    await typeCheck(project);
    expect(await play(service, join(project, 'program.js'))).toEqual(['Test']);
  });
});

const bundle = async (project: string, file: string): Promise<string> => {
  await using build = await rolldown({ input: file, cwd: project, platform: 'node' });
  const { output } = await build.write({ dir: join(project, 'dist'), minify: true });
  return output[0].code;
};

/** Returns what an editor shows at the first occurrence of these words. */
const openEditor = (file: string): ((words: string) => string) => {
  const { options } = ts.parseJsonConfigFileContent(
    { compilerOptions: { ...strict, module: 'nodenext' } },
    ts.sys,
    dirname(file),
  );
  const editor = ts.createLanguageService({
    ...ts.sys,
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    getCompilationSettings: () => options,
    getScriptFileNames: () => [file],
    getScriptVersion: () => '1',
    getScriptSnapshot: (path) => ts.ScriptSnapshot.fromString(ts.sys.readFile(path) ?? ''),
    getCurrentDirectory: () => dirname(file),
    getDefaultLibFileName: ts.getDefaultLibFilePath,
  });
  const text = ts.sys.readFile(file) ?? '';
  return (words) => ts.displayPartsToString(editor.getQuickInfoAtPosition(file, text.indexOf(words))?.documentation);
};

/** A program that compiles only if the exported types equal those inferred from the schemas. */
const comparison = async (): Promise<string> => {
  const sources = (await readdir(join(contracts, 'src'))).filter((file) => /^[\w-]+\.ts$/.test(file));
  const text = (await Promise.all(sources.map((file) => readFile(join(contracts, 'src', file), 'utf8')))).join('\n');
  const types = [...text.matchAll(/^export type (\w+) = z\.(\w+)<typeof (\w+)>;$/gm)].map(
    ([, name, kind, schema]) => `c.${name}, z.${kind}<typeof c.${schema}>`,
  );
  expect(types.length).toBeGreaterThan(20);
  const calls = [...operations].flatMap(([name, { kind }]) => {
    const call = `c.TrunklineClient${name
      .split('.')
      .map((part) => `['${part}']`)
      .join('')}['${kind === 'query' ? 'query' : 'mutate'}']`;
    return [
      `Parameters<${call}>[0], z.input<typeof c.api.${name}.input>`,
      `Awaited<ReturnType<${call}>>, z.output<typeof c.api.${name}.output>`,
    ];
  });
  return `import type { z } from 'zod';
    import type * as c from '@trunkline/contracts';
    type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
    ${[...types, ...calls].map((pair) => `true satisfies Same<${pair}>;`).join('\n')}`;
};
