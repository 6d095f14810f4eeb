import { holdsUnderPairs } from './net.ts';

await holdsUnderPairs('import of a SIP number');
