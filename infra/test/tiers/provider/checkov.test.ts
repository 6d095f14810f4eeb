import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { run } from '../command.ts';
import type { Resource } from '../registration.ts';
import type { Values } from '../values.ts';
import { findCheckov, findTerraform } from './find-terraform.ts';
import { openWorkspace, type Workspace } from './terraform.ts';
import { type Translated, translate } from './translate.ts';
import { TERRAFORM_TYPES } from './types.ts';

const terraform = findTerraform();
const checkov = findCheckov();
const recorded = inject('recorded');

/** Checkov rules that a production stack breaks, each with the reason. docs/exceptions.md has those of other tools. */
const EXCEPTIONS: Record<string, string> = {
  CKV2_AWS_23: 'The record is an alias of the load balancer, which this rule does not follow.',
  CKV2_AWS_57: 'LiveKit, Atlas and the key ring cannot be rotated by a Lambda function; the runbook rotates.',
  CKV2_AWS_62: 'Nobody waits for a file of the access log.',
  CKV2_AWS_64: 'The default policy of a key leaves it to IAM.',
  CKV2_AWS_76: 'There is no Java for Log4j.',
  CKV_AWS_136: 'The image holds no secret.',
  CKV_AWS_144: 'The access log needs no second region.',
  CKV_AWS_145: 'The load balancer writes its log with the key of S3 alone.',
  CKV_AWS_158: 'AWS’s key encrypts; secrets are not logged.',
  CKV_AWS_18: 'A log of the log.',
  CKV_AWS_192: 'There is no Java for Log4j.',
  CKV_AWS_21: 'What expires needs no versions.',
  CKV_AWS_26: 'Alarm texts hold no data, and AWS’s own key would silence every alarm.',
  CKV_AWS_338: 'Less than a year is data minimization; logRetentionDays sets more.',
  CKV_AWS_65: 'Container Insights costs by the metric; those of load balancer and log cover most.',
};

/** Checkov's thousand rules, on Terraform's plan of a stack. */
describe.skipIf(!terraform || !checkov)('checkov', () => {
  let workspace: Workspace;
  /** The resources that break each rule. */
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

  it('finds nothing in production without a listed reason', () => {
    expect(passed).toBeGreaterThan(300);
    expect(Object.entries(broken).filter(([rule]) => !(rule in EXCEPTIONS))).toEqual([]);
  });

  it('still needs each listed reason', () => {
    expect(Object.keys(EXCEPTIONS).filter((rule) => !(rule in broken))).toEqual([]);
  });
});

type Configuration = Translated['configuration'];

/** Turns ids from the stand-in back into references, by which rules see what belongs together. */
const withReferences = ({ provider, resource }: Configuration, resources: Resource[]): Configuration => {
  const addresses = addressesOf(resources);
  const replaced = (value: unknown, own: string): unknown => {
    if (typeof value === 'string') {
      const found = addresses.get(value);
      return found === undefined || found.startsWith(`${own}.`) ? value : `\${${found}}`;
    }
    if (Array.isArray(value)) return value.map((item) => replaced(item, own));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item, own)]));
  };
  const ofType = ([type, named]: [string, Values]): [string, Values] => [
    type,
    Object.fromEntries(Object.entries(named).map(([name, values]) => [name, replaced(values, `${type}.${name}`)])),
  ];
  return { provider, resource: Object.fromEntries(Object.entries(resource).map(ofType)) };
};

const addressesOf = (resources: Resource[]): Map<unknown, string> => {
  const addresses = new Map<unknown, string>();
  for (const { type, name, id, outputs } of resources) {
    const terraformType = TERRAFORM_TYPES[type];
    if (terraformType === undefined) continue;
    const at = `${terraformType}.${name.replaceAll(/[^A-Za-z0-9_-]/g, '-')}`;
    // Some resources share an id with the one they belong to. The first is meant.
    if (id !== '' && !addresses.has(id)) addresses.set(id, `${at}.id`);
    if (typeof outputs.arn === 'string' && !addresses.has(outputs.arn)) addresses.set(outputs.arn, `${at}.arn`);
  }
  return addresses;
};
