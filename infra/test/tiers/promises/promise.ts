import type { Resource } from '../registration.ts';
import type { Run } from '../run-program.ts';
import { memoized, revealed, type Values } from '../values.ts';

/** For each promise, what breaks it in an applied stack: nothing if it is kept. */
export type Promises = Record<string, (run: Run) => string[]>;

/** URNs of the resources of a kind that are `broken`. */
export const urnsOf = (run: Run, kind: string, broken: (resource: Resource) => boolean): string[] =>
  of(run, kind)
    .filter(broken)
    .map(({ urn }) => urn);

/** The resources of a kind such as `ec2/subnet`, Pulumi's `aws:ec2/subnet:Subnet`. */
export const of = ({ resources }: Run, kind: string): Resource[] => {
  const [, name = ''] = kind.split('/');
  const type = `aws:${kind}:${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return byType(resources).get(type) ?? [];
};
const byType = memoized((resources: Resource[]) => Map.groupBy(resources, ({ type }) => type));

/** A configuration value, parsed. */
export const given = <T>({ stack }: Run, key: string): T | undefined => {
  const text = stack.config[`infra:${key}`];
  return text === undefined ? undefined : JSON.parse(/^[[{]/.test(text) ? text : JSON.stringify(text));
};

/** Whether resources that hold data refuse to be deleted. */
export const isProtected = (run: Run): boolean =>
  String(given(run, 'protect') ?? given(run, 'environment') !== 'dev') === 'true';

/** The objects of a list input. Empty if it is not set. */
export const listOf = (value: unknown): Record<string, any>[] => (Array.isArray(value) ? value : []);

/** A JSON input, parsed. Empty if it is not set. */
export const json = (text: unknown): any => (typeof text === 'string' ? JSON.parse(text) : {});

/** JSON that is equal for values that differ only in order. */
export const sorted = (value: unknown): string =>
  JSON.stringify(value, (_key, item) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );

/** The items that only one list has, or has more often. */
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

/** CloudWatch dimensions of load balancer and target group. An existing load balancer's is in the listener's ARN. */
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

/** How a policy differs from the wanted statements, whatever their Sids. */
export const policyDifferences = (policy: unknown, wanted: object[]): string[] =>
  differences(
    json(policy).Statement?.map(({ Sid, ...statement }: Values) => sorted(statement)) ?? [],
    wanted.map(sorted),
  );

/** The same for policies of which there must be exactly one. */
export const onlyPolicyDifferences = (policies: Resource[], wanted: object[]): string[] =>
  policies.length === 1 ? policyDifferences(policies[0]?.inputs.policy, wanted) : ['not one policy'];

/** The same for the only policy that the role with this ARN must have. */
export const rolePolicyDifferences = (run: Run, arn: unknown, wanted: object[]): string[] => {
  const [role] = of(run, 'iam/role').filter(({ outputs }) => outputs.arn === arn);
  return onlyPolicyDifferences(
    of(run, 'iam/rolePolicy').filter(({ inputs }) => inputs.role === role?.id),
    wanted,
  );
};

export const allow = (Action: string[], ...Resource: unknown[]) => ({ Effect: 'Allow', Action, Resource });
