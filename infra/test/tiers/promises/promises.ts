import { lifecycle } from './lifecycle.ts';
import { reach } from './reach.ts';
import { secrets } from './secrets.ts';

/** What each example stack keeps. */
export const PROMISES = { ...secrets, ...reach, ...lifecycle };
