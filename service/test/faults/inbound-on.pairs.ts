import { holdsUnderPairs } from './net.ts';

await holdsUnderPairs('update that turns inbound on');
