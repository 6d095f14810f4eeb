import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { run } from '../command.ts';
import { EXCEPTIONS } from './exceptions.ts';
import { findCheckov, findTerraform } from './find-terraform.ts';
import { withReferences } from './references.ts';
import { openWorkspace, type Workspace } from './terraform.ts';
import { translate } from './translate.ts';

const terraform = findTerraform();
const checkov = findCheckov();
const recorded = inject('recorded');

/** The thousand rules of others, on the plan that Terraform makes of a stack. */
describe.skipIf(!terraform || !checkov)('checkov', () => {
  let workspace: Workspace;
  /** By rule, what breaks it. */
  const broken: Record<string, string[]> = {};
  let passed = 0;

  beforeAll(async () => {
    if (!terraform || !checkov) return;
    workspace = await openWorkspace(terraform);
    for (const name of ['prod', 'widest'] as const) {
      const { resources } = recorded[name].update;
      const { configuration } = translate(resources, workspace.schemas);
      const plan = await workspace.plan(withReferences(configuration, resources));
      const { stdout, printed } = await run(checkov, ['-f', plan, '--framework', 'terraform_plan', '-o', 'json'], {
        cwd: join(plan, '..'),
        env: { PATH: process.env.PATH, HOME: join(plan, '..') },
      });
      if (!stdout.startsWith('{')) throw new Error(printed);
      const { results } = JSON.parse(stdout);
      passed += results.passed_checks.length;
      for (const { check_id, resource } of results.failed_checks) {
        broken[check_id] = [...(broken[check_id] ?? []), `${name} ${resource}`];
      }
    }
  });
  afterAll(async () => {
    await workspace?.close();
  });

  it('finds nothing in production but what has a reason', () => {
    expect(passed).toBeGreaterThan(300);
    expect(Object.entries(broken).filter(([rule]) => !(rule in EXCEPTIONS))).toEqual([]);
  });

  it('needs each of the reasons', () => {
    expect(Object.keys(EXCEPTIONS).filter((rule) => !(rule in broken))).toEqual([]);
  });
});
