import { promiseOf } from './promise.ts';

await promiseOf('a later import of an integration');
