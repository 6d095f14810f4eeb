import { readConfig } from './src/config/config.ts';
import { deploy } from './src/deploy.ts';

/** Pulumi runs this function. Its return value becomes the stack's outputs. */
export default () => deploy(readConfig());
