import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../clock.ts';
import type { Faults } from './faults.ts';

/** The answer of a stand-in, once it has acted. */
export interface Reply {
  status: number;
  /** JSON; text where the vendor sends text; bytes if protobuf was requested. */
  body?: unknown;
}

/** Serves one call of a vendor: acts and answers, unless a fault applies. */
export const serve = (
  call: string,
  act: (req: Request) => Promise<Reply>,
  { faults, clock }: { faults: Faults; clock: Clock },
): RequestHandler => {
  faults.served.add(call);
  return async (req, res) => {
    const fault = faults.take(call);
    if (fault?.delay_ms) await clock.sleep(fault.delay_ms);
    if (fault?.kind === 'hold_before') await faults.held();
    if (fault?.kind === 'drop_before') return void req.socket.destroy();
    if (fault?.kind === 'hang_before') return;
    if (fault?.kind === 'answer') {
      if (fault.retry_after_seconds !== undefined) res.setHeader('Retry-After', String(fault.retry_after_seconds));
      return send(res, fault);
    }
    const isRead = req.method === 'GET';
    if (fault?.kind === 'not_as_asked' && !isRead) req.body = askedInstead(req.body, fault.body);
    const reply = await act(req);
    if (fault?.kind === 'not_as_asked' && isRead) reply.body = merge(reply.body, fault.body);
    if (fault?.kind === 'hold_after') await faults.held();
    if (fault?.kind === 'drop_after') return void req.socket.destroy();
    if (fault?.kind === 'hang_after') return;
    send(res, reply);
  };
};

/** Applies a JSON Merge Patch (RFC 7396) to the request: to a parsed form, or to unparsed JSON. */
const askedInstead = (asked: unknown, patch: object): unknown =>
  Buffer.isBuffer(asked)
    ? Buffer.from(JSON.stringify(merge(JSON.parse(asked.toString()), patch)))
    : merge(asked, patch);

const merge = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch;
  const merged = { ...(isObject(target) && target) };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = merge(merged[name], value);
  }
  return merged;
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const send = (res: Response, { status, body }: Reply): void => {
  res.status(status);
  if (body === undefined) res.end();
  else if (Buffer.isBuffer(body)) res.setHeader('Content-Type', 'application/protobuf').end(body);
  else if (typeof body === 'string') res.type('text/plain; charset=utf-8').end(body);
  // Without a charset: with one, the LiveKit SDK does not read errors as JSON.
  else res.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
};
