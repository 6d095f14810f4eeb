import type { PolicyResource, ResourceValidationArgs } from '@pulumi/policy';
import * as proxy from '@pulumi/policy/proxy.js';
import { rules } from '../../policies/rules.ts';
import type { Recording } from './monitor.ts';
import type { Resource } from './registration.ts';
import { memoized, revealed, type Values } from './values.ts';

/** Pulumi's own wrapper for unknown values in policies. Its types do not declare it. */
const { unknownCheckingProxy, UnknownValueError } = proxy as unknown as {
  unknownCheckingProxy: (props: Values) => Values;
  UnknownValueError: new () => Error;
};

export interface Violation {
  rule: string;
  urn: string;
  message: string;
}

/** Runs every policy on a recorded stack as Pulumi's engine does: resources by inputs, the stack by outputs. */
export const evaluate = (run: Pick<Recording, 'resources'>): Violation[] => judge(run, (props) => props).violations;

/** The same for a preview: a policy that reads an unknown value is skipped and listed in `unchecked`. */
export const evaluatePreview = (run: Pick<Recording, 'resources'>): Judged => judge(run, unknownCheckingProxy);

interface Judged {
  violations: Violation[];
  /** By policy and resource. */
  unchecked: { rule: string; type: string }[];
}

const judge = ({ resources }: Pick<Recording, 'resources'>, propsOf: (props: Values) => Values): Judged => {
  const violations: Violation[] = [];
  const unchecked: Judged['unchecked'] = [];
  const withProps = <View extends { props: Values }>(view: View): View => ({ ...view, props: propsOf(view.props) });
  const views = resources.map((resource) => withProps(inputView(resource, resources)));
  const check = (rule: string, type: string, validate: () => unknown) => {
    try {
      validate();
    } catch (error) {
      if (!(error instanceof UnknownValueError)) throw error;
      unchecked.push({ rule, type });
    }
  };
  for (const rule of rules) {
    const report = (message: string, urn = '') => violations.push({ rule: rule.name, urn, message });
    if ('validateStack' in rule) {
      const seen = resources.map((resource) => withProps(stackView(resource, resources)));
      check(rule.name, 'the stack', () => rule.validateStack({ ...context, resources: seen }, report));
      continue;
    }
    for (const validate of [rule.validateResource ?? []].flat()) {
      for (const view of views)
        check(rule.name, view.type, () => validate(view, (message) => report(message, view.urn)));
    }
  }
  return { violations, unchecked };
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
