import { createBackend, readBackendConfig } from './backend.ts';

/** Pulumi runs this function. Its return value becomes the stack's outputs. */
export default () => createBackend(readBackendConfig());
