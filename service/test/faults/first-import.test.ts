import { promiseOf } from './promise.ts';

promiseOf('a first import of an integration');
