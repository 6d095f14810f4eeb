import {
  initTRPC,
  type TRPC_ERROR_CODE_KEY,
  type TRPCBuiltRouter,
  TRPCError,
  type TRPCErrorShape,
  type TRPCMutationProcedure,
  type TRPCQueryProcedure,
} from '@trpc/server';
import { z } from 'zod';
import { api } from './api.ts';
import type { KeyId, OrganizationId } from './id.ts';
import { type Operation, problemsOf } from './operation.ts';
import { permissionsOf, type Role } from './permission.ts';
import { describeProblem, type Issue, invalidFields, Problem, type ProblemBody, type ProblemCode } from './problem.ts';

/** The caller of one request, identified by its API key. */
export interface Caller {
  organization_id: OrganizationId;
  key_id: KeyId;
  role: Role;
  request_id: string;
  idempotency_key?: string;
  /** The stored request of the `idempotency_key`: the same for each attempt of one request, and for no other request. */
  stored_request?: string;
  /** Rejects if the key was revoked or has expired meanwhile. Called before each mutation begins. */
  confirm?(): Promise<unknown>;
}

export interface Context {
  caller: Caller;
}

/** One call of an operation. `name`: the operation's, as in `phoneNumbers.get`. */
export interface Call {
  name: string;
  operation: Operation;
  caller: Caller;
  /** The parsed input, with defaults. */
  input: unknown;
  /** The input as it was sent. */
  sent: unknown;
}

/** Answers one operation, without HTTP, tRPC or the contract's own checks. */
export type Handler<O extends Operation> = (
  caller: Caller,
  input: z.output<O['input']>,
) => Promise<z.input<O['output']>>;

type HandlersOf<T> = { [K in keyof T]: T[K] extends Operation ? Handler<T[K]> : HandlersOf<T[K]> };
export type Handlers = HandlersOf<typeof api>;

interface RootTypes {
  ctx: Context;
  meta: Operation;
  errorShape: TRPCErrorShape<ProblemBody & { httpStatus: number; path: string }>;
  transformer: false;
}

interface Signature<O extends Operation> {
  meta: Operation;
  input: z.input<O['input']>;
  output: z.output<O['output']>;
}
type ProcedureOf<O extends Operation> = O['kind'] extends 'query'
  ? TRPCQueryProcedure<Signature<O>>
  : TRPCMutationProcedure<Signature<O>>;
type RecordOf<T> = { [K in keyof T]: T[K] extends Operation ? ProcedureOf<T[K]> : RecordOf<T[K]> };

/** Runs around each handler. */
export type Middleware = <T>(call: Call, run: (caller: Caller) => Promise<T>) => Promise<T>;

/** The type that tRPC clients are made from. */
export type AppRouter = TRPCBuiltRouter<RootTypes, RecordOf<typeof api>>;

/** Answers one operation for any protocol. `input`: as it was sent. Throws a `Problem` if the caller did something wrong. */
export type Handle = (caller: Caller, input: unknown) => Promise<unknown>;

export interface Api {
  /** Every operation by its name, for protocols other than tRPC. */
  handles: ReadonlyMap<string, Handle>;
  /** The same operations as tRPC procedures. */
  router: AppRouter;
}

/** Builds the API: every operation, answered by the handler of its name. */
export const createApi = (handlers: Handlers, middleware: Middleware = ({ caller }, run) => run(caller)): Api => {
  const t = initTRPC
    .context<Context>()
    .meta<Operation>()
    .create({
      isDev: false,
      errorFormatter: ({ shape, error, ctx, path }) => {
        const problem = describeProblem(problemOf(error), ctx?.caller.request_id ?? '');
        return {
          ...shape,
          message: problem.detail,
          data: { ...problem, httpStatus: problem.status, path: path ?? '' },
        };
      },
    });

  const procedure = t.procedure.use(async ({ ctx, meta, next, getRawInput }) => {
    if (meta) requirePermission(ctx.caller.role, meta);
    const result = await next({ ctx: { ...ctx, sent: getRawInput } });
    if (!result.ok && result.error.cause instanceof Problem) throw asTrpcError(result.error.cause);
    return result;
  });

  const handles = new Map<string, Handle>();
  const records: Record<string, object> = {};
  for (const [name, operation] of operations) {
    const handler = handlerOf(handlers, name);
    const run = async (caller: Caller, input: unknown, sent: unknown) => {
      if (operation.kind === 'mutation') await caller.confirm?.();
      const call = { name, operation, caller, input, sent };
      return middleware(call, (as) => handler(as, input).catch(refuseUnlisted(operation)));
    };

    handles.set(name, async (caller, input) => {
      requirePermission(caller.role, operation);
      const { data, error } = operation.input.safeParse(input);
      if (error) throw invalidRequest(error);
      return operation.output.parse(await run(caller, data, input));
    });

    const defined = procedure.meta(operation).input(operation.input).output(operation.output);
    const resolve = async ({ ctx, input }: { ctx: Context & { sent(): Promise<unknown> }; input: unknown }) =>
      run(ctx.caller, input, await ctx.sent());
    put(records, name, operation.kind === 'query' ? defined.query(resolve) : defined.mutation(resolve));
  }
  // The loop loses the types of RecordOf<typeof api>. client.test-d.ts checks them.
  return { handles, router: t.router(records as RecordOf<typeof api>) as unknown as AppRouter };
};

