import { holdsUnderPairs } from './net.ts';

await holdsUnderPairs('import of a number from another Region');
