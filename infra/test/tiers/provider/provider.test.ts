import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Resource } from '../registration.ts';
import { findTerraform } from './find-terraform.ts';
import { openWorkspace, type Workspace } from './terraform.ts';
import { translate } from './translate.ts';

const terraform = findTerraform();
const recorded = inject('recorded');

/**
 * Properties that the program sets with @pulumi/aws 7.48 and that provider 5.100, one major version behind, lacks. They
 * are not validated here. 7.48 also adds these, which the program does not set: `region` of every resource;
 * aws_cloudwatch_log_group deletion_protection_enabled; aws_ecr_repository image_tag_mutability_exclusion_filter;
 * aws_ecs_service deployment_configuration, sigint_rollback; aws_lb health_check_logs; aws_nat_gateway
 * availability_mode; aws_secretsmanager_secret type; aws_docdb_cluster network_type. Only 5.100 has `vpc` of aws_eip, `log_group_name` of
 * aws_flow_log and `inference_accelerator` of aws_ecs_task_definition.
 */
const DIFFERENCES: Record<string, string> = {
  'aws_docdb_cluster.serverless_v2_scaling_configuration': 'serverless DocumentDB is newer',
};

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

  it('knows everything that the stacks set, except the listed differences', () => {
    const unknown = Object.values(stacks).flatMap((resources) => translate(resources, workspace.schemas).unknown);
    expect([...new Set(unknown)].toSorted()).toEqual(Object.keys(DIFFERENCES).toSorted());
  });

  it('refuses an invalid load balancer, so it really validates', async () => {
    const { configuration } = translate(recorded.prod.update.resources, workspace.schemas);
    Object.assign(configuration.resource.aws_lb?.trunkline ?? {}, { desync_mitigation_mode: 'whatever' });
    const errors = await workspace.validate(configuration);
    expect(errors.map(({ snippet }) => snippet?.context)).toContain('resource.aws_lb.trunkline');
  });
});
