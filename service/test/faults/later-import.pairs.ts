import { holdsUnderPairs } from './net.ts';

await holdsUnderPairs('later import of an integration');