/** Answers a problem that the operation does not list as `internal`, with it as the cause: it is not the caller's. */
const refuseUnlisted =
  (operation: Operation) =>
  (error: unknown): never => {
    throw error instanceof Problem && !problemsOf(operation).includes(error.code) ? internal(error) : error;
  };

const handlerOf = (handlers: Handlers, name: string): Handler<Operation> =>
  // The type Handlers guarantees a function for every operation of `api`.
  name.split('.').reduce<unknown>((within, part) => Reflect.get(Object(within), part), handlers) as Handler<Operation>;

const put = (records: Record<string, object>, name: string, procedure: object): void => {
  const [first = '', ...rest] = name.split('.');
  if (rest.length === 0) records[first] = procedure;
  else {
    const within = (records[first] ?? {}) as Record<string, object>;
    put(within, rest.join('.'), procedure);
    records[first] = within;
  }
};

interface Operations {
  [name: string]: Operation | Operations;
}

export const isOperation = (entry: Operation | Operations): entry is Operation => 'route' in entry;

/** Every operation with its name, as in `phoneNumbers.get`. */
export const operations: ReadonlyMap<string, Operation> = new Map(named(api, ''));

function named(entries: Operations, prefix: string): [string, Operation][] {
  return Object.entries(entries).flatMap(([name, entry]) =>
    isOperation(entry) ? [[prefix + name, entry] as [string, Operation]] : named(entry, `${prefix}${name}.`),
  );
}

/** Throws `permission_denied` unless the role may do this. */
export const requirePermission = (role: Role, { permission }: Operation): void => {
  if (permission === 'any key' || permissionsOf[role].includes(permission)) return;
  throw new Problem(
    'permission_denied',
    `This needs the permission ${permission}, which the role ${role} does not have. Use a key with another role.`,
  );
};

/** The problem that a caller may read, for any error of a procedure. */
export const problemOf = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  if (!(error instanceof TRPCError)) return internal(error);
  if (error.cause instanceof Problem) return error.cause;
  if (error.code === 'BAD_REQUEST' && error.cause instanceof z.core.$ZodError) return invalidRequest(error.cause);
  const known = problemOfTrpc[error.code];
  return known === undefined ? internal(error) : new Problem(...known, { cause: error });
};

const internal = (cause: unknown) =>
  new Problem(
    'internal',
    'Something went wrong on our side. Try again, and if it keeps failing, report the request_id.',
    { cause },
  );

const problemOfTrpc: Partial<Record<TRPC_ERROR_CODE_KEY, [ProblemCode, string]>> = {
  PARSE_ERROR: ['invalid_request', 'The input is not valid JSON. Send the JSON of the input.'],
  BAD_REQUEST: ['invalid_request', 'The request is not valid tRPC. Use a tRPC 11 client.'],
  NOT_FOUND: ['route_not_found', 'No procedure has this name. See /docs.'],
  METHOD_NOT_SUPPORTED: ['method_not_allowed', 'Send queries with GET and mutations with POST.'],
  PAYLOAD_TOO_LARGE: ['body_too_large', 'The body is larger than the limit of 100 KiB. Send less.'],
  UNSUPPORTED_MEDIA_TYPE: ['unsupported_media_type', 'Send the body as application/json.'],
};

/** An `invalid_request` with the faults of an input. */
export const invalidRequest = (cause: z.core.$ZodError): Problem =>
  invalidFields(cause.issues.flatMap(issuesOf), cause);

const issuesOf = (issue: z.core.$ZodIssue): Issue[] =>
  issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => ({ path: [...issue.path, key].join('.'), message: 'is not a field of this request' }))
    : [{ path: issue.path.join('.'), message: messageOf(issue) }];

/** A field's own message, or a replacement for zod's default, which does not read well after the field's name. */
const messageOf = (issue: z.core.$ZodIssue): string =>
  issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')
    ? `must be ${typeNames[issue.expected] ?? `of the type ${issue.expected}`}`
    : issue.message;

const typeNames: Partial<Record<z.core.$ZodIssueInvalidType['expected'], string>> = {
  array: 'a list',
  boolean: 'true or false',
  number: 'a number',
  object: 'an object',
  string: 'a string',
};

/** The problem as a tRPC error, with the code of the same status. */
export const asTrpcError = (problem: Problem) =>
  new TRPCError({
    code: trpcCodes[problem.status] ?? 'INTERNAL_SERVER_ERROR',
    message: problem.detail,
    cause: problem,
  });

const trpcCodes: Record<number, TRPC_ERROR_CODE_KEY> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_SUPPORTED',
  409: 'CONFLICT',
  412: 'PRECONDITION_FAILED',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'UNPROCESSABLE_CONTENT',
  429: 'TOO_MANY_REQUESTS',
  502: 'BAD_GATEWAY',
  503: 'SERVICE_UNAVAILABLE',
  504: 'GATEWAY_TIMEOUT',
};
