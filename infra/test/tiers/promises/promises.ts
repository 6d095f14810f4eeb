import { alarms } from './alarms.ts';
import { always } from './always.ts';
import { configured } from './configured.ts';
import { edge } from './edge.ts';
import { existing } from './existing.ts';
import { lifecycle } from './lifecycle.ts';
import { reach } from './reach.ts';
import { references } from './references.ts';
import { running } from './running.ts';
import { secrets } from './secrets.ts';
import { watched } from './watched.ts';

/** The promises that each example stack keeps. */
export const PROMISES = {
  ...references,
  ...always,
  ...reach,
  ...edge,
  ...running,
  ...secrets,
  ...lifecycle,
  ...configured,
  ...existing,
  ...alarms,
  ...watched,
};
