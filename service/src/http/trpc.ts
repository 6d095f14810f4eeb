import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { getTRPCErrorShape } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { type AppRouter, asTrpcError, type Operation, operations, Problem, problemOf } from '@trunkline/contracts';
import express, { type Request, type Response, type Router } from 'express';
import type { Log } from '../telemetry/log.ts';
import type { Authenticate } from './authenticate.ts';
import { parseJson, readText } from './body.ts';
import type { Limits } from './limits.ts';
import { readTrpcRequest, type TrpcRequest, toFetchRequest } from './trpc-request.ts';

export interface TrpcDependencies {
  authenticate: Authenticate;
  limits: Pick<Limits, 'countAnonymous'>;
  log: Log;
}

/** tRPC, authenticated as REST is: a batch is authenticated once, and each of its calls counts for the rate limit. */
export const createTrpc = (router: AppRouter, { authenticate, limits, log }: TrpcDependencies): Router => {
  const trpc = express.Router();

  const answer = async (req: Request, res: Response, request: TrpcRequest): Promise<void> => {
    const { names, method } = request;
    const named = names
      .map((name) => operations.get(name))
      .filter((operation): operation is Operation => operation !== undefined);
    const caller = await authenticate(req, res, named, names.length);
    const body = method === 'POST' ? await readText(req) : undefined;
    if (body) parseJson(body);
    if (request.input) parseJson(request.input, 'input');
    const response = await fetchRequestHandler({
      endpoint: '/trpc',
      req: toFetchRequest(request, body, streaming(req)),
      router,
      createContext: () => ({ caller }),
      onError: ({ error }) => {
        const problem = problemOf(error);
        // Of a batch, the request log names the first failure.
        res.locals.problem ??= problem;
        if (problem.status >= 500) log.error({ event: 'request_failed', err: error }, 'A request failed');
      },
      responseMeta: ({ errors: [first] }) => ({ headers: retryAfter(first?.cause) }),
    });
    await send(response, res);
  };

  const readOrCount = async (req: Request, res: Response): Promise<TrpcRequest> => {
    try {
      return readTrpcRequest(req);
    } catch (error) {
      await limits.countAnonymous(req, res);
      throw error;
    }
  };

  const refuse = (res: Response, { names, isBatch }: Pick<TrpcRequest, 'names' | 'isBatch'>, problem: Problem) => {
    const error = asTrpcError(problem);
    const shapes = names.map((path) => ({
      error: getTRPCErrorShape({
        config: router._def._config,
        error,
        path,
        type: 'unknown',
        input: undefined,
        ctx: { caller: { request_id: res.locals.request_id } } as never,
      }),
    }));
    res.locals.problem = problem;
    res
      .status(problem.status)
      .set(retryAfter(problem))
      .json(isBatch ? shapes : shapes[0]);
  };

  trpc.use(async (req, res) => {
    res.locals.route = `${req.method} /trpc/(unknown)`;
    let read: Pick<TrpcRequest, 'names' | 'isBatch'> = { names: [''], isBatch: false };
    try {
      const request = await readOrCount(req, res);
      read = request;
      res.locals.route = routeOf(request);
      await answer(req, res, request);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.code === 'method_not_allowed') res.setHeader('Allow', 'GET, POST');
      refuse(res, read, error);
    }
  });
  return trpc;
};

const routeOf = ({ method, names: [first = ''], isBatch, names }: TrpcRequest): string => {
  if (names.length === 1 && operations.has(first)) return `${method} /trpc/${first}`;
  return `${method} /trpc/${isBatch ? '(batch)' : '(unknown)'}`;
};

/** tRPC can answer a batch line by line, as its calls finish. */
const streaming = ({ headers }: Request): Record<string, string> =>
  headers['trpc-accept'] === 'application/jsonl' ? { 'trpc-accept': 'application/jsonl' } : {};

const send = async (response: globalThis.Response, res: Response): Promise<void> => {
  const isStream = response.headers.has('transfer-encoding');
  response.headers.delete('transfer-encoding');
  res.status(response.status).setHeaders(response.headers);
  if (!isStream || response.body === null) return void res.end(await response.text());
  // A caller that disconnects ends the answer, but not the work that it started.
  await pipeline(Readable.fromWeb(response.body as never), res).catch(() => {});
};

const retryAfter = (cause: unknown): Record<string, string> =>
  cause instanceof Problem && cause.members.retry_after_seconds !== undefined
    ? { 'Retry-After': String(cause.members.retry_after_seconds) }
    : {};
