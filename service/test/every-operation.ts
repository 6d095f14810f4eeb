import { type Operation, operations } from '@trunkline/contracts';
import type { Caller, RestAnswer } from './open-service.ts';

/** Every operation, over both protocols. New operations are included automatically. */
export const everyOperation = [...operations].flatMap(([name, operation]) => [
  { title: `${name} over REST`, name, operation, ask: overRest },
  { title: `${name} over tRPC`, name, operation, ask: overTrpc },
]);

function overRest(
  caller: Caller,
  _name: string,
  { route }: Operation,
  input: Record<string, unknown>,
  headers?: Record<string, string>,
) {
  const rest = { ...input };
  const path = route.path.replaceAll(/\{([^}]+)\}/g, (_braces, field: string) => {
    const value = String(rest[field]);
    delete rest[field];
    return value;
  });
  const body = Object.keys(rest).length > 0 ? rest : undefined;
  return caller.rest(route.method, `/api${path}`, body, headers);
}

async function overTrpc(
  caller: Caller,
  name: string,
  { kind }: Operation,
  input: Record<string, unknown>,
  headers?: Record<string, string>,
): Promise<RestAnswer> {
  const answer =
    kind === 'query'
      ? await caller.rest('GET', `/trpc/${name}?input=${encodeURIComponent(JSON.stringify(input))}`, undefined, headers)
      : await caller.rest('POST', `/trpc/${name}`, input, headers);
  return { ...answer, body: answer.body.error ? answer.body.error.data : answer.body.result.data };
}
