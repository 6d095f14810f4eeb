import { fileURLToPath } from 'node:url';

/** The project's name in Pulumi.yaml. */
export const PROJECT = 'trunkline';
export const INFRA = fileURLToPath(new URL('../..', import.meta.url));
