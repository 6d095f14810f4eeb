import { holdsUnderPairs } from './net.ts';

await holdsUnderPairs('rotation of the trunk password while a number is imported');
