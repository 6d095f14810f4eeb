import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STACKS } from '../stacks.ts';
import { type Engine, openEngine } from './engine.ts';
import { findEngine } from './find-engine.ts';

const folder = findEngine();

/** What loses data, by its name in the program. */
const GUARDED = {
  'the database': 'aws:docdb/cluster:Cluster::trunkline-database',
  'the key of the database': 'aws:kms/key:Key::trunkline-database',
  'the key of the secrets': 'aws:kms/key:Key::trunkline-secrets',
  'the encryption keys': 'aws:secretsmanager/secret:Secret::trunkline-encryption-keys',
  'the image repository': 'aws:ecr/repository:Repository::trunkline',
};

describe.skipIf(!folder)('a prod stack', () => {
  let engine: Engine;
  let urns: string[];

  beforeAll(async () => {
    engine = await openEngine(folder ?? '', STACKS.prod);
    await engine.init(STACKS.prod);
    const { exit, printed } = await engine.pulumi('up', '--yes', '--skip-preview');
    expect(exit, printed).toBe(0);
    const { stdout } = await engine.pulumi('stack', 'export');
    urns = JSON.parse(stdout).deployment.resources.map(({ urn }: { urn: string }) => urn);
    engine.acts();
  });
  afterAll(async () => {
    await engine?.close();
  });

  const urnOf = (end: string) => {
    const found = urns.find((urn) => urn.endsWith(end));
    if (!found) throw new Error(`no ${end} among\n${urns.join('\n')}`);
    return found;
  };

  it.each(Object.entries(GUARDED))('refuses to replace %s', async (_what, end) => {
    const { exit, printed } = await engine.pulumi('up', '--yes', '--skip-preview', '--replace', urnOf(end));
    expect(exit).not.toBe(0);
    expect(printed).toContain('protect');
    expect(engine.acts()).toEqual([]);
  });

  it('refuses a change of its configuration that would replace the database', async () => {
    await engine.pulumi('config', 'set', '--path', 'infra:database.username', 'another');
    const { exit, printed } = await engine.pulumi('up', '--yes', '--skip-preview');
    expect(exit).not.toBe(0);
    expect(printed).toContain('protect');
    expect(engine.acts().filter((act) => !act.startsWith('update'))).toEqual([]);
  });

  it('refuses to be destroyed, and keeps what holds data', async () => {
    const { exit, printed } = await engine.pulumi('destroy', '--yes', '--skip-preview');
    expect(exit).not.toBe(0);
    expect(printed).toContain('protect');
    expect(engine.left()).toEqual(expect.arrayContaining(Object.values(GUARDED).map(urnOf)));
  });
});
