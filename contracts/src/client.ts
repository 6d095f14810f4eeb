import { createTRPCClient, httpBatchLink, httpLink, splitLink, TRPCClientError, type TRPCLink } from '@trpc/client';
import type { z } from 'zod';
import type { api } from './api.ts';
import type { Operation } from './operation.ts';
import type { ProblemBody } from './problem.ts';
import type { AppRouter } from './router.ts';

/** All three may be passed as `process.env.X`: a missing `url` or `apiKey` throws an error that names it. */
export interface ClientOptions {
  /** The service's base URL, as in `http://127.0.0.1:3000`. */
  url: string | undefined;
  /** Sent as `X-API-Key`. */
  apiKey: string | undefined;
  /** Sent as `X-Organization-Id`. Needed by every operation except `me`. */
  organizationId?: string | undefined;
}

/** What a call takes besides its input. */
export interface CallOptions {
  /** Stops waiting for the answer. What the call started goes on. */
  signal?: AbortSignal | undefined;
}

/** What a call that changes something takes besides its input. */
export interface MutationOptions extends CallOptions {
  context?:
    | {
        /** Sent as `Idempotency-Key`: the same call with the same key gets the first answer again, for 24 hours. */
        idempotencyKey?: string | undefined;
      }
    | undefined;
}

type Arguments<Input, Options> = undefined extends Input
  ? [input?: Input, options?: Options]
  : [input: Input, options?: Options];

interface Query<O extends Operation> {
  query(...given: Arguments<z.input<O['input']>, CallOptions>): Promise<z.output<O['output']>>;
}
interface Mutation<O extends Operation> {
  mutate(...given: Arguments<z.input<O['input']>, MutationOptions>): Promise<z.output<O['output']>>;
}
type Calls<T> = {
  [K in keyof T]: T[K] extends Operation ? (T[K]['kind'] extends 'query' ? Query<T[K]> : Mutation<T[K]>) : Calls<T[K]>;
};

/** Every operation as a function. */
export type TrunklineClient = Calls<typeof api>;

/** The most calls in one batch: the service refuses longer ones. */
const MAX_BATCH_CALLS = 20;
/** Common web firewalls refuse URLs of 2,048 bytes or more. */
const MAX_URL_BYTES = 1999;

/**
 * A typed client. Calls that start in the same tick travel in one request. A call with an idempotency key travels
 * alone: `client.phoneNumbers.import.mutate(input, { context: { idempotencyKey: 'order-17' } })`.
 * A failed call rejects with an error. `problemIn` reads the problem from it.
 */
export const createTrunklineClient = ({ url, apiKey, organizationId }: ClientOptions): TrunklineClient => {
  if (!url) throw new TypeError("url is missing. Pass the service's base URL, as in http://127.0.0.1:3000.");
  if (!apiKey) throw new TypeError('apiKey is missing. Pass an API key, as in tl_live_….');
  const endpoint = `${url.replace(/\/+$/, '')}/trpc`;
  const identity = { 'X-API-Key': apiKey, ...(organizationId && { 'X-Organization-Id': organizationId }) };
  return createTRPCClient<AppRouter>({
    links: [
      refuseUnknownContext,
      splitLink({
        condition: ({ context }) => typeof context.idempotencyKey === 'string',
        true: httpLink({
          url: endpoint,
          headers: ({ op }) => ({ ...identity, 'Idempotency-Key': String(op.context.idempotencyKey) }),
        }),
        false: httpBatchLink({
          url: endpoint,
          headers: identity,
          maxItems: MAX_BATCH_CALLS,
          maxURLLength: MAX_URL_BYTES,
        }),
      }),
    ],
  });
};

/** So that a misspelt idempotency key is not silently ignored, even without types. */
const refuseUnknownContext: TRPCLink<AppRouter> =
  () =>
  ({ op, next }) => {
    const unknown = Object.keys(op.context).find((name) => name !== 'idempotencyKey');
    if (unknown !== undefined) throw new TypeError(`The context of a call takes idempotencyKey, not ${unknown}.`);
    return next(op);
  };

/** The problem that the service answered a failed call with. Undefined: there was no answer. */
export const problemIn = (error: unknown): ProblemBody | undefined =>
  error instanceof TRPCClientError && isProblem(error.data) ? error.data : undefined;

const isProblem = (data: unknown): data is ProblemBody =>
  typeof data === 'object' && data !== null && 'success' in data && data.success === false && 'code' in data;
