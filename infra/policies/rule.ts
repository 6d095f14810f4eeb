import type {
  PolicyResource,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from '@pulumi/policy';

export type Rule = ResourceValidationPolicy | StackValidationPolicy;
type Properties = ResourceValidationArgs['props'];

interface Described {
  name: string;
  description: string;
}

/** A rule for each resource of a type. `breaches` returns what is wrong with it. */
export const onEach = (
  type: string,
  { name, description }: Described,
  breaches: (properties: Properties, resource: ResourceValidationArgs) => string[],
): ResourceValidationPolicy => ({
  name,
  description,
  validateResource: (resource, report) => {
    if (resource.type !== type) return;
    for (const message of breaches(resource.props, resource)) report(message);
  },
});

/** A rule about how the resources of a stack relate. */
export const onStack = (
  { name, description }: Described,
  breaches: (resources: PolicyResource[]) => [PolicyResource, string][],
): StackValidationPolicy => ({
  name,
  description,
  validateStack: ({ resources }, report) => {
    for (const [{ urn }, message] of breaches(resources)) report(message, urn);
  },
});

/**
 * Whether the resource is in production, by the default tags of its provider.
 * Without an Environment tag, a stack counts as production.
 */
export const isProd = ({ provider }: Pick<ResourceValidationArgs, 'provider'>): boolean => {
  const given: unknown = provider?.props.defaultTags;
  const { tags = {} } = typeof given === 'string' ? JSON.parse(given) : (given ?? {});
  return (tags.Environment ?? 'prod') === 'prod';
};

/** The message, in a list, if `broken`. */
export const when = (broken: boolean, message: string): string[] => (broken ? [message] : []);
