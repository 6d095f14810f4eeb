import { data } from './data.ts';
import { edge } from './edge.ts';
import { network } from './network.ts';
import type { Rule } from './rule.ts';
import { service } from './service.ts';

/** All of them. Each is tried with what it refuses, and over the example stacks, in test/tiers. */
export const rules: readonly Rule[] = [...network, ...edge, ...service, ...data];
