import { fileURLToPath } from 'node:url';

/** As in Pulumi.yaml. */
export const PROJECT = 'trunkline';
export const INFRA = fileURLToPath(new URL('../..', import.meta.url));
