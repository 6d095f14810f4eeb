import type { Fault } from './faults.ts';
import type { Settings } from './schema.ts';

/** What no single key tells: how keys fit together, and what an environment refuses. */
export const breaches = (_settings: Settings): Fault[] => [];
