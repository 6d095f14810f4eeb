import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../command.ts';
import type { Values } from '../values.ts';
import type { Terraform } from './find-terraform.ts';

/** The schema of a resource block, from `terraform providers schema -json`. */
export interface BlockSchema {
  attributes?: Record<string, { type: unknown; required?: boolean }>;
  block_types?: Record<string, { block: BlockSchema }>;
}

interface Diagnostic {
  severity: 'error' | 'warning';
  summary: string;
  detail: string;
  /** Place in the configuration, such as `resource.aws_lb.trunkline`. */
  snippet?: { context?: string };
}

export interface Workspace {
  /** By resource type. */
  schemas: Record<string, { block: BlockSchema }>;
  validate(configuration: Values): Promise<Diagnostic[]>;
  /** Plans for an empty account without contacting AWS, and returns the path of the plan's JSON. */
  plan(configuration: { provider: Values; resource: Values }): Promise<string>;
  close(): Promise<void>;
}

/** Settings with which the provider plans without contacting AWS. */
const UNASKED = {
  skip_credentials_validation: true,
  skip_requesting_account_id: true,
  skip_metadata_api_check: true,
  skip_region_validation: true,
};

const required = { aws: { source: 'hashicorp/aws', version: '5.100.0' } };

/** Opens a folder where Terraform has the AWS provider installed, without network access or an account. */
export const openWorkspace = async ({ binary, plugins }: Terraform): Promise<Workspace> => {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-terraform-'));
  const terraform = async (...args: string[]) => {
    const env = { PATH: process.env.PATH, HOME: folder, CHECKPOINT_DISABLE: '1' };
    return run(binary, args, { cwd: folder, env });
  };
  const write = (configuration: Values) =>
    writeFile(
      join(folder, 'main.tf.json'),
      JSON.stringify({ terraform: { required_providers: required }, ...configuration }),
    );

  await write({});
  const { exit, printed } = await terraform('init', `-plugin-dir=${plugins}`);
  if (exit !== 0) throw new Error(printed);
  const told = JSON.parse((await terraform('providers', 'schema', '-json')).stdout);
  const [provider]: { resource_schemas: Workspace['schemas'] }[] = Object.values(told.provider_schemas);
  if (!provider) throw new Error('Terraform tells of no provider');

  return {
    schemas: provider.resource_schemas,
    validate: async (configuration) => {
      await write(configuration);
      return JSON.parse((await terraform('validate', '-json')).stdout).diagnostics;
    },
    plan: async ({ provider: configured, resource }) => {
      const { region, default_tags } = Object(configured.aws);
      const aws = { region, default_tags, access_key: 'none', secret_key: 'none', ...UNASKED };
      await write({ provider: { aws }, resource });
      for (const args of [
        ['init', `-plugin-dir=${plugins}`],
        ['plan', '-refresh=false', '-out=plan.bin'],
      ]) {
        const { exit, printed } = await terraform(...args);
        if (exit !== 0) throw new Error(printed);
      }
      const path = join(folder, 'plan.json');
      await writeFile(path, (await terraform('show', '-json', 'plan.bin')).stdout);
      return path;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
};
