import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { Logging } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

const sane = /^[A-Za-z0-9._:-]{1,128}$/;
/** Load balancers and orchestrators request these every few seconds. */
const probes = new Set(['/healthz', '/readyz']);

/**
 * Gives each request an id and, when it ends, one log line and its metrics: route, status, time and caller. Leaves out
 * headers, query and body, which may hold secrets: ready-made request loggers log them.
 */
export const requestLog = (
  { plain, inRequest }: Logging,
  { requests, requestSeconds }: Pick<Metrics, 'requests' | 'requestSeconds'>,
): RequestHandler => {
  return (req, res, next) => {
    const begun = performance.now();
    const given = req.headers['x-request-id'];
    const request_id = typeof given === 'string' && sane.test(given) ? given : randomUUID();
    const isProbe = probes.has(req.path);
    res.locals.request_id = request_id;
    res.setHeader('X-Request-Id', request_id);

    res.once('close', () => {
      const ms = Math.round((performance.now() - begun) * 10) / 10;
      const { method } = req;
      const { route = '(none)' } = res.locals;
      const status = res.writableFinished ? res.statusCode : 499;
      requests.inc({ method, route, status });
      requestSeconds.observe({ method, route }, ms / 1000);
      const level = isProbe ? 'debug' : status >= 500 ? 'error' : 'info';
      const line = { event: 'request_answered', method, route, status, ms, ...whoDidWhat(req, res) } as const;
      inRequest(request_id, () => plain[level](line, 'answered'));
    });

    inRequest(request_id, next);
  };
};

/** The caller, the operation and the problem. If the caller is unknown, the address. */
const whoDidWhat = ({ ip }: Request, { locals: { caller, operation, problem } }: Response) => ({
  key_id: caller?.key_id,
  organization_id: caller?.organization_id,
  operation,
  code: problem?.code,
  ...(operation !== undefined && caller === undefined && { address: ip }),
});
