import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Cluster,
  freePort,
  productionSettings,
  type SandboxProcess,
  start,
  startCluster,
  startSandbox,
  whenReady,
} from './processes.ts';

const root = join(import.meta.dirname, '../../..');
const dockerfile = readFileSync(join(root, 'service/Dockerfile'), 'utf8');
/** The commands in the image: the health check of the container, and the service. */
const [healthCheck = [], command = []] = [...dockerfile.matchAll(/^ *CMD (\[.*\])$/gm)].map(([, json = '']): string[] =>
  JSON.parse(json),
);
const [, user = ''] = /^USER (\d+):\d+$/m.exec(dockerfile) ?? [];

/** Readable by everyone, writable by nobody. */
const makeReadOnly = async (folder: string): Promise<void> => {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isSymbolicLink()) await chmod(path, entry.isDirectory() ? 0o555 : 0o444);
  }
  await chmod(folder, 0o555);
};

describe('the image, as far as it can be tested without Docker', () => {
  let folder: string;
  let layers: string[];
  let database: Cluster;
  let sandbox: SandboxProcess;
  beforeAll(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'trunkline-image-')), 'app');
    await chmod(join(folder, '..'), 0o755);
    layers = ['dependencies', 'service'].map((layer) => join(folder, '..', layer));
    const built = start(process.execPath, [join(root, 'service/image.ts'), ...layers.toReversed()]);
    expect(await built.exit(), built.lines.join('\n')).toBe(0);
    // In the order of the image's layers.
    for (const layer of layers) await cp(layer, folder, { recursive: true, verbatimSymlinks: true });
    await makeReadOnly(folder);
    [database, sandbox] = await Promise.all([startCluster(1), startSandbox(1)]);
  });
  afterAll(async () => {
    await Promise.all([database?.close(), sandbox?.close()]);
    await rm(join(folder, '..'), { recursive: true, force: true });
  });

  /** Like the container: as an unprivileged user, without a home or a writable folder. */
  const runAs = ([name, ...args]: string[], environment: Record<string, string>) => {
    expect(name).toBe('node');
    const id = Number(user);
    const nobody = process.getuid?.() === 0 ? { uid: id, gid: id } : {};
    const nowhere = { HOME: '/nonexistent', TMPDIR: '/nonexistent', PATH: '/usr/bin:/bin' };
    return start(process.execPath, args, { ...nowhere, ...environment }, { cwd: folder, ...nobody });
  };

  it('serves, is healthy, imports a number, and drains at SIGTERM', async () => {
    const PORT = String(await freePort());
    const service = await whenReady(runAs(command, { ...productionSettings(sandbox, database.uri), PORT }));
    expect(await runAs(healthCheck, { PORT }).exit()).toBe(0);
    expect(await runAs(healthCheck, { PORT: String(await freePort()) }).exit()).toBe(1);
    const { body } = await service.caller.rest('POST', '/api/phone-numbers', {
      phone_number: '+15557770001',
      provider: 'sip',
      supports_inbound: true,
    });
    expect(body).toMatchObject({ success: true, data: { provisioning_state: 'active' } });
    const docs = await (await fetch(`${service.url}/docs`)).text();
    const files = [...docs.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(files.length).toBeGreaterThan(4);
    for (const path of files) expect((await fetch(service.url + path)).status, path).toBe(200);
    expect(await service.end('SIGTERM')).toBe(0);
  });

  it('creates an organization from the command line', async () => {
    const cli = command.map((word) => word.replace('main.js', 'admin/cli.js'));
    const made = runAs(
      [...cli, 'organizations', 'create', '--name', 'Second'],
      productionSettings(sandbox, database.uri),
    );
    expect(await made.exit(), made.lines.join('\n')).toBe(0);
    expect(made.lines[0]).toMatch(/^Organization +org_/);
  });

  it('says what is missing, and exits, if nothing is configured', async () => {
    const started = runAs(command, { NODE_ENV: 'production' });
    expect(await started.exit()).toBe(1);
    expect(started.lines.join('\n')).toMatch(/MONGODB_URI is required in production/);
  });

  it('has a layer of dependencies, including timestamps, that changes only with the lock file', () => {
    const [dependencies = ''] = layers;
    expect(readdirSync(dependencies)).toEqual(['node_modules']);
    const paths = layers.flatMap((layer) => [
      layer,
      ...readdirSync(layer, { recursive: true, withFileTypes: true }).map((it) => join(it.parentPath, it.name)),
    ]);
    expect(new Set(paths.map((path) => lstatSync(path).mtimeMs)).size).toBe(1);
    const packages = readdirSync(join(dependencies, 'node_modules/.pnpm'));
    expect(packages.length).toBeGreaterThan(100);
    expect(packages.filter((name) => name.startsWith('@trunkline'))).toEqual([]);
    // The files in which pnpm records its run contain the time.
    const noted = readdirSync(join(dependencies, 'node_modules')).filter((name) => /^\.(modules|pnpm-)/.test(name));
    expect(noted).toEqual([]);
  });

  it('contains nothing that only development needs', () => {
    const packages = readdirSync(join(folder, 'node_modules'));
    expect(packages).toContain('mongoose');
    for (const name of ['mongodb-memory-server-core', 'pino-pretty', 'autocannon', 'playwright-core']) {
      expect(packages).not.toContain(name);
    }
    expect(readdirSync(folder).toSorted()).toEqual([
      'dist',
      'node_modules',
      'package.json',
      'pnpm-lock.yaml',
      'pnpm-workspace.yaml',
    ]);
  });
});
