import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { DIFFERENCES } from './differences.ts';
import { findTerraform } from './find-terraform.ts';
import { openWorkspace, type Workspace } from './terraform.ts';
import { translate } from './translate.ts';

const terraform = findTerraform();

describe.skipIf(!terraform)('the AWS provider 5.100', () => {
  let workspace: Workspace;

  beforeAll(async () => {
    if (terraform) workspace = await openWorkspace(terraform);
  });
  afterAll(async () => {
    await workspace?.close();
  });

  const recorded = Object.entries(inject('recorded'));

  it.each(recorded)('finds the stack %s valid', async (_name, { update }) => {
    const { configuration } = translate(update.resources, workspace.schemas);
    const errors = (await workspace.validate(configuration)).filter(({ severity }) => severity === 'error');
    expect(errors.map(({ snippet, summary, detail }) => `${snippet?.context}: ${summary}: ${detail}`)).toEqual([]);
  });

  it('knows all that the stacks set, but for the differences listed', () => {
    const unknown = recorded.flatMap(([, { update }]) => translate(update.resources, workspace.schemas).unknown);
    expect([...new Set(unknown)].toSorted()).toEqual(Object.keys(DIFFERENCES).toSorted());
  });

  it('is asked in earnest: it refuses what no load balancer has', async () => {
    const { configuration } = translate(inject('recorded').prod.update.resources, workspace.schemas);
    Object.assign(configuration.resource.aws_lb?.trunkline ?? {}, { desync_mitigation_mode: 'whatever' });
    const errors = await workspace.validate(configuration);
    expect(errors.map(({ snippet }) => snippet?.context)).toContain('resource.aws_lb.trunkline');
  });
});
