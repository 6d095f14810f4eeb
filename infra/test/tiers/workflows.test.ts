import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readDocument } from './commands.ts';

const FOLDER = join(import.meta.dirname, '../../../.github/workflows');
const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8');

it.each(readdirSync(FOLDER))('%s pins actions by commit and keeps no credentials in the checkout', (file) => {
  const workflow = read(file);
  const used = [...workflow.matchAll(/uses: (\S+)/g)].map(([, action]) => action);
  expect(used.length).toBeGreaterThan(0);
  expect(used.filter((action = '') => !/^\.\/|@[0-9a-f]{40}$/.test(action))).toEqual([]);
  expect(workflow.match(/persist-credentials: false/g)).toHaveLength(
    workflow.match(/actions\/checkout@/g)?.length ?? 0,
  );
});

interface Step {
  if?: string;
  run?: string;
  uses?: string;
  with?: Record<string, string>;
  env?: Record<string, string>;
  'working-directory'?: string;
}

describe('deploy.yml', () => {
  const { jobs, concurrency, permissions } = parse(read('deploy.yml'));
  const vars = {
    PULUMI_STACK: 'prod',
    PULUMI_STACK_FILE: 's3://acme-state/Pulumi.prod.yaml',
    AWS_DEPLOY_ROLE: 'deploy',
    AWS_PREVIEW_ROLE: 'preview',
    AWS_DRIFT_ROLE: 'drift',
  };
  const push = { event_name: 'push', ref: 'refs/heads/main', repository: 'acme/trunkline', event: {} };
  const pullRequest = (repository: string) => ({
    ...push,
    event_name: 'pull_request',
    ref: 'refs/pull/1/merge',
    event: { pull_request: { head: { repo: { full_name: repository } } } },
  });
  const OWN = pullRequest('acme/trunkline');
  const SCHEDULE = { ...push, event_name: 'schedule' };

  interface On {
    github: object;
    ci?: string;
    set?: object;
    role?: string;
  }
  /** Evaluates a GitHub expression. JavaScript gives the same result for those used here. */
  const evaluated = (expression: string | undefined, { github, ci = 'skipped', set = vars, role = '' }: On) =>
    runInNewContext((expression ?? 'true').replace(/^\$\{\{(.*)\}\}$/, '$1'), {
      github,
      // Unset variables are empty.
      vars: { ...Object.fromEntries(Object.keys(vars).map((name) => [name, ''])), ...set },
      env: { ROLE: role },
      needs: { ci: { result: ci } },
      cancelled: () => false,
    });
  /** The role that a run assumes, its environment, and the commands that it runs in each folder. */
  const done = (on: On) => {
    const { infra } = jobs;
    if (!evaluated(infra.if, on)) return undefined;
    const steps: Step[] = infra.steps.filter((step: Step) => evaluated(step.if, on));
    const pulumi = steps.filter(({ run }) => run?.startsWith('pulumi '));
    return {
      role: evaluated(steps.find((step) => step.with?.['role-to-assume'])?.with?.['role-to-assume'], {
        ...on,
        role: evaluated(infra.env.ROLE, on),
      }),
      environment: evaluated(infra.environment, on),
      commands: pulumi.map((step) => `${step['working-directory']}: ${step.run}`),
    };
  };

  it('deploys pushes to main, with the policies and a refresh', () => {
    expect(evaluated(jobs.ci.if, { github: push })).toBe(true);
    expect(jobs.ci.uses).toBe('./.github/workflows/ci.yml');
    expect(jobs.infra.needs).toBe('ci');
    expect(done({ github: push, ci: 'success' })).toEqual({
      role: 'deploy',
      environment: 'prod',
      commands: ['infra: pulumi up --non-interactive --yes --refresh --policy-pack policies'],
    });
  });

  it.each(['failure', 'cancelled', 'skipped'])('deploys nothing if the tests end with %s', (ci) => {
    expect(done({ github: push, ci })).toBeUndefined();
  });

  it('previews a pull request with a read-only role and no environment', () => {
    expect(done({ github: OWN })).toEqual({
      role: 'preview',
      environment: '',
      commands: ['infra: pulumi preview --non-interactive --diff --policy-pack policies'],
    });
  });

  it('fails the scheduled run if something was changed outside of Pulumi', () => {
    expect(done({ github: SCHEDULE })).toEqual({
      role: 'drift',
      environment: '',
      commands: ['infra: pulumi preview --non-interactive --refresh --expect-no-changes --diff'],
    });
  });

  it('does nothing for a fork or before it is set up', () => {
    expect(done({ github: pullRequest('mallory/trunkline') })).toBeUndefined();
    for (const github of [push, OWN, SCHEDULE]) expect(done({ github, ci: 'success', set: {} })).toBeUndefined();
    expect(evaluated(jobs.ci.if, { github: push, set: {} })).toBe(false);
  });

  const without = (name: keyof typeof vars) => ({ ...vars, [name]: '' });

  it.each([
    ['a preview', OWN, without('AWS_PREVIEW_ROLE')],
    ['drift detection', SCHEDULE, without('AWS_DRIFT_ROLE')],
  ])('skips %s without a role, and does not fail', (_what, github, set) => {
    expect(done({ github, set })).toBeUndefined();
  });

  it('fails a push without a role in its first step, and uses no other role', () => {
    expect(done({ github: push, ci: 'success', set: without('AWS_DEPLOY_ROLE') })?.role).toBe('');
    const [first] = jobs.infra.steps;
    const typed = (ROLE: string) => spawnSync('sh', ['-c', first.run], { env: { ROLE }, encoding: 'utf8' });
    expect(typed('')).toMatchObject({ status: 1, stdout: expect.stringContaining('AWS_DEPLOY_ROLE') });
    expect(typed('deploy').status).toBe(0);
  });

  const groupIn = ({ group }: { group: string }, github: object) =>
    group.replace(/\$\{\{.*\}\}/, (it: string) => evaluated(it, { github }));

  it('lets an update finish before the next begins, and cancels only previews', () => {
    expect(groupIn(concurrency, OWN)).not.toBe(groupIn(concurrency, push));
    expect(evaluated(concurrency['cancel-in-progress'], { github: push })).toBe(false);
    expect(evaluated(concurrency['cancel-in-progress'], { github: SCHEDULE })).toBe(false);
    expect(evaluated(concurrency['cancel-in-progress'], { github: OWN })).toBe(true);
  });

  // GitHub cancels a run that waits for a group once another one waits for it.
  it('never looks for drift during an update, and never cancels an update that waits', () => {
    expect(groupIn(concurrency, SCHEDULE)).not.toBe(groupIn(concurrency, push));
    expect(groupIn(jobs.infra.concurrency, SCHEDULE)).toBe(groupIn(jobs.infra.concurrency, push));
    expect(jobs.infra.concurrency['cancel-in-progress']).toBeUndefined();
    // A job in the group of its own run would wait for itself, and GitHub ends that.
    const [ofRuns, ofJobs] = [concurrency, jobs.infra.concurrency].map((of) =>
      [push, SCHEDULE, OWN].map((github) => groupIn(of, github)),
    );
    expect(ofJobs?.filter((group) => ofRuns?.includes(group))).toEqual([]);
  });

  it('assumes its role by OIDC, and downloads the stack’s file that the runbooks upload', () => {
    expect(permissions).toEqual({ contents: 'read' });
    expect(jobs.infra.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
    const steps: Step[] = jobs.infra.steps;
    const copies = steps.findIndex(
      ({ run }) => run === 'aws s3 cp "$PULUMI_STACK_FILE" "infra/Pulumi.$PULUMI_STACK.yaml"',
    );
    expect(steps[copies]?.env?.PULUMI_STACK_FILE).toContain(' vars.PULUMI_STACK_FILE ');
    expect(steps.findIndex(({ run }) => run?.startsWith('pulumi '))).toBeGreaterThan(copies);
    expect(jobs.infra.env.PULUMI_STACK).toContain(' vars.PULUMI_STACK ');
  });

  it('reads only variables that docs/ci.md names', () => {
    const variables = [...read('deploy.yml').matchAll(/vars\.(\w+)/g)].map(([, name = '']) => name);
    expect(variables).not.toEqual([]);
    expect(variables.filter((name) => !readDocument('docs/ci.md').includes(`\`${name}\``))).toEqual([]);
  });
});

describe('release.yml', () => {
  it('releases nothing before the tests pass', () => {
    const { jobs } = parse(read('release.yml'));
    expect(jobs.ci.uses).toBe('./.github/workflows/ci.yml');
    for (const job of ['package', 'image']) expect(jobs[job].needs).toContain('ci');
    expect(jobs.release.needs).toEqual(expect.arrayContaining(['package', 'image']));
  });
});
