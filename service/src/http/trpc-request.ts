import { Problem } from '@trunkline/contracts';
import type { Request } from 'express';

/** A tRPC request, parsed once, so that what was authenticated is what runs. */
export interface TrpcRequest {
  method: 'GET' | 'POST';
  /** The operations that it calls, as in `phoneNumbers.get`, whether they exist or not. */
  names: string[];
  isBatch: boolean;
  /** The JSON input of a GET. */
  input: string | undefined;
}

const MAX_BATCH_CALLS = 20;

/** Parses the URL. Throws a `Problem` if another parser might read it differently. */
export const readTrpcRequest = ({ method, path, url }: Pick<Request, 'method' | 'path' | 'url'>): TrpcRequest => {
  if (method !== 'GET' && method !== 'POST') {
    throw new Problem('method_not_allowed', 'Send queries with GET and mutations with POST.');
  }
  const { isBatch, input } = readQuery(url.split('?').slice(1).join('?'), method);
  const called = decodeURIComponent(path.slice(1));
  const names = isBatch ? called.split(',') : [called];
  if (!names.every((name) => /^[A-Za-z0-9_.]+$/.test(name))) {
    throw invalid(
      'Send the request to /trpc/ and the name of an operation, as in /trpc/me, or names separated by commas with batch=1.',
    );
  }
  if (names.length > MAX_BATCH_CALLS) {
    throw invalid(`A batch may have at most ${MAX_BATCH_CALLS} calls. Send the rest in another batch.`);
  }
  return { method, names, isBatch, input };
};

/** Accepts only `batch=1` and, for GET, `input`, each at most once. */
const readQuery = (query: string, method: TrpcRequest['method']): Pick<TrpcRequest, 'isBatch' | 'input'> => {
  const members = [...new URLSearchParams(query)];
  const taken = method === 'GET' ? ['batch', 'input'] : ['batch'];
  for (const [index, [name, value]] of members.entries()) {
    if (!taken.includes(name)) throw invalid(`The query accepts only ${taken.join(' and ')}. Remove ${quote(name)}.`);
    if (members.findIndex(([other]) => other === name) < index) throw invalid(`Send ${name} once in the query.`);
    if (name === 'batch' && value !== '1') throw invalid('Send batch=1, or leave batch out.');
  }
  const { batch, input } = Object.fromEntries(members);
  return { isBatch: batch !== undefined, input };
};

const quote = (name: string) => JSON.stringify(name.slice(0, 100));

const invalid = (detail: string) => new Problem('invalid_request', detail);

/** Builds tRPC's request from what was parsed, so that it contains nothing else. */
export const toFetchRequest = (
  { method, names, isBatch, input }: TrpcRequest,
  body: string | undefined,
  headers: Record<string, string>,
): globalThis.Request => {
  const query = new URLSearchParams({ ...(isBatch && { batch: '1' }), ...(input !== undefined && { input }) });
  return new globalThis.Request(`http://localhost/trpc/${names.join(',')}?${query}`, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    ...(body !== undefined && { body }),
  });
};
