import { promiseOf } from './promise.ts';

await promiseOf('an import of a SIP number');
