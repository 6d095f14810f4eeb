import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, readDocument } from '../commands.ts';
import { runProgram } from '../run-program.ts';
import { marksInText } from '../secrets-in-clear.ts';
import { STACKS } from '../stacks.ts';
import { redacted } from '../values.ts';
import { type Engine, openEngine } from './engine.ts';
import { findEngine } from './find-engine.ts';

const folder = findEngine();

interface Registered {
  urn: string;
  inputs?: object;
  dependencies?: string[];
}
const byUrn = (resources: { urn: string; inputs?: object | undefined; dependsOn?: string[] | undefined }[]) =>
  Object.fromEntries(
    resources
      // The engine adds its own inputs to providers.
      .filter(({ urn }) => !urn.includes('pulumi:providers:'))
      .map(({ urn, inputs = {}, dependsOn = [] }) => [
        urn,
        { inputs: redacted(inputs), dependsOn: dependsOn.toSorted() },
      ]),
  );

/** The life of one stack, from creation to removal: each test continues where the previous one ended. */
describe.skipIf(!folder)('a dev stack', () => {
  let engine: Engine;
  /** Everything that `pulumi` printed. */
  let printed = '';
  const pulumi = async (...args: string[]) => {
    const ended = await engine.pulumi(...args);
    printed += ended.printed;
    return ended;
  };
  const up = (...args: string[]) => pulumi('up', '--yes', '--skip-preview', ...args);
  const setSecret = (value: string) => pulumi('config', 'set', '--secret', 'infra:livekitApiSecret', value);

  beforeAll(async () => {
    engine = await openEngine(folder ?? '', STACKS.bootstrap);
    await engine.init(STACKS.bootstrap);
  });
  afterAll(async () => {
    await engine?.close();
  });

  it('is shown by a preview, which does nothing and writes nothing to the state, not even a lock', async () => {
    const before = await engine.stateFiles();
    const { exit, printed: shown } = await pulumi('preview');
    expect(exit, shown).toBe(0);
    expect(await engine.stateFiles()).toEqual(before);
    expect(engine.acts()).toEqual([]);
  });

  it('starts without an image, and says what to push where and which key to set', async () => {
    const { exit, printed: shown } = await up();
    expect(exit, shown).toBe(0);
    expect(engine.acts().join('\n')).not.toContain('ecs/service');
    const { stdout } = await pulumi('stack', 'output', '--json');
    expect(stdout).toContain('docker');
    expect(stdout).toContain('pulumi config set infra:image');
  });

  it('gets its service once there is an image, and fails if its first tasks do', async () => {
    engine.order({ rollsBack: true });
    await pulumi('config', 'set', 'infra:image', STACKS.dev.config['infra:image'] ?? '');
    const { exit, printed: shown } = await up();
    expect(exit).not.toBe(0);
    expect(shown).toContain('ECS deployment circuit breaker');
    expect(engine.acts().join('\n')).toContain('create aws:ecs/service:Service');
  });

  it('fails again while no task runs, and starts tasks with the command that it names', async () => {
    engine.order({ rollsBack: false });
    const { exit, printed: shown } = await up();
    expect(exit).not.toBe(0);
    expect(shown).toMatch(/No task of trunkline-dev:\d+ runs\./);
    await engine.type(/aws ecs update-service .*--force-new-deployment/.exec(shown)?.[0] ?? '');
    const { exit: second, printed: after } = await up();
    expect(second, after).toBe(0);
    engine.acts();
  });

  it('gets one task after a schema change if its configuration names no number', async () => {
    const [, start = ''] = blocksOf(readDocument('../docs/upgrading.md'));
    await engine.asked();
    const { exit, printed: shown } = await engine.type(start);
    expect(exit, shown).toBe(0);
    expect((await engine.asked())[0]).toMatch(/\[update-service].* \[--desired-count] \[1]$/);
  });

  it('is the same to the engine as to the monitor that stands in for it in other tiers', async () => {
    const { stdout } = await pulumi('stack', 'export');
    const kept: Registered[] = JSON.parse(stdout).deployment.resources;
    const { resources } = await runProgram(STACKS.dev);
    const toEngine = kept.map(({ urn, inputs, dependencies }) => ({ urn, inputs, dependsOn: dependencies }));
    expect(byUrn(toEngine)).toEqual(byUrn(resources));
  });

  it('does not change if its configuration does not', async () => {
    const { exit, printed: shown } = await up('--expect-no-changes');
    expect(exit, shown).toBe(0);
    expect(engine.acts()).toEqual([]);
  });

  it('replaces its tasks when a secret changes, and nothing else', async () => {
    await setSecret('marked-livekit-secret-changed');
    const { exit, printed: shown } = await up();
    expect(exit, shown).toBe(0);
    expect(engine.acts()).toEqual([
      'create aws:secretsmanager/secretVersion:SecretVersion trunkline-livekit-api-secret',
      'create aws:ecs/taskDefinition:TaskDefinition trunkline',
      'update aws:ecs/service:Service trunkline',
      'delete aws:ecs/taskDefinition:TaskDefinition trunkline',
    ]);
  });

  it('fails if ECS rolls the deployment back, and keeps the secret of the running tasks', async () => {
    engine.order({ rollsBack: true });
    await setSecret('marked-livekit-secret-refused');
    const { exit, printed: shown } = await up();
    expect(exit).not.toBe(0);
    expect(shown).toContain('ECS deployment circuit breaker');
    expect(engine.acts().filter((act) => act.startsWith('delete'))).toEqual([]);
  });

  it('fails again when the provider finds nothing to do, since the old code still runs', async () => {
    engine.order({ rollsBack: false });
    const { exit, printed: shown } = await up();
    expect(exit).not.toBe(0);
    expect(shown).toMatch(/The service runs trunkline-dev:\d+, and not trunkline-dev:\d+\./);
    expect(shown).toContain('pulumi up --refresh');
  });

  it('deploys again with the command that the error names', async () => {
    engine.acts();
    const { exit, printed: shown } = await up('--refresh');
    expect(exit, shown).toBe(0);
    expect(engine.acts()).toContain('update aws:ecs/service:Service trunkline');
    expect((await up('--expect-no-changes')).exit).toBe(0);
  });

  it('keeps the rights of the old tasks if ECS rolls back, and has one policy again afterwards', async () => {
    const policies = () => engine.left().filter(({ urn }) => urn.endsWith('RolePolicy::trunkline-execution'));
    const key = STACKS.dev.secrets['infra:bootstrapApiKey'] ?? '';
    engine.order({ rollsBack: true });
    await pulumi('config', 'rm', 'infra:bootstrapApiKey');
    expect((await up()).exit).not.toBe(0);
    expect(policies()).toHaveLength(2);
    engine.order({ rollsBack: false });
    await pulumi('config', 'set', '--secret', 'infra:bootstrapApiKey', key);
    const { exit, printed: shown } = await up('--refresh');
    expect(exit, shown).toBe(0);
    expect(policies()).toHaveLength(1);
  });

  it('keeps the rights of the old tasks until the new ones are steady', async () => {
    engine.acts();
    await pulumi('config', 'rm', 'infra:bootstrapApiKey');
    const { exit, printed: shown } = await up();
    expect(exit, shown).toBe(0);
    const acts = engine.acts();
    const at = (act: string) => acts.indexOf(act);
    expect(at('create aws:iam/rolePolicy:RolePolicy trunkline-execution')).toBeGreaterThanOrEqual(0);
    expect(at('update aws:ecs/service:Service trunkline')).toBeGreaterThan(
      at('create aws:iam/rolePolicy:RolePolicy trunkline-execution'),
    );
    for (const gone of [
      'delete aws:iam/rolePolicy:RolePolicy trunkline-execution',
      'delete aws:secretsmanager/secret:Secret trunkline-bootstrap-api-key',
    ])
      expect(at(gone), gone).toBeGreaterThan(at('update aws:ecs/service:Service trunkline'));
  });

  it('is destroyed completely', async () => {
    const { exit, printed: shown } = await pulumi('destroy', '--yes', '--skip-preview');
    expect(exit, shown).toBe(0);
    expect(engine.left()).toEqual([]);
    const { stdout } = await pulumi('stack', 'export');
    expect(JSON.parse(stdout).deployment.resources ?? []).toEqual([]);
  });

  it('leaves no secret in clear text in its state, history, backups or printed text', async () => {
    const files = await engine.stateFiles();
    for (const part of ['stacks', 'history', 'backups']) {
      expect(files.filter(({ path }) => path.includes(`/.pulumi/${part}/`))).not.toEqual([]);
    }
    expect(files.flatMap(({ path, text }) => marksInText(text).map((mark) => `${path}: ${mark}`))).toEqual([]);
    expect(files.some(({ text }) => text.includes('trunkline-livekit-api-secret'))).toBe(true);
    expect(marksInText(printed)).toEqual([]);
  });
});
