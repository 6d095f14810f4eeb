import { createTRPCClient, httpBatchLink, httpLink, splitLink, type TRPCClient, TRPCClientError } from '@trpc/client';
import type { ProblemBody } from './problem.ts';
import type { AppRouter } from './router.ts';

export interface ClientOptions {
  /** The service's base URL, as in `http://127.0.0.1:3000`. */
  url: string;
  apiKey: string;
  /** Needed by every operation but `me`. */
  organizationId?: string;
}

export type TrunklineClient = TRPCClient<AppRouter>;

/** Calls may hold this much at once; the service refuses longer batches. */
const MAX_BATCH_CALLS = 20;

/**
 * A typed client. Calls of one tick travel in one request. A call given an idempotency key travels alone:
 * `client.phoneNumbers.import.mutate(input, { context: { idempotencyKey: 'order-17' } })`.
 * A failed call rejects with an error of which `problemIn` reads the problem.
 */
export const createTrunklineClient = ({ url, apiKey, organizationId }: ClientOptions): TrunklineClient => {
  const endpoint = `${url.replace(/\/+$/, '')}/trpc`;
  const identity = { 'X-API-Key': apiKey, ...(organizationId && { 'X-Organization-Id': organizationId }) };
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: ({ context }) => typeof context.idempotencyKey === 'string',
        true: httpLink({
          url: endpoint,
          headers: ({ op }) => ({ ...identity, 'Idempotency-Key': String(op.context.idempotencyKey) }),
        }),
        false: httpBatchLink({ url: endpoint, headers: identity, maxItems: MAX_BATCH_CALLS }),
      }),
    ],
  });
};

/** The problem that a failed call of the client was answered with, if the service answered at all. */
export const problemIn = (error: unknown): ProblemBody | undefined =>
  error instanceof TRPCClientError && isProblem(error.data) ? error.data : undefined;

const isProblem = (data: unknown): data is ProblemBody =>
  typeof data === 'object' && data !== null && 'success' in data && data.success === false && 'code' in data;
