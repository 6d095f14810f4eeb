import { createBackend, readBackendConfig } from './backend.ts';

/** Pulumi runs this, and what it returns are the stack's outputs. */
export default () => createBackend(readBackendConfig());
