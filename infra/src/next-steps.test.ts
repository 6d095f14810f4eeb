import * as pulumi from '@pulumi/pulumi';
import { expect, it } from 'vitest';
import { dev, prod } from '../test/given.ts';
import { commandsOf } from '../test/tiers/commands.ts';
import { type Given, parseConfig } from './config/config.ts';
import { nextSteps } from './next-steps.ts';

const REPOSITORY = '210987654321.dkr.ecr.eu-central-1.amazonaws.com/trunkline-1234567';

const stepsOf = (given: Given): Promise<string[]> =>
  new Promise((resolve) =>
    nextSteps({
      config: parseConfig(given),
      repositoryUrl: pulumi.output(REPOSITORY),
      url: pulumi.output('https://trunkline.acme.dev'),
      dnsName: pulumi.output('edge-1.elb.amazonaws.com'),
    }).apply(resolve),
  );

it.each([
  ['arm64', 'linux/arm64'],
  ['x86_64', 'linux/amd64'],
])(
  'says how to build, push and deploy an image for %s, as the runbook does, if there is none',
  async (architecture, platform) => {
    const steps = await stepsOf(dev({ architecture }));
    const runbook = commandsOf('docs/runbooks.md', 'Upgrade').join('').trim().split('\n');
    expect(steps.slice(4)).toEqual(runbook.slice(4));
    expect(steps.slice(1, 4)).toEqual([`repository=${REPOSITORY}`, 'region=eu-central-1', `platform=${platform}`]);
    const variables = (lines: string[]) => lines.slice(0, 4).map((line) => line.replace(/=.*/, ''));
    expect(variables(steps)).toEqual(variables(runbook));
  },
);

it('says what to try, and which e-mail address to confirm, once there is an image', async () => {
  const [first, second, ...rest] = await stepsOf(prod());
  expect(first).toBe('curl https://trunkline.acme.dev/healthz');
  expect(second).toContain('oncall@acme.dev');
  expect(rest).toEqual([]);
});

it('says where to point a domain whose zone is managed elsewhere', async () => {
  const certificateArn = 'arn:aws:acm:eu-central-1:210987654321:certificate/11111111-2222-3333-4444-555555555555';
  const [first] = await stepsOf(prod({ hostedZoneId: undefined, certificateArn }));
  expect(first).toBe('# Point trunkline.acme.dev to edge-1.elb.amazonaws.com: its zone is not known here.');
});

it('says to retire the bootstrap key, without printing it', async () => {
  const bootstrapApiKey = `tl_live_${'k'.repeat(64)}`;
  const steps = (await stepsOf(prod({ bootstrapApiKey }))).join('\n');
  expect(steps).toContain('bootstrap key');
  expect(steps).not.toContain(bootstrapApiKey);
});
