import type { PROMISES } from '../promises/promises.ts';
import type { Resource } from '../registration.ts';
import type { Run } from '../run-program.ts';
import type { StackName } from '../stacks.ts';
import type { Values } from '../values.ts';

/** Something that the program could do wrong, and who must say so. */
export interface Mutant {
  wrong: string;
  /** A policy or a promise. */
  caughtBy: keyof typeof PROMISES | (string & {});
  type: string;
  /** The stack that it is made of; prod where none is given. */
  stack?: StackName;
  /** The resource's; the first of its type where none is given. */
  name?: string;
  change(resource: Resource, run: Run): void;
}

/** Other values for inputs, and for the outputs that echo them; `undefined` takes one away. */
export const inputs =
  (values: Values): Mutant['change'] =>
  (resource) => {
    Object.assign(resource.inputs, values);
    Object.assign(resource.outputs, values);
  };
