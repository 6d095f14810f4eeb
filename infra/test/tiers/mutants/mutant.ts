import type { PROMISES } from '../promises/promises.ts';
import type { Resource } from '../registration.ts';
import type { Run } from '../run-program.ts';
import type { StackName } from '../stacks.ts';
import type { Values } from '../values.ts';

/** A mistake that the program could make, and what must catch it. */
export interface Mutant {
  wrong: string;
  /** Name of a policy or promise. */
  caughtBy: keyof typeof PROMISES | (string & {});
  type: string;
  /** The stack to change. Default: prod. */
  stack?: StackName;
  /** Name of the resource. Default: the first of its type. */
  name?: string;
  change(resource: Resource, run: Run): void;
}

/** Changes inputs, and the outputs that repeat them. `undefined` removes one. */
export const inputs =
  (values: Values): Mutant['change'] =>
  (resource) => {
    Object.assign(resource.inputs, values);
    Object.assign(resource.outputs, values);
  };
