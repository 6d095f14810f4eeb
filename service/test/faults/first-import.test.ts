import { promiseOf } from './promise.ts';

await promiseOf('a first import of an integration');
