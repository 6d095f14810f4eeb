import { z } from 'zod';
import type { Permission } from './permission.ts';
import { commonProblems, type ProblemCode } from './problem.ts';

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Under `/api`. `{name}` is a member of the input. */
  path: `/${string}`;
  /** Default: 200. */
  status?: 201 | 202;
  /** Tells from the answer's data whether the work goes on in the background: then the status is 202. */
  goesOn?(data: unknown): boolean;
  /** For a 201: the path of what was created. `{name}` is a member of the answer's data. */
  location?: `/${string}`;
}

/** One complete operation of the API: over tRPC at its place in `api`, over REST at its route. */
export interface Operation<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  kind: 'query' | 'mutation';
  summary: string;
  description?: string;
  route: Route;
  /** The permission that the key's role must have. `any key`: none, and no organization must be named. */
  permission: Permission | 'any key';
  /** The problems of this operation, besides `commonProblems`. */
  problems: readonly ProblemCode[];
  input: Input;
  output: Output;
  /** The answer contains a secret that is shown only once, so it is not stored: a repetition gets `answer_not_kept`. */
  answersSecret?: true;
  /** Valid inputs for the API's document, by title. */
  examples?: Record<string, z.input<Input>>;
  /** Example answers for the API's document, by title. */
  answers: Record<string, z.input<Output>>;
}

export type Query<I extends z.ZodType, O extends z.ZodType> = Operation<I, O> & { kind: 'query' };
export type Mutation<I extends z.ZodType, O extends z.ZodType> = Operation<I, O> & { kind: 'mutation' };

export const query = <I extends z.ZodType, O extends z.ZodType>(
  operation: Omit<Operation<I, O>, 'kind'>,
): Query<I, O> => ({
  kind: 'query',
  ...operation,
});

export const mutation = <I extends z.ZodType, O extends z.ZodType>(
  operation: Omit<Operation<I, O>, 'kind'>,
): Mutation<I, O> => ({
  kind: 'mutation',
  ...operation,
});

/** Every problem that an operation may answer: its own, and those found before any handler runs. */
export const problemsOf = ({ route: { method }, problems: own }: Operation): ProblemCode[] => [
  ...commonProblems,
  ...own,
  ...(method === 'GET' ? [] : (['body_too_large', 'unsupported_media_type'] as const)),
  ...(method === 'POST' ? (['idempotency_key_in_use', 'idempotency_key_reused'] as const) : []),
];

/** The names in braces of a route's path. */
export const pathNames = ({ path }: Route): string[] => [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name);

/** The fields of an object input; none for a union. */
export const fieldsOf = (input: z.ZodType): Record<string, z.ZodType> => {
  const bare = input instanceof z.ZodPrefault ? input.unwrap() : input;
  return bare instanceof z.ZodObject ? bare.shape : {};
};

/** The field that names the revision to change. Over REST, it is the header `If-Match`. */
export const IF_REVISION = 'if_revision';

/** The input fields that are neither in the path nor in a header. */
export const fieldsBeside = ({ input, route }: Operation): Record<string, z.ZodType> => {
  const inPath = pathNames(route);
  const isBeside = ([name]: [string, unknown]) => name !== IF_REVISION && !inPath.includes(name);
  return Object.fromEntries(Object.entries(fieldsOf(input)).filter(isBeside));
};

/** Whether the other fields are in the query. */
export const takesQuery = ({ route }: Operation): boolean => route.method === 'GET' || route.method === 'DELETE';

/** Whether the route needs a body. Not if its whole input is in the path or the query. */
export const takesBody = (operation: Operation): boolean => {
  const { route } = operation;
  if (!['POST', 'PUT', 'PATCH'].includes(route.method)) return false;
  return pathNames(route).length === 0 || Object.keys(fieldsBeside(operation)).length > 0;
};
