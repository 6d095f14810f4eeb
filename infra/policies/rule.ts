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

/** A rule on each resource of a type: `breaches` says what is wrong with one, and nothing where it is sound. */
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

/** A rule on what the resources of a stack are to each other. */
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
 * Whether the resource is production's, by the tags that its provider gives to everything.
 * Without a word of it a stack is held to what production is.
 */
export const isProd = ({ provider }: Pick<ResourceValidationArgs, 'provider'>): boolean => {
  const given: unknown = provider?.props.defaultTags;
  const { tags = {} } = typeof given === 'string' ? JSON.parse(given) : (given ?? {});
  return (tags.Environment ?? 'prod') === 'prod';
};

/** The message where `broken`, as a list. */
export const when = (broken: boolean, message: string): string[] => (broken ? [message] : []);
