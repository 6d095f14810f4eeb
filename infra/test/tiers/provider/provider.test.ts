import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Resource } from '../registration.ts';
import { runProgram } from '../run-program.ts';
import { STACKS, withConfig } from '../stacks.ts';
import { DIFFERENCES } from './differences.ts';
import { findTerraform } from './find-terraform.ts';
import { openWorkspace, type Workspace } from './terraform.ts';
import { translate } from './translate.ts';

const terraform = findTerraform();
const { bootstrap, dev, prod } = inject('recorded');

/** What the examples leave out. */
const EVERYTHING = withConfig(STACKS.prod, {
  'infra:architecture': 'x86_64',
  'infra:alarms': '{"snsArn":"arn:aws:sns:eu-central-1:210987654321:oncall"}',
  'infra:database':
    '{"kind":"documentdb","instanceClass":"db.serverless","instances":2,"poolSize":10,"capacity":{"min":2,"max":16}}',
  'infra:network':
    '{"zones":["eu-central-1a","eu-central-1b"],"egress":"single-nat","endpoints":["ecr.api","ecr.dkr","logs","secretsmanager"]}',
  'infra:tags': '{"team":"telephony"}',
});

describe.skipIf(!terraform)('the AWS provider 5.100', () => {
  let workspace: Workspace;
  let stacks: Record<string, Resource[]>;

  beforeAll(async () => {
    if (!terraform) return;
    workspace = await openWorkspace(terraform);
    const everything = await runProgram(EVERYTHING);
    expect(everything.errors).toEqual([]);
    stacks = {
      bootstrap: bootstrap.update.resources,
      dev: dev.update.resources,
      prod: prod.update.resources,
      everything: everything.resources,
    };
  });
  afterAll(async () => {
    await workspace?.close();
  });

  it.each(['bootstrap', 'dev', 'prod', 'everything'])('finds the stack %s valid', async (name) => {
    const { configuration } = translate(stacks[name] ?? [], workspace.schemas);
    const errors = (await workspace.validate(configuration)).filter(({ severity }) => severity === 'error');
    expect(errors.map(({ snippet, summary, detail }) => `${snippet?.context}: ${summary}: ${detail}`)).toEqual([]);
  });

  it('knows all that the stacks set, but for the differences listed', () => {
    const unknown = Object.values(stacks).flatMap((resources) => translate(resources, workspace.schemas).unknown);
    expect([...new Set(unknown)].toSorted()).toEqual(Object.keys(DIFFERENCES).toSorted());
  });

  it('is asked in earnest: it refuses what no load balancer has', async () => {
    const { configuration } = translate(prod.update.resources, workspace.schemas);
    Object.assign(configuration.resource.aws_lb?.trunkline ?? {}, { desync_mitigation_mode: 'whatever' });
    const errors = await workspace.validate(configuration);
    expect(errors.map(({ snippet }) => snippet?.context)).toContain('resource.aws_lb.trunkline');
  });
});
