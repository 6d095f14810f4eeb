import { getTRPCErrorShape } from '@trpc/server';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import { type AppRouter, asTrpcError, type Operation, operations, Problem, problemOf } from '@trunkline/contracts';
import express, { type Request, type Response, type Router } from 'express';
import type { Log } from '../log.ts';
import { type Admit, MOST_BODY_BYTES } from './identify.ts';

const MOST_BATCHED = 20;

/** tRPC over the same admission as REST: who calls is asked once for a whole batch, and every call of it is counted. */
export const createTrpc = (router: AppRouter, admit: Admit, log: Log): Router => {
  const trpc = express.Router();
  const procedures = createExpressMiddleware({
    router,
    createContext: ({ res }) => ({ caller: res.locals.caller }),
    maxBodySize: MOST_BODY_BYTES,
    onError: ({ error, req: { res } }) => {
      const problem = problemOf(error);
      // Of a batch the first that failed is told.
      if (res) res.locals.problem ??= problem;
      if (problem.status >= 500) log.error({ event: 'request_failed', err: error }, 'A request failed');
    },
    responseMeta: ({ errors: [first] }) => ({ headers: retryAfter(first?.cause) }),
  });

  const refuse = (req: Request, res: Response, names: string[], problem: Problem): void => {
    const error = asTrpcError(problem);
    res.locals.problem = problem;
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
    res
      .status(problem.status)
      .set(retryAfter(problem))
      .json(isBatch(req) ? shapes : shapes[0]);
  };

  trpc.use(async (req, res, next) => {
    const names = namesIn(req);
    res.locals.route = `${req.method} /trpc/${names.length === 1 && operations.has(names[0] ?? '') ? names[0] : isBatch(req) ? '(batch)' : '(unknown)'}`;
    try {
      if (names.length > MOST_BATCHED)
        throw new Problem('invalid_request', `A batch may hold ${MOST_BATCHED} calls. Send the rest in another.`);
      const named = names
        .map((name) => operations.get(name))
        .filter((operation): operation is Operation => operation !== undefined);
      await admit(req, res, named, names.length);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      refuse(req, res, names.slice(0, MOST_BATCHED), error);
      return;
    }
    next();
  });
  trpc.use(procedures);
  return trpc;
};

const isBatch = ({ query }: Request): boolean => query.batch === '1';

const namesIn = (req: Request): string[] => {
  const path = decodeURIComponent(req.path.slice(1));
  return isBatch(req) ? path.split(',') : [path];
};

const retryAfter = (cause: unknown): Record<string, string> =>
  cause instanceof Problem && cause.members.retry_after_seconds !== undefined
    ? { 'Retry-After': String(cause.members.retry_after_seconds) }
    : {};
