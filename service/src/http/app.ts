import { type Api, describeProblem, Problem, problemOf } from '@trunkline/contracts';
import openapi from '@trunkline/contracts/openapi.json' with { type: 'json' };
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Log, Logging } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Authenticate } from './authenticate.ts';
import { createDocs } from './docs.ts';
import type { Limits } from './limits.ts';
import { prebuilt } from './prebuilt.ts';
import { toLlmsText, toMarkdown } from './reference/markdown.ts';
import { requestLog } from './request-log.ts';
import { createRest } from './rest.ts';
import { createTrpc } from './trpc.ts';

export interface AppDependencies {
  api: Api;
  authenticate: Authenticate;
  limits: Pick<Limits, 'countAnonymous' | 'countFile'>;
  isReady(): boolean;
  logging: Logging;
  metrics: Pick<Metrics, 'requests' | 'requestSeconds'>;
  trusted_proxies: number | string[];
}

/** Everything the API port serves: REST, tRPC, the API's document and reference page, and health checks. */
export const createApp = ({
  api,
  authenticate,
  limits,
  isReady,
  logging,
  metrics,
  trusted_proxies,
}: AppDependencies): Express => {
  const limitAddress: RequestHandler = async (req, res, next) => {
    await limits.countAnonymous(req, res);
    next();
  };
  const limitPage: RequestHandler = async (req, res, next) => {
    await (req.path === '/' ? limits.countAnonymous(req, res) : limits.countFile(req, res));
    next();
  };
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('trust proxy', trusted_proxies);
  app.use(requestLog(logging, metrics), plainHeaders, refuseUnreadableAddress);
  if (trusted_proxies === 0) app.use(warnOfProxy(logging.log));

  app.get('/healthz', (_req, res) => void res.json({ status: 'ok' }));
  app.get(
    '/readyz',
    (_req, res) => void res.status(isReady() ? 200 : 503).json({ status: isReady() ? 'ready' : 'not ready' }),
  );
  for (const [path, document] of Object.entries(documents)) app.get(path, limitAddress, prebuilt(document));
  app.get('/', limitAddress, (_req, res) => res.redirect('/docs/'));
  app.use('/docs', limitPage, createDocs());
  app.use('/api', createRest(api.handles, authenticate, limits));
  app.use('/trpc', createTrpc(api.router, { authenticate, limits, log: logging.log }));
  app.use(limitAddress, () => {
    throw new Problem('route_not_found', 'No route matches this request. See /docs.');
  });
  app.use(answerProblem(logging.log));
  return app;
};

const cache_control = 'public, max-age=300';

/** Descriptions of the API for programs. */
const documents = {
  '/openapi.json': { body: JSON.stringify(openapi), type: 'application/json; charset=utf-8', cache_control },
  '/docs.md': { body: toMarkdown(), type: 'text/markdown; charset=utf-8', cache_control },
  '/llms.txt': { body: toLlmsText(), type: 'text/plain; charset=utf-8', cache_control },
};

const plainHeaders: RequestHandler = (_req, res, next) => {
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Cache-Control', 'no-store');
  next();
};

/** Behind a proxy that is not trusted, all callers share one address, and so one rate limit. */
const warnOfProxy = (log: Log): RequestHandler => {
  let isSaid = false;
  return ({ headers, socket }, _res, next) => {
    if (!isSaid && headers['x-forwarded-for'] !== undefined) {
      isSaid = true;
      log.warn(
        { event: 'proxy_not_trusted', address: socket.remoteAddress },
        'A request came with X-Forwarded-For, but TRUSTED_PROXIES is not set. Set it if there is a proxy: otherwise all callers share the rate limit of its address',
      );
    }
    next();
  };
};

/** URL parsers read invalid characters differently, and some replace them silently. */
const refuseUnreadableAddress: RequestHandler = ({ url }, _res, next) => {
  if (/[^!-~]|[#\\]/.test(url)) throw new URIError('The address has a character that must be encoded');
  decodeURIComponent(url);
  next();
};

/** Answers every error as a problem: an unexpected one as `internal`. Logs those of status 500 and above in full. */
const answerProblem =
  (log: Log): ErrorRequestHandler =>
  (error, _req, res, next) => {
    const problem = problemIn(error);
    if (problem.status >= 500) log.error({ event: 'request_failed', err: error }, 'A request failed');
    if (res.headersSent) return next(error);
    const { retry_after_seconds } = problem.members;
    if (retry_after_seconds !== undefined) res.setHeader('Retry-After', String(retry_after_seconds));
    res.locals.problem = problem;
    res
      .status(problem.status)
      .type('application/problem+json')
      .send(JSON.stringify(describeProblem(problem, res.locals.request_id)));
  };

/** Express itself refuses some requests, for example a path that cannot be decoded. */
const problemIn = (error: unknown): Problem =>
  error instanceof URIError
    ? new Problem('invalid_request', 'The URL of the request is malformed. Encode it as RFC 3986 requires.', {
        cause: error,
      })
    : problemOf(error);
