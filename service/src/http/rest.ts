import { type Answer, type Api, type Operation, operations, Problem, pathNames } from '@trunkline/contracts';
import express, { type Request, type RequestHandler, type Router } from 'express';
import { parseJson, readText } from './body.ts';
import type { Admit } from './identify.ts';
import type { Limits } from './limits.ts';

/**
 * REST from the same contract: one route for each operation. A ready-made bridge (@orpc/openapi) was left aside: it
 * parses the body before it asks who calls, and the order of problems is promised to callers.
 */
export const createRest = (answers: Api['answers'], admit: Admit, limits: Pick<Limits, 'countAnonymous'>): Router => {
  const rest = express.Router({ caseSensitive: true });
  const methods = new Map<string, Set<string>>();

  for (const [name, operation] of operations) {
    const { method, path } = operation.route;
    const pattern = path.replaceAll(/\{([^}]+)\}/g, ':$1');
    methods.set(pattern, (methods.get(pattern) ?? new Set()).add(method));
    rest[method.toLowerCase() as Lowercase<typeof method>](pattern, routeOf(operation, answers.get(name), admit));
  }

  for (const [pattern, allowed] of methods) {
    rest.all(pattern, async (req, res) => {
      await limits.countAnonymous(req.ip);
      const allow = [...allowed].join(', ');
      res.setHeader('Allow', allow);
      throw new Problem('method_not_allowed', `This route takes ${allow}.`);
    });
  }
  return rest;
};

const routeOf = (operation: Operation, answer: Answer | undefined, admit: Admit): RequestHandler => {
  if (answer === undefined) throw new Error(`${operation.summary} has no answer`);
  const { method, path, status = 200, location } = operation.route;
  const inPath = pathNames(operation.route);
  return async (req, res) => {
    res.locals.route = `${method} /api${path}`;
    const caller = await admit(req, res, [operation]);
    const given = method === 'GET' ? req.query : await readBody(req);
    const input = inPath.length === 0 ? given : { ...withoutPath(given, inPath), ...req.params };
    const output = await answer(caller, input);
    if (location !== undefined) res.setHeader('Location', `/api${fill(location, output)}`);
    res.status(status).json(output);
  };
};

/** The body as JSON; an empty one as an empty object. */
const readBody = async (req: Request): Promise<unknown> => {
  const text = await readText(req);
  return text === '' ? {} : parseJson(text);
};

/** What stands in the path is not said again in the body. */
const withoutPath = (given: unknown, inPath: string[]): object => {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw notAnObject();
  const issues = inPath
    .filter((field) => field in given)
    .map((path) => ({ path, message: 'stands in the path already: leave it out' }));
  if (issues.length > 0)
    throw new Problem('invalid_request', 'Leave out of the body what stands in the path.', { issues });
  return given;
};

const notAnObject = () =>
  new Problem('invalid_request', 'The body must be a JSON object.', {
    issues: [{ path: '', message: 'must be a JSON object' }],
  });

const fill = (template: string, output: unknown): string =>
  template.replaceAll(/\{([^}]+)\}/g, (_braces, name: string) => {
    const data: unknown = Reflect.get(Object(output), 'data');
    return encodeURIComponent(String(Reflect.get(Object(data), name)));
  });
