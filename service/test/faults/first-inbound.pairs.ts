import { holdsUnderPairs } from './net.ts';

await holdsUnderPairs('first import of an integration, inbound only');
