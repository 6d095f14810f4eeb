import type { Resource } from '../registration.ts';
import type { Run } from '../run-program.ts';
import { revealed } from '../values.ts';

/** By what is promised: what breaks it in a stack that was applied; nothing where it is kept. */
export type Promises = Record<string, (run: Run) => string[]>;

/** The resources of a type that are `broken`, by URN. */
export const urnsOf = ({ resources }: Run, type: string, broken: (resource: Resource) => boolean): string[] =>
  resources.filter((resource) => resource.type === type && broken(resource)).map(({ urn }) => urn);

export const isProd = ({ resources }: Run): boolean =>
  resources.some(
    ({ type, inputs }) => type === 'pulumi:providers:aws' && /"Environment":"prod"/.test(String(inputs.defaultTags)),
  );

interface Container {
  name: string;
  portMappings?: { containerPort: number }[];
  secrets?: { name: string; valueFrom: string }[];
}
export const containersOf = ({ resources }: Run): Container[] =>
  resources
    .filter(({ type }) => type === 'aws:ecs/taskDefinition:TaskDefinition')
    .flatMap(({ inputs }) => JSON.parse(String(revealed(inputs).containerDefinitions)));

interface Statement {
  Action: string | string[];
  Resource: string | string[];
  Principal?: unknown;
  Condition?: unknown;
}
export const statementsOf = (policy: string): Statement[] => JSON.parse(policy).Statement;
