import { holdsUnderPairs } from './net.ts';

await holdsUnderPairs('release of a SIP number');
