import { describe, expect, inject, it } from 'vitest';
import { rules } from '../../policies/rules.ts';
import { evaluate, evaluatePreview } from './evaluate.ts';
import { data } from './mutants/data.ts';
import { edge } from './mutants/edge.ts';
import { existing } from './mutants/existing.ts';
import { changedEach, type Generated, withoutEach } from './mutants/generated.ts';
import type { Mutant } from './mutants/mutant.ts';
import { network } from './mutants/network.ts';
import { service } from './mutants/service.ts';
import { watch } from './mutants/watch.ts';
import { listOf } from './promises/promise.ts';
import { PROMISES } from './promises/promises.ts';
import type { Run } from './run-program.ts';
import type { StackName } from './stacks.ts';

const recorded = inject('recorded');
/** The mutants that are written out one by one. */
const MUTANTS: readonly Mutant[] = [...network, ...edge, ...service, ...data, ...existing, ...watch];

/** What Pulumi "can't know during preview" in the first preview of a stack. */
const UNCHECKED = [
  'container-hardened of aws:ecs/taskDefinition:TaskDefinition',
  'database-encrypted of aws:docdb/cluster:Cluster',
  'database-reached-from-service-only of the stack',
  'database-survives of aws:docdb/cluster:Cluster',
  'image-by-digest of aws:ecs/taskDefinition:TaskDefinition',
  'no-secret-in-environment of aws:ecs/taskDefinition:TaskDefinition',
  'roles-do-little of aws:iam/rolePolicy:RolePolicy',
  'secret-encrypted of aws:secretsmanager/secret:Secret',
  'world-reaches-load-balancer-only of the stack',
];

/** The first promise or policy that a stack breaks. Undefined if there is none. Golden files do not count. */
const catcher = (run: Run): string | undefined =>
  Object.entries(PROMISES).find(([, breaches]) => breaches(run).length > 0)?.[0] ?? evaluate(run)[0]?.rule;

/** The names of all policies and promises that a stack breaks. */
const broken = (run: Run): string[] => [
  ...new Set(evaluate(run).map(({ rule }) => rule)),
  ...Object.entries(PROMISES).flatMap(([name, breaches]) => (breaches(run).length > 0 ? [name] : [])),
];

const of = (names: StackName[], how: string, mutantsOf: (run: Run) => Generated[]) =>
  names.map((name): [string, StackName, Generated[]] => [how, name, mutantsOf(recorded[name].update)]);

describe('the policies', () => {
  it.each(Object.entries(recorded))('let the stack %s pass', (_name, { update, preview }) => {
    expect(evaluate(update)).toEqual([]);
    expect(evaluatePreview(preview).violations).toEqual([]);
  });

  // See "Policies" in README.md for the values that every preview knows.
  it.each([
    ['world-reaches-web-ports-only', 'trunkline-world-to-load-balancer-443', { fromPort: 80, toPort: 80 }],
    ['database-port-reached-by-groups-only', 'trunkline-database-from-service', { cidrIpv4: '10.40.0.0/16' }],
    ['data-protected', 'trunkline-database', {}],
    ['no-secret-in-environment', 'trunkline', { environment: [{ name: 'DATABASE', value: 'mongodb://a:word@b' }] }],
    ['image-by-digest', 'trunkline', { image: 'trunkline:latest' }],
    ['container-hardened', 'trunkline', { user: '0:0' }],
  ])('check values that a preview knows: %s', (rule, name, changes) => {
    const { preview } = structuredClone(recorded.prod);
    for (const resource of preview.resources.filter((one) => one.name === name)) {
      if (rule === 'data-protected') resource.protect = false;
      else if (resource.type === 'trunkline:infra:Service')
        Object.assign(listOf(resource.inputs.containers)[0]!, changes);
      else if (resource.type.startsWith('aws:vpc/')) Object.assign(resource.inputs, changes);
    }
    expect(evaluatePreview(preview).violations.map((one) => one.rule)).toContain(rule);
  });

  it('leave unchecked in a preview only what depends on ARNs or on the whole stack', () => {
    const unchecked = evaluatePreview(recorded.prod.preview).unchecked.map(({ rule, type }) => `${rule} of ${type}`);
    expect([...new Set(unchecked)].toSorted()).toEqual(UNCHECKED);
  });
});

/** Each mutant is a recorded stack with one thing wrong, as if the program had made that mistake. */
describe('a stack', () => {
  it.each(MUTANTS)('that $wrong is caught by: $caughtBy', ({ caughtBy, stack = 'prod', type, name, change }) => {
    const run = structuredClone(recorded[stack].update);
    const resource = run.resources.find((one) => one.type === type && (name === undefined || name === one.name));
    if (!resource) throw new Error(`the stack has no ${type} ${name ?? ''}`);
    change(resource, run);
    expect(broken(run)).toContain(caughtBy);
  });

  /** The policies and promises that have caught a generated mutant. */
  const seen = new Set<string | undefined>();

  // `--reporter=verbose` lists what catches each mutant.
  it.for([
    ...of(['bootstrap', 'dev', 'prod', 'widest', 'existing'], 'without any one of its resources', withoutEach),
    ...of(['prod', 'widest', 'existing'], 'with any one input left out or changed', changedEach),
  ])('is caught %s: %s', async ([, , mutants], { annotate }) => {
    const found = mutants.map(({ wrong, run }) => ({ wrong, caughtBy: catcher(run) }));
    for (const { caughtBy } of found) seen.add(caughtBy);
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter(({ caughtBy }) => caughtBy === undefined).map(({ wrong }) => wrong)).toEqual([]);
    await annotate(found.map(({ wrong, caughtBy }) => `${wrong}\n  ${caughtBy}`).join('\n'));
  });

  it('is caught at least once by each policy and each promise', () => {
    const byHand = MUTANTS.map(({ caughtBy }) => caughtBy);
    const named = [...rules.map((rule) => rule.name), ...Object.keys(PROMISES)];
    expect(named.filter((name) => !byHand.includes(name) && !seen.has(name))).toEqual([]);
    expect(byHand.filter((name) => !named.includes(name))).toEqual([]);
  });
});
