import type { Resource } from '../registration.ts';
import type { Run } from '../run-program.ts';
import { memoized, revealed, type Values } from '../values.ts';

/** By what is promised: what breaks it in a stack that was applied; nothing where it is kept. */
export type Promises = Record<string, (run: Run) => string[]>;

/** The resources of a kind that are `broken`, by URN. */
export const urnsOf = (run: Run, kind: string, broken: (resource: Resource) => boolean): string[] =>
  of(run, kind)
    .filter(broken)
    .map(({ urn }) => urn);

/** The resources of a kind, as in `ec2/subnet`, which Pulumi calls `aws:ec2/subnet:Subnet`. */
export const of = ({ resources }: Run, kind: string): Resource[] => {
  const [, name = ''] = kind.split('/');
  const type = `aws:${kind}:${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return byType(resources).get(type) ?? [];
};
const byType = memoized((resources: Resource[]) => Map.groupBy(resources, ({ type }) => type));

/** A structured value of the configuration. */
export const given = <T>({ stack }: Run, key: string): T | undefined => {
  const text = stack.config[`infra:${key}`];
  return text === undefined ? undefined : JSON.parse(/^[[{]/.test(text) ? text : JSON.stringify(text));
};

/** Whether what holds data refuses to go. */
export const isProtected = (run: Run): boolean =>
  String(given(run, 'protect') ?? given(run, 'environment') !== 'dev') === 'true';

/** The objects of an input that is a list; none where it is left out. */
export const listOf = (value: unknown): Record<string, any>[] => (Array.isArray(value) ? value : []);

/** What an input that is JSON says; nothing where it is left out. */
export const json = (text: unknown): any => (typeof text === 'string' ? JSON.parse(text) : {});

/** Alike where they hold the same, in whatever order. */
export const sorted = (value: unknown): string =>
  JSON.stringify(value, (_key, item) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );

/** What is in one list and not in the other, and how often. */
export const differences = (found: readonly string[], wanted: readonly string[]): string[] => [
  ...surplus(found, wanted).map((one) => `too many: ${one}`),
  ...surplus(wanted, found).map((one) => `missing: ${one}`),
];
const surplus = (list: readonly string[], other: readonly string[]): string[] => {
  const rest = [...other];
  return list.filter((one) => {
    const at = rest.indexOf(one);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
};

export const providersOf = ({ resources }: Run): Resource[] => byType(resources).get('pulumi:providers:aws') ?? [];

/** What CloudWatch knows the load balancer and the tasks behind it by; of the account's own it is in the listener's ARN. */
export const dimensionsOf = (run: Run): { loadBalancer: unknown; targetGroup: unknown } => {
  const shared = given<{ listenerArn: string }>(run, 'loadBalancer')?.listenerArn;
  return {
    loadBalancer:
      of(run, 'lb/loadBalancer')[0]?.outputs.arnSuffix ?? shared?.replace(/^.*:listener\/(.*)\/[^/]*$/, '$1'),
    targetGroup: of(run, 'lb/targetGroup')[0]?.outputs.arnSuffix,
  };
};

interface Container {
  name: string;
  image?: string;
  essential?: boolean;
  command?: string[];
  environment?: { name: string; value: string }[];
  healthCheck?: Record<string, unknown>;
  stopTimeout?: number;
  portMappings?: { containerPort: number }[];
  user?: string;
  readonlyRootFilesystem?: boolean;
  linuxParameters?: object;
  startTimeout?: number;
  secrets?: { name: string; valueFrom: string }[];
  dependsOn?: { containerName: string; condition: string }[];
  logConfiguration?: object;
}
export const containersOf = (run: Run): Container[] =>
  of(run, 'ecs/taskDefinition').flatMap(
    ({ inputs }) => listOf(json(revealed(inputs).containerDefinitions)) as Container[],
  );

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
  Principal?: unknown;
  Condition?: unknown;
}
export const statementsOf = (policy: unknown): Statement[] => json(policy).Statement ?? [];

/** How a policy differs from the statements wanted, whatever they are called. */
export const policyDifferences = (policy: unknown, wanted: object[]): string[] =>
  differences(
    json(policy).Statement?.map(({ Sid, ...statement }: Values) => sorted(statement)) ?? [],
    wanted.map(sorted),
  );

/** The same of the one policy that there is to be. */
export const onlyPolicyDifferences = (policies: Resource[], wanted: object[]): string[] =>
  policies.length === 1 ? policyDifferences(policies[0]?.inputs.policy, wanted) : ['not one policy'];

/** The same of the one policy that the role of this ARN is to have. */
export const rolePolicyDifferences = (run: Run, arn: unknown, wanted: object[]): string[] => {
  const [role] = of(run, 'iam/role').filter(({ outputs }) => outputs.arn === arn);
  return onlyPolicyDifferences(
    of(run, 'iam/rolePolicy').filter(({ inputs }) => inputs.role === role?.id),
    wanted,
  );
};

export const allow = (Action: string[], ...Resource: unknown[]) => ({ Effect: 'Allow', Action, Resource });
