import {
  type Caller,
  createApi,
  type Handlers,
  operations,
  Problem,
  type ProblemCode,
  problemCodes,
  problemOf,
  problemsOf,
} from '@trunkline/contracts';
import { describe, expect, it } from 'vitest';
import { sampleInput } from './sample-input.ts';

const caller: Caller = {
  organization_id: 'org_a1b2c3d4e5f6',
  key_id: 'key_a1b2c3d4e5f6',
  role: 'admin',
  request_id: 'r',
};
const named = { phone_number_id: 'phon_a1b2c3d4e5f6', integration_id: 'intg_a1b2c3d4e5f6', key_id: 'key_a1b2c3d4e5f6' };

let thrown: Problem;
const fail = () => Promise.reject(thrown);
/** Every handler fails when called. */
const handlers: object = new Proxy(fail, { get: () => handlers });
const { handles, router } = createApi(handlers as Handlers);

const protocols = {
  REST: (name: string, input: unknown) => handles.get(name)?.(caller, input),
  tRPC: (name: string, input: unknown) => {
    const asked = router.createCaller({ caller });
    const call = name.split('.').reduce<unknown>((within, part) => Reflect.get(Object(within), part), asked);
    return (call as (input: unknown) => Promise<unknown>)(input);
  },
};

describe.each(Object.entries(protocols))('over %s', (_protocol, ask) => {
  it.each([...operations])('%s answers only problems that it lists', async (name, operation) => {
    const input = sampleInput(name, operation, named);
    const told: Partial<Record<ProblemCode, ProblemCode>> = {};
    for (const code of problemCodes) {
      thrown = new Problem(code, 'A sentence.');
      const error = await ask(name, input)?.then(undefined, problemOf);
      if (!(error instanceof Problem)) throw new Error(`${name} answered ${code} with success`);
      // A problem that is not listed becomes `internal`, and its cause for the log.
      expect(error === thrown || error.cause === thrown, code).toBe(true);
      told[code] = error.code;
    }
    const listed = problemsOf(operation);
    expect(told).toEqual(
      Object.fromEntries(problemCodes.map((code) => [code, listed.includes(code) ? code : 'internal'])),
    );
  });
});
