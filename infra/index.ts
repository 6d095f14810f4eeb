import { readConfig } from './src/config/config.ts';
import { deploy } from './src/deploy.ts';

/** Pulumi runs this, and what it returns are the stack's outputs. */
export default () => deploy(readConfig());
