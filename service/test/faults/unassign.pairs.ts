import { holdsUnderPairs } from './net.ts';

await holdsUnderPairs('unassign');
