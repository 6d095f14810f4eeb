import type { Config } from './config.ts';

/** The whole of it, from the bottom up. What it returns are the stack's outputs; none is or holds a secret. */
export const deploy = (config: Config) => ({ environment: config.environment });
