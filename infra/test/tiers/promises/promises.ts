import { configured } from './configured.ts';
import { existing } from './existing.ts';
import { lifecycle } from './lifecycle.ts';
import { reach } from './reach.ts';
import { secrets } from './secrets.ts';
import { watched } from './watched.ts';

/** What each example stack keeps. */
export const PROMISES = { ...secrets, ...reach, ...lifecycle, ...configured, ...existing, ...watched };
