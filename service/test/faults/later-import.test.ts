import { promiseOf } from './promise.ts';

promiseOf('a later import of an integration');
