import { data } from './data.ts';
import { edge } from './edge.ts';
import { network } from './network.ts';
import type { Rule } from './rule.ts';
import { service } from './service.ts';

/** All rules. test/tiers checks each against something that it refuses, and against the example stacks. */
export const rules: readonly Rule[] = [...network, ...edge, ...service, ...data];
