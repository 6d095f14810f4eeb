import { z } from 'zod';
import type { Permission } from './permission.ts';
import { commonProblems, type ProblemCode } from './problem.ts';

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Under `/api`. `{name}` is a member of the input. */
  path: `/${string}`;
  /** 200 unless said. */
  status?: 201 | 202;
  /** Answers 202 in place of it where what the caller asked for goes on in the background: told by the answer's data. */
  goesOn?(data: unknown): boolean;
  /** Of a 201: the path of what was made; `{name}` is a member of the answer's data. */
  location?: `/${string}`;
}

/** One thing that callers can ask for, whole: over tRPC by its place in `api`, over REST by its route. */
export interface Operation<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  kind: 'query' | 'mutation';
  summary: string;
  description?: string;
  route: Route;
  /** What the key's role must allow. `any key`: nothing, and no organization need be named. */
  permission: Permission | 'any key';
  /** The problems of this operation, beside those that every one may answer. */
  problems: readonly ProblemCode[];
  input: Input;
  output: Output;
  /** The answer holds a secret that is shown once. It is not kept: a request that is repeated with its Idempotency-Key is told so. */
  answersSecret?: true;
  /** Bodies that work, by what they show, for the document of the API. */
  examples?: Record<string, z.input<Input>>;
  /** What it answers, by what they show, for the document of the API. */
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

/** Every problem that an operation may answer: its own, and those that come before any handler runs. */
export const problemsOf = ({ route: { method }, problems: own }: Operation): ProblemCode[] => [
  ...commonProblems,
  ...own,
  ...(method === 'GET' ? [] : (['body_too_large', 'unsupported_media_type'] as const)),
  ...(method === 'POST' ? (['idempotency_key_in_use', 'idempotency_key_reused'] as const) : []),
];

/** The names in braces of a route's path. */
export const pathNames = ({ path }: Route): string[] => [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name);

/** The fields of an input that is an object; none for a union. */
export const fieldsOf = (input: z.ZodType): Record<string, z.ZodType> => {
  const bare = input instanceof z.ZodPrefault ? input.unwrap() : input;
  return bare instanceof z.ZodObject ? bare.shape : {};
};

/** Of every change of something with a revision: over REST it stands in the header `If-Match`. */
export const IF_REVISION = 'if_revision';

/** The fields of an input that stand neither in the path nor in a header. */
export const fieldsBeside = ({ input, route }: Operation): Record<string, z.ZodType> => {
  const inPath = pathNames(route);
  const isBeside = ([name]: [string, unknown]) => name !== IF_REVISION && !inPath.includes(name);
  return Object.fromEntries(Object.entries(fieldsOf(input)).filter(isBeside));
};

/** Whether what does not stand in the path stands in the query. */
export const takesQuery = ({ route }: Operation): boolean => route.method === 'GET' || route.method === 'DELETE';

/** Whether the route needs a body: not where its whole input stands in the path or the query. */
export const takesBody = (operation: Operation): boolean => {
  const { route } = operation;
  if (!['POST', 'PUT', 'PATCH'].includes(route.method)) return false;
  return pathNames(route).length === 0 || Object.keys(fieldsBeside(operation)).length > 0;
};
