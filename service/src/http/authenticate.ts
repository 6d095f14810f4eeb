import {
  operations as all,
  type Caller,
  IdempotencyKey,
  type Operation,
  Problem,
  requirePermission,
  takesBody,
} from '@trunkline/contracts';
import type { Request, Response } from 'express';
import type { Identify } from '../organizations/identify.ts';
import { formOf } from '../organizations/raw-key.ts';
import { MAX_BODY_BYTES, tooLarge } from './body.ts';
import type { Limits } from './limits.ts';

export interface AuthenticateDependencies extends Omit<Identify, 'forget'> {
  limits: Limits;
  phase(): Phase;
}

export type Phase = 'starting' | 'serving' | 'draining';

/** `calls`: how many count towards the rate limit. A batch may also name calls that are not operations. */
export type Authenticate = (
  req: Request,
  res: Response,
  operations: readonly Operation[],
  calls?: number,
) => Promise<Caller>;

/** Admits a request, or throws a `Problem`, before its body is read. The order of the checks is promised to callers. */
export const createAuthenticate =
  ({ identify, confirm, isRemembered, wasGood, limits, phase }: AuthenticateDependencies): Authenticate =>
  async (req, res, operations, calls = 1) => {
    res.locals.operation = operations.map((operation) => nameOf.get(operation)).join(',') || '(unknown)';
    if (phase() !== 'serving') {
      res.setHeader('Connection', 'close');
      throw new Problem(
        'service_unavailable',
        `This instance is ${phase() === 'draining' ? 'shutting down' : 'starting'}. Retry the request.`,
        { retry_after_seconds: 1 },
      );
    }
    refuseLarge(req);
    const mayChange = operations.some(({ kind }) => kind === 'mutation');
    const { identity, confirmed } = await identifyCaller(req);
    const request_id = res.locals.request_id;
    const caller: Caller = { ...identity, request_id, ...(confirmed && { confirm: confirmed }) };
    res.locals.caller = caller;
    await limits.count(identity.key_id, calls, res);
    requireOrganization(req, operations, identity.organization_id);
    const [only] = operations;
    if (only && operations.length === 1) requirePermission(identity.role, only);
    refuseOtherTypes(req, operations);
    const idempotency_key = readIdempotencyKey(req, calls);
    return Object.assign(caller, idempotency_key !== undefined && { idempotency_key });

    async function identifyCaller({ headers, ip = '' }: Request) {
      const raw_key = headers['x-api-key'];
      if (typeof raw_key !== 'string' || raw_key === '') {
        await limits.countAnonymous(req, res);
        throw unauthenticated('Send your API key in the X-API-Key header.');
      }
      const begun = performance.now();
      const remembered = isRemembered(raw_key);
      const found = await (remembered ? identify(raw_key) : lookUp(raw_key, ip));
      if (found === undefined) await limits.countAnonymous(req, res);
      const identity = requireFound(found);
      if (!mayChange) return { identity };
      // A key that was just looked up needs no second look-up.
      const early = remembered ? confirm(raw_key) : Promise.resolve(identity);
      return { identity, confirmed: confirmWith(early, begun, raw_key) };
    }

    /** Asks the database while the rest of the request arrives, and again if that takes longer than `FRESH_MS`. */
    function confirmWith(early: ReturnType<typeof confirm>, begun: number, raw_key: string): () => Promise<unknown> {
      // Nothing awaits it if the request is refused for another reason.
      early.catch(() => {});
      return async () => {
        const isFresh = performance.now() - begun < FRESH_MS;
        return requireFound(await (isFresh ? early : confirm(raw_key)));
      };
    }

    /** Looks up no text that cannot be a key. A key without a checksum is a guess, unless it existed before. */
    async function lookUp(raw_key: string, ip: string) {
      const form = formOf(raw_key);
      if (form === undefined) return undefined;
      return limits.lookUp(ip, form === 'unchecked' && !wasGood(raw_key), () => identify(raw_key));
    }
  };

/** How long the database's answer is trusted: a body that arrives with its headers costs one look-up. */
const FRESH_MS = 200;

const nameOf = new Map([...all].map(([name, operation]) => [operation, name]));

const requireFound = <T>(identity: T | undefined): T => {
  if (identity !== undefined) return identity;
  throw unauthenticated('The API key is unknown, revoked or expired. Use another one.');
};

const unauthenticated = (detail: string) => new Problem('unauthenticated', detail);

const refuseLarge = ({ headers }: Request): void => {
  if (Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
};

const requireOrganization = ({ headers }: Request, operations: readonly Operation[], organization_id: string): void => {
  const named = headers['x-organization-id'];
  if (named === undefined || named === '') {
    if (operations.length > 0 && operations.every(({ permission }) => permission === 'any key')) return;
    throw new Problem(
      'organization_required',
      'Send the id of your organization in the X-Organization-Id header. GET /api/me returns it.',
    );
  }
  if (named !== organization_id) {
    throw new Problem(
      'organization_mismatch',
      'The API key belongs to another organization than the one in the X-Organization-Id header. GET /api/me returns the right one.',
    );
  }
};

const hasBody = ({ headers }: Request): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** A request that has or needs a body must declare it as JSON. */
const refuseOtherTypes = (req: Request, operations: readonly Operation[]): void => {
  const needsBody = req.method !== 'GET' && operations.some(takesBody);
  if (!needsBody && !hasBody(req)) return;
  const types = req.method === 'PATCH' ? /^application\/(merge-patch\+)?json\s*(;|$)/i : /^application\/json\s*(;|$)/i;
  if (types.test(req.headers['content-type'] ?? '')) return;
  throw new Problem('unsupported_media_type', 'Send the body as JSON, with the header Content-Type: application/json.');
};

const readIdempotencyKey = ({ headers }: Request, calls: number): string | undefined => {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (calls > 1) throw invalidHeader('applies to a single call: send that call outside of a batch');
  const { data, error } = IdempotencyKey.safeParse(key);
  if (error) throw invalidHeader(error.issues.map(({ message }) => message).join(', and '));
  return data;
};

const invalidHeader = (message: string) => {
  const issues = [{ path: 'Idempotency-Key', message }];
  return new Problem('invalid_request', `Fix these fields and try again: Idempotency-Key ${message}.`, {
    issues,
  });
};
