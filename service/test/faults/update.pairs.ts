import { holdsUnderPairs } from './net.ts';

await holdsUnderPairs('update of a SIP number');
