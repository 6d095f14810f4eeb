import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandsOf } from '../commands.ts';
import { STACKS } from '../stacks.ts';
import { type Engine, openEngine, stackFileOf } from './engine.ts';
import { findEngine } from './find-engine.ts';

const folder = findEngine();

/** Runs the README's commands in one shell as its reader would. Only answers to questions are added. */
describe.skipIf(!folder)('the README', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine(folder ?? '', STACKS.bootstrap);
  });
  afterAll(async () => {
    await engine?.close();
  });

  it('leads from a clone to a running service', async () => {
    const [clone = '', configure = '', look = ''] = commandsOf(
      'README.md',
      'From an empty account to a running service',
    );
    const { config, secrets } = STACKS.bootstrap;
    const script = [
      clone.replace('<owner>', 'acme'),
      // "Put your own values where the file says yours".
      `cat >Pulumi.dev.yaml <<'YOURS'\n${stackFileOf(config)}YOURS`,
      // Pulumi asks for each of these values, and for confirmation.
      configure
        .replaceAll(
          /^pulumi config set --secret (infra:\w+).*$/gm,
          (command, key) => `echo '${secrets[key]}' | ${command}`,
        )
        .replace('pulumi up ', 'pulumi up --yes '),
      look,
      `pulumi stack output nextSteps --json | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).join("\\n")' >steps.sh`,
      '. ./steps.sh',
      'pulumi stack output service',
    ].join('\n');
    const { exit, printed } = await engine.type(script, '.');
    expect(exit, printed).toBe(0);
    const asked = (await engine.asked()).join('\n');
    expect(asked).toMatch(/^git \[clone] .*\nnpx \[pnpm] \[install]/);
    expect(asked).toMatch(/curl \[http:\/\/trunkline-\S*\/healthz]/);
    expect(asked).not.toContain(' []');
    expect(engine.acts()).toContain('create aws:ecs/service:Service trunkline');
  });
});
