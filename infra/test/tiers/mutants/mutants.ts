import { data } from './data.ts';
import { edge } from './edge.ts';
import { existing } from './existing.ts';
import type { Mutant } from './mutant.ts';
import { network } from './network.ts';
import { service } from './service.ts';
import { watch } from './watch.ts';

export const MUTANTS: readonly Mutant[] = [...network, ...edge, ...service, ...data, ...existing, ...watch];
