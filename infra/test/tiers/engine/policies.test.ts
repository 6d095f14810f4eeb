import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STACKS } from '../stacks.ts';
import { type Engine, openEngine } from './engine.ts';
import { findEngine } from './find-engine.ts';

const folder = findEngine();

/** The pack in Pulumi's own engine, on a stack that does not exist yet. */
describe.skipIf(!folder)('the policies, before anything exists', () => {
  let engine: Engine;
  const preview = () => engine.pulumi('preview', '--policy-pack', 'policies');
  const set = (path: string, value: string) => engine.pulumi('config', 'set', '--path', path, value);

  beforeAll(async () => {
    engine = await openEngine(folder ?? '', STACKS.prod);
    await engine.init(STACKS.prod);
  });
  afterAll(async () => {
    await engine?.close();
  });

  it('let a valid stack pass in its first preview', async () => {
    const { exit, printed } = await preview();
    expect(exit, printed).toBe(0);
    expect(printed).not.toContain('[mandatory]');
  });

  it('find a credential in the environment in the first preview, even if a secret changes too', async () => {
    await set('infra:livekitUrl', 'wss://acme.livekit.cloud/tl_live_x');
    await engine.pulumi('config', 'set', '--secret', 'infra:livekitApiSecret', 'marked-livekit-secret-changed');
    const { exit, printed } = await preview();
    expect(exit, printed).not.toBe(0);
    expect(printed).toContain('no-secret-in-environment');
  });

  it('refuse it in the first update before there is a database', async () => {
    const { exit, printed } = await engine.pulumi('up', '--yes', '--skip-preview', '--policy-pack', 'policies');
    expect(exit, printed).not.toBe(0);
    expect(printed).toContain('no-secret-in-environment');
    expect(engine.acts().filter((act) => /docdb|ecs/.test(act))).toEqual([]);
  });
});
