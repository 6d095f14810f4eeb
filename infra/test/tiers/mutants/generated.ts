import type { Resource } from '../registration.ts';
import type { Run } from '../run-program.ts';
import { isSecret, type Values } from '../values.ts';

/** A stack with one generated mistake. */
export interface Generated {
  /** For example `without aws:ec2/eip:Eip trunkline-nat-eu-central-1a`. */
  wrong: string;
  run: Run;
}

/** For each resource, the stack without it. */
export const withoutEach = (run: Run): Generated[] =>
  run.resources
    .filter(({ custom }) => custom)
    .map((resource) => ({
      wrong: `without ${resource.type} ${resource.name}`,
      run: { ...run, resources: run.resources.filter((one) => one !== resource) },
    }));

/**
 * For each input, the stack without it, and with each number, flag and string in it changed. Only the first resource of
 * a type that has the input is changed, across all stacks, but every alarm and JSON document is.
 */
export const changedEach = (run: Run): Generated[] =>
  run.resources
    .filter(({ custom }) => custom)
    .flatMap((resource) =>
      Object.entries(resource.inputs)
        .filter(([key, value]) => !isFree(key) && !isEmpty(value))
        .filter(([key, value]) =>
          isNew(`${resource.type} ${isOfItsOwn(resource.type, value) ? resource.name : ''} ${key}`),
        )
        .flatMap(([key, value]) =>
          [{ at: `${key}: none`, other: undefined }, ...othersOf(value, key)].map(({ at, other }) => ({
            wrong: `${resource.type} ${resource.name} ${at}`,
            run: withInput(run, resource, { [key]: other }),
          })),
        ),
    );

/** Properties that may change without any test failing, and why. */
const FREE: Record<string, string> = {
  alarmDescription: 'people read it',
  description: 'people read it',
  displayName: 'people read it',
  tags: 'people read it, in the console',
  'metricQueries.label': 'people read it, in the console',
  'rules.id': 'nothing else names the rule of a bucket',
  'rules.name': 'nothing else names the rule of a web ACL',
  'rules.priority': 'the two rules of the web ACL do not hide each other',
  'rules.visibilityConfig.metricName': 'alarm and dashboard count all rules',
  Sid: 'people read it',
  Version: 'of the language that a policy is written in',
  'dashboardBody.widgets.type': 'what people see',
  'dashboardBody.widgets.x': 'what people see',
  'dashboardBody.widgets.y': 'what people see',
  'dashboardBody.widgets.width': 'what people see',
  'dashboardBody.widgets.height': 'what people see',
  'dashboardBody.widgets.properties.title': 'what people see',
  'dashboardBody.widgets.properties.view': 'what people see',
  'dashboardBody.widgets.properties.stacked': 'what people see',
  allowOverwrite: 'the record of a certificate that is made again is the same',
  skipCredentialsValidation: 'Pulumi’s default',
  skipRegionValidation: 'Pulumi’s default',
};

const isFree = (path: string): boolean => path in FREE || (path.split('.').at(-1) ?? '') in FREE;

/** Alarms and JSON documents differ from each other, so each is changed. */
const isOfItsOwn = (type: string, value: unknown): boolean => type.endsWith(':MetricAlarm') || isJson(value);
const isJson = (value: unknown): value is string => typeof value === 'string' && /^(\{"|\[)/.test(value);

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

const taken = new Set<string>();
const isNew = (one: string): boolean => taken.size < taken.add(one).size;

const withInput = (run: Run, resource: Resource, values: Values): Run => {
  const inputs = apply(resource.inputs, values);
  // Without a name, Pulumi would generate one, so the outputs stay.
  const outputs = 'name' in values ? resource.outputs : apply(resource.outputs, values);
  const changed = { ...resource, inputs, outputs };
  return { ...run, resources: run.resources.map((one) => (one === resource ? changed : one)) };
};

const apply = (values: Values, changes: Values): Values =>
  Object.fromEntries(
    Object.entries({ ...values, ...changes }).filter(([key, value]) => !(key in changes) || value !== undefined),
  );

interface Changed {
  /** The path, and the new value. */
  at: string;
  other: unknown;
}

/** For each changeable part of the value, the value with only that part changed. */
const othersOf = (value: unknown, path: string): Changed[] => {
  const to = (other: unknown): Changed[] => [{ at: `${path}: ${other}`, other }];
  const within = (item: unknown, key: string, put: (other: unknown) => unknown): Changed[] =>
    othersOf(item, key).map(({ at, other }) => ({ at, other: put(other) }));
  if (isFree(path)) return [];
  if (typeof value === 'number') return to(value + 1);
  if (typeof value === 'boolean') return to(!value);
  if (isJson(value)) return within(JSON.parse(value), path, JSON.stringify);
  if (typeof value === 'string') return to(`${value}-other`);
  if (Array.isArray(value)) return value.flatMap((item, at) => within(item, path, (other) => value.with(at, other)));
  if (typeof value !== 'object' || value === null || isSecret(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    within(item, `${path}.${key}`, (other) => ({ ...value, [key]: other })),
  );
};
