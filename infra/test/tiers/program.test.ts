import { isDeepStrictEqual } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { existingNetwork } from '../given.ts';
import { build } from './in-process.ts';
import { PROMISES } from './promises/promises.ts';
import { runProgram } from './run-program.ts';
import { STACKS, withConfig } from './stacks.ts';
import { paths, revealed, UNKNOWN } from './values.ts';

const recorded = inject('recorded');
const each = Object.entries(recorded);
const inputsOf = ({ resources }: { resources: { urn: string; inputs: object }[] }) =>
  Object.fromEntries(resources.map(({ urn, inputs }) => [urn, inputs]));

describe.each(each)('the program of the stack %s', (_name, { preview, update }) => {
  it('creates in an update what the preview showed, with every unknown value known', () => {
    expect(update.resources.map(({ urn }) => urn).toSorted()).toEqual(
      preview.resources.map(({ urn }) => urn).toSorted(),
    );
    for (const shown of preview.resources) {
      const made = update.resources.find(({ urn }) => urn === shown.urn);
      // An output that AWS never returns is silently dropped from what depends on it.
      expect(paths(revealed(made?.inputs ?? {})), shown.urn).toEqual(
        expect.arrayContaining(paths(revealed(shown.inputs))),
      );
    }
    expect(JSON.stringify(update.resources)).not.toContain(UNKNOWN);
  });

  it.each(Object.entries(PROMISES))('keeps: %s', (_promise, breaches) => {
    expect(breaches(update)).toEqual([]);
  });
});

describe('the program in its own process, as Pulumi runs it', () => {
  it.each([
    ['existing', true],
    ['dev', false],
  ] as const)('ends well, and asks for what the recordings have: %s, dry run %s', async (name, dryRun) => {
    const { exit, errors, printed, ...run } = await runProgram(STACKS[name], { dryRun });
    expect({ exit, errors, printed }).toEqual({ exit: 0, errors: [], printed: '' });
    const { preview, update } = recorded[name];
    expect(inputsOf(run)).toEqual(inputsOf(dryRun ? preview : update));
    expect(run.outputs).toEqual((dryRun ? preview : update).outputs);
  });

  it('creates a new version of a changed secret and a task definition that names it, and changes nothing else', async () => {
    const changed = await build(withConfig(STACKS.dev, { 'infra:livekitApiSecret': 'marked-livekit-secret-changed' }));
    const before = inputsOf(recorded.dev.update);
    const after = inputsOf(changed);
    const differing = Object.keys(after).filter((urn) => !isDeepStrictEqual(after[urn], before[urn]));
    expect(differing.map((urn) => urn.split('$').at(-1)).toSorted()).toEqual([
      'aws:ecs/taskDefinition:TaskDefinition::trunkline',
      'aws:secretsmanager/secretVersion:SecretVersion::trunkline-livekit-api-secret',
    ]);
  });

  it('fails with an error if the first deployment fails, which has nothing to roll back to', async () => {
    const { exit, errors } = await runProgram(STACKS.dev, { rollsBack: () => true });
    expect(exit).not.toBe(0);
    expect(errors.join('\n')).toContain('No task of trunkline-dev:1 runs.');
  });

  it('fails its preview if the existing subnets are all in one zone', async () => {
    const network = {
      ...existingNetwork({ isShared: true }),
      taskSubnetIds: ['subnet-0000000000000b001', 'subnet-0000000000000d001'],
    };
    const stack = withConfig(STACKS.existing, { 'infra:network': JSON.stringify(network) });
    const { exit, printed, errors } = await runProgram(stack, { dryRun: true });
    expect(exit).not.toBe(0);
    expect([printed, ...errors].join('\n')).toContain(
      'infra:network.taskSubnetIds names subnets of eu-central-1a alone',
    );
  });

  it('fails before it registers anything if the configuration is invalid, with each fault and its fix', async () => {
    const { exit, errors, resources } = await runProgram(
      withConfig(STACKS.prod, {
        'infra:image': 'trunkline:latest',
        'infra:enviroment': 'prod',
        'infra:accountId': undefined,
      }),
    );
    expect(exit).not.toBe(0);
    expect(resources.map(({ type }) => type)).toEqual(['pulumi:pulumi:Stack']);
    const told = errors.join('\n');
    for (const mend of ['set infra:accountId', 'rm infra:enviroment', 'set infra:image']) {
      expect(told).toContain(`pulumi config ${mend}`);
    }
  });
});
