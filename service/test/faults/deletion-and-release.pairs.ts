import { holdsUnderPairs } from './net.ts';

await holdsUnderPairs('deletion of an integration while its number is released');
