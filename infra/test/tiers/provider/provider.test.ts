import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Resource } from '../registration.ts';
import { DIFFERENCES } from './differences.ts';
import { findTerraform } from './find-terraform.ts';
import { openWorkspace, type Workspace } from './terraform.ts';
import { translate } from './translate.ts';

const terraform = findTerraform();
const recorded = inject('recorded');

describe.skipIf(!terraform)('the AWS provider 5.100', () => {
  let workspace: Workspace;
  let stacks: Record<string, Resource[]>;

  beforeAll(async () => {
    if (!terraform) return;
    workspace = await openWorkspace(terraform);
    stacks = Object.fromEntries(Object.entries(recorded).map(([name, { update }]) => [name, update.resources]));
  });
  afterAll(async () => {
    await workspace?.close();
  });

  it.each(Object.keys(recorded))('finds the stack %s valid', async (name) => {
    const { configuration } = translate(stacks[name] ?? [], workspace.schemas);
    const errors = (await workspace.validate(configuration)).filter(({ severity }) => severity === 'error');
    expect(errors.map(({ snippet, summary, detail }) => `${snippet?.context}: ${summary}: ${detail}`)).toEqual([]);
  });

  it('knows all that the stacks set, but for the differences listed', () => {
    const unknown = Object.values(stacks).flatMap((resources) => translate(resources, workspace.schemas).unknown);
    expect([...new Set(unknown)].toSorted()).toEqual(Object.keys(DIFFERENCES).toSorted());
  });

  it('is asked in earnest: it refuses what no load balancer has', async () => {
    const { configuration } = translate(recorded.prod.update.resources, workspace.schemas);
    Object.assign(configuration.resource.aws_lb?.trunkline ?? {}, { desync_mitigation_mode: 'whatever' });
    const errors = await workspace.validate(configuration);
    expect(errors.map(({ snippet }) => snippet?.context)).toContain('resource.aws_lb.trunkline');
  });
});
