import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Logging } from '../log.ts';
import type { Metrics } from '../metrics.ts';

const sane = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * Gives each request its id, and when it is answered one line of log and its metrics: route, status, time and who called.
 * Not its headers, query or body: secrets travel there, which is why no ready-made request logger is used.
 */
export const observe = (
  { log, inRequest }: Logging,
  { requests, requestSeconds }: Pick<Metrics, 'requests' | 'requestSeconds'>,
): RequestHandler => {
  return (req, res, next) => {
    const begun = performance.now();
    const given = req.headers['x-request-id'];
    const request_id = typeof given === 'string' && sane.test(given) ? given : randomUUID();
    res.locals.request_id = request_id;
    res.setHeader('X-Request-Id', request_id);

    res.once('close', () => {
      const ms = Math.round((performance.now() - begun) * 10) / 10;
      const { method } = req;
      const { caller, route = '(none)', problem } = res.locals;
      const status = res.writableFinished ? res.statusCode : 499;
      requests.inc({ method, route, status });
      requestSeconds.observe({ method, route }, ms / 1000);
      const line = {
        method,
        route,
        status,
        ms,
        key_id: caller?.key_id,
        organization_id: caller?.organization_id,
        code: problem?.code,
      };
      inRequest(request_id, () => log[status >= 500 ? 'error' : 'info'](line, 'answered'));
    });

    inRequest(request_id, next);
  };
};
