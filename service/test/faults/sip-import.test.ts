import { promiseOf } from './promise.ts';

promiseOf('an import of a SIP number');
