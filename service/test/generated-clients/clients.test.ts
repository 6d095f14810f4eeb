import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount } from '../../src/sandbox/twilio-seed.ts';
import { type Caller, type OpenedService, openService } from '../open-service.ts';
import { findGenerator } from './python-generator.ts';
import { openapi, root, run, tool } from './run.ts';

const callers = join(import.meta.dirname, 'callers');
// Inside the package, so that the generated code finds its dependencies.
const generated = join(root, 'service/.generated');

let service: OpenedService;
beforeAll(async () => {
  service = await openService();
  await rm(generated, { recursive: true, force: true });
});
afterAll(async () => {
  await service?.close();
  await rm(generated, { recursive: true, force: true });
});

const newFolder = async (name: string): Promise<string> => {
  const folder = join(generated, name);
  await mkdir(folder, { recursive: true });
  return folder;
};

/** The environment of a generated client: an empty organization, and a Twilio account to integrate. */
const environmentOf = async ({ organization_id, api_key }: Caller): Promise<Record<string, string>> => {
  const { sid, auth_token } = await seedAccount(service.sandbox.shelf, [{ phone_number: '+15551239999' }]);
  return {
    URL: service.url,
    API_KEY: api_key,
    ORGANIZATION_ID: organization_id,
    ACCOUNT_SID: sid,
    AUTH_TOKEN: auth_token,
  };
};

/** Has the client call every operation, and checks the results. */
const expectAllAnswered = async (call: (environment: Record<string, string>) => Promise<string>) => {
  const caller = await service.newOrganization();
  const told = JSON.parse(await call(await environmentOf(caller)));
  expect(told).toEqual({
    organization_id: caller.organization_id,
    integration: 'active',
    available: 1,
    integrations: 1,
    sip_uri: expect.stringMatching(/^sip:\+15551230001@/),
    request_id: 'mine',
    problem: 'phone_number_taken',
    problem_of: true,
    assigned: 'receptionist',
    steps: expect.arrayContaining(['inbound_trunk', 'dispatch_rule']),
    unassigned: 'free',
    numbers: 1,
    released: 'released',
    raw_key: 'tl_live_',
    keys: 2,
    revoked: 'revoked',
  });
};

/** With the strictest compiler options that a caller may have. */
const compile = async (folder: string, caller: string) => {
  await copyFile(join(callers, `${caller}.ts`), join(folder, 'caller.ts'));
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: ['node'],
    strict: true,
    skipLibCheck: false,
    rewriteRelativeImportExtensions: true,
    outDir: 'out',
  };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['**/*.ts'] }));
  await tool('tsc', ['--project', '.'], folder);
};

describe('a client that is generated from openapi.json compiles and calls every operation', () => {
  it('by openapi-typescript, with openapi-fetch', async () => {
    const folder = await newFolder('openapi-typescript');
    // Without this option, a field with a default counts as required.
    await tool('openapi-typescript', [openapi, '--default-non-nullable=false', '--output', 'schema.ts'], folder);
    await compile(folder, 'openapi-fetch');
    await expectAllAnswered((environment) => run(process.execPath, ['out/caller.js'], folder, environment));
  });

  it('by @hey-api/openapi-ts', async () => {
    const folder = await newFolder('hey-api');
    await tool('openapi-ts', ['--input', openapi, '--output', 'client', '--no-log-file', '--silent'], folder);
    await compile(join(folder, 'client'), 'hey-api');
    await expectAllAnswered((environment) => run(process.execPath, ['client/out/caller.js'], folder, environment));
  });

  const generator = findGenerator();
  it.skipIf(!generator)('by openapi-python-client', async () => {
    const folder = await newFolder('python');
    await writeFile(join(folder, 'config.yml'), 'post_hooks: []\n');
    const output = ['--output-path', 'trunkline', '--meta', 'none', '--config', 'config.yml'];
    await run(generator!, ['generate', '--path', openapi, '--fail-on-warning', ...output], folder);
    await copyFile(join(callers, 'python.py'), join(folder, 'caller.py'));
    const python = join(dirname(generator!), 'python');
    await run(python, ['-m', 'compileall', '-q', '.'], folder);
    await expectAllAnswered((environment) => run(python, ['caller.py'], folder, environment));
  });
});
