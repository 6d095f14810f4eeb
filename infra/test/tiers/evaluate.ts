import type { PolicyResource, ResourceValidationArgs } from '@pulumi/policy';
import { rules } from '../../policies/rules.ts';
import type { Recording } from './monitor.ts';
import type { Resource } from './registration.ts';
import { memoized, revealed } from './values.ts';

export interface Violation {
  rule: string;
  urn: string;
  message: string;
}

/** Holds a recorded stack to every policy, as Pulumi's engine does: each resource by its inputs, the stack by its outputs. */
export const evaluate = ({ resources }: Pick<Recording, 'resources'>): Violation[] => {
  const violations: Violation[] = [];
  const views = resources.map((resource) => inputView(resource, resources));
  for (const rule of rules) {
    const report = (message: string, urn = '') => violations.push({ rule: rule.name, urn, message });
    if ('validateStack' in rule) {
      void rule.validateStack(
        { ...context, resources: resources.map((resource) => stackView(resource, resources)) },
        report,
      );
      continue;
    }
    for (const validate of [rule.validateResource ?? []].flat()) {
      for (const view of views) void validate(view, (message) => report(message, view.urn));
    }
  }
  return violations;
};

const context: Pick<ResourceValidationArgs, 'stackTags' | 'getConfig' | 'notApplicable'> = {
  stackTags: new Map(),
  getConfig: <T extends object>() => ({}) as T,
  notApplicable: (reason) => {
    throw new Error(reason);
  },
};

const inputView = (resource: Resource, all: Resource[]): ResourceValidationArgs => ({
  ...context,
  ...view(resource, all),
  props: inputsOf(resource),
});

const inputsOf = memoized(({ inputs }: Resource) => revealed(inputs));
const outputsOf = memoized(({ outputs, id }: Resource) => ({ ...revealed(outputs), id }));

const stackView = (resource: Resource, all: Resource[]): PolicyResource => ({
  ...view(resource, all),
  props: outputsOf(resource),
  dependencies: [],
  propertyDependencies: {},
});

const view = ({ type, name, urn, protect, ignoreChanges, provider }: Resource, all: Resource[]) => {
  const found = all.find((other) => provider.startsWith(`${other.urn}::`));
  return {
    type,
    name,
    urn,
    opts: { protect, ignoreChanges, aliases: [], customTimeouts: noTimeouts, additionalSecretOutputs: [] },
    ...(found && { provider: { type: found.type, name: found.name, urn: found.urn, props: found.inputs } }),
    isType: () => false,
    asType: () => undefined,
  };
};

const noTimeouts = { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 };
