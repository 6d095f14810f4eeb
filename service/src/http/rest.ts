import {
  type Api,
  fieldsOf,
  type Handle,
  IF_REVISION,
  invalidFields,
  MAX_REVISIONS,
  type Operation,
  operations,
  Problem,
  pathNames,
  takesQuery,
} from '@trunkline/contracts';
import express, { type Request, type RequestHandler, type Router } from 'express';
import type { Authenticate } from './authenticate.ts';
import { parseJson, readText } from './body.ts';
import type { Limits } from './limits.ts';

/**
 * REST from the contract: one route for each operation. A ready-made bridge (@orpc/openapi) does not fit: it parses
 * the body before it authenticates, and the order of problems is promised to callers.
 */
export const createRest = (
  handles: Api['handles'],
  authenticate: Authenticate,
  limits: Pick<Limits, 'countAnonymous'>,
): Router => {
  const rest = express.Router({ caseSensitive: true });
  const methods = new Map<string, Set<string>>();

  for (const [name, operation] of operations) {
    const { method, path } = operation.route;
    const pattern = path.replaceAll(/\{([^}]+)\}/g, ':$1');
    methods.set(pattern, (methods.get(pattern) ?? new Set()).add(method));
    rest[method.toLowerCase() as Lowercase<typeof method>](
      pattern,
      routeOf(operation, handles.get(name), authenticate),
    );
  }

  for (const [pattern, allowed] of methods) {
    rest.all(pattern, async (req, res) => {
      await limits.countAnonymous(req, res);
      const allow = [...allowed].join(', ');
      res.setHeader('Allow', allow);
      throw new Problem('method_not_allowed', `This route accepts only ${allow}. Use one of these methods.`);
    });
  }
  return rest;
};

const routeOf = (operation: Operation, handle: Handle | undefined, authenticate: Authenticate): RequestHandler => {
  if (handle === undefined) throw new Error(`${operation.summary} has no handler`);
  const { method, path, status = 200, location, goesOn } = operation.route;
  const takesIfMatch = IF_REVISION in fieldsOf(operation.input);
  const taken = [...pathNames(operation.route), ...(takesIfMatch ? [IF_REVISION] : [])];
  return async (req, res) => {
    res.locals.route = `${method} /api${path}`;
    const caller = await authenticate(req, res, [operation]);
    const beside = { ...(takesIfMatch && readIfMatch(req)), ...req.params };
    const inQuery = takesQuery(operation) ? without(readQuery(req, operation), taken) : {};
    const inBody = method === 'GET' ? {} : await readBody(req);
    const elsewhere = [...taken, ...Object.keys(inQuery)];
    const input = elsewhere.length === 0 ? inBody : { ...without(inBody, elsewhere), ...inQuery, ...beside };
    const output = await handle(caller, input);
    if (location !== undefined) res.setHeader('Location', `/api${fill(location, output)}`);
    const data: unknown = Reflect.get(Object(output), 'data');
    const revision: unknown = Reflect.get(Object(data), 'revision');
    if (typeof revision === 'number') res.setHeader('ETag', `"${revision}"`);
    // Express would answer 304 for this tag, but the answer can change without its revision.
    delete req.headers['if-none-match'];
    res.status(goesOn?.(data) ? 202 : status).json(output);
  };
};

/** As in RFC 9110, section 8.8.3, but ASCII only. */
const ENTITY_TAG = /(?:W\/)?"[\x21\x23-\x7e]*"/g;

/** The revisions that If-Match allows. Weak tags, and tags that are not ours, match no revision. */
const readIfMatch = ({ headers }: Request): { [IF_REVISION]?: number[] } => {
  const given = headers['if-match']?.trim();
  if (given === undefined || given === '*') return {};
  const refusal = (message: string) => invalidFields([{ path: 'If-Match', message }]);
  // A tag may contain commas.
  const tags = given.match(ENTITY_TAG) ?? [];
  const isList = /^[\s,]*$/.test(given.replaceAll(ENTITY_TAG, ''));
  if (tags.length === 0 || !isList) throw refusal('must be * or tags in double quotes, as in "3"');
  if (tags.length > MAX_REVISIONS) throw refusal(`must have at most ${MAX_REVISIONS} tags`);
  return { [IF_REVISION]: tags.flatMap((tag) => (/^"[1-9][0-9]{0,14}"$/.test(tag) ? [Number(tag.slice(1, -1))] : [])) };
};

/** Reads the query. Its values are text: `true` and `false` become booleans for fields that accept them. */
const readQuery = ({ query }: Request, { input }: Operation): object => {
  const fields = fieldsOf(input);
  const read = ([name, text]: [string, unknown]) => {
    const isFlag = (text === 'true' || text === 'false') && fields[name]?.safeParse(true).success === true;
    return [name, isFlag ? text === 'true' : text] as const;
  };
  return Object.fromEntries(Object.entries(query).map(read));
};

/** Parses the body as JSON; an empty body is an empty object. */
const readBody = async (req: Request): Promise<unknown> => {
  const text = await readText(req);
  return text === '' ? {} : parseJson(text);
};

/** Refuses fields that the path or the query already has. */
const without = (given: unknown, elsewhere: string[]): object => {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw notAnObject();
  const issues = elsewhere
    .filter((field) => Object.hasOwn(given, field))
    .map((path) => ({ path, message: saidElsewhere(path) }));
  if (issues.length > 0) throw invalidFields(issues);
  return given;
};

const saidElsewhere = (field: string) =>
  field === IF_REVISION
    ? 'is for tRPC: send the header If-Match in place of it'
    : 'is already in the path or the query: remove it here';

const notAnObject = () =>
  new Problem('invalid_request', 'The body must be a JSON object.', {
    issues: [{ path: '', message: 'must be a JSON object' }],
  });

const fill = (template: string, output: unknown): string =>
  template.replaceAll(/\{([^}]+)\}/g, (_braces, name: string) => {
    const data: unknown = Reflect.get(Object(output), 'data');
    return encodeURIComponent(String(Reflect.get(Object(data), name)));
  });
