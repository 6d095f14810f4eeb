import {
  type Call,
  type Caller,
  KeyId,
  type Middleware,
  OrganizationId,
  Problem,
  type ProblemCode,
  type ProblemMembers,
  problemCodes,
} from '@trunkline/contracts';
import canonicalize from 'canonicalize';
import { Types } from 'mongoose';
import { z } from 'zod';
import type { Background } from '../background.ts';
import { backoffMs, type Clock } from '../clock.ts';
import { type CollectionDefinition, openCollection } from '../database/collection.ts';
import { type Connection, repeatedField } from '../database/connect.ts';
import type { Secrets } from '../database/secrets.ts';
import { Sealed } from '../database/shape.ts';
import { answerNotKept } from '../organizations/answer-not-kept.ts';

const KEPT_MS = 24 * 3600 * 1000;
const MOST_TRIES = 3;
const UNIQUE = 'organization_id+key_id+operation+idempotency_key';

const FirstRequest = z.object({
  _id: z.instanceof(Types.ObjectId),
  organization_id: OrganizationId,
  /** The API key that sent the request. Absent in schema 1. */
  key_id: KeyId.exactOptional(),
  operation: z.string(),
  idempotency_key: z.string(),
  /** An HMAC: the request itself may hold secrets. */
  fingerprint: z.string(),
  /** The request is in progress until then. Also identifies who holds it. */
  held_until: z.date(),
  /** JSON of a `StoredResponse`; absent while the request is in progress. */
  answer: Sealed.exactOptional(),
  expires_at: z.date(),
});
type FirstRequest = z.output<typeof FirstRequest>;

export const firstRequestsCollection = {
  name: 'idempotency_keys',
  id: '_id',
  shape: FirstRequest,
  indexes: [
    { key: { organization_id: 1, key_id: 1, operation: 1, idempotency_key: 1 }, unique: true },
    { key: { expires_at: 1 }, expireAfterSeconds: 0 },
  ],
} as const satisfies CollectionDefinition;

const StoredResponse = z.union([
  z.object({ data: z.unknown() }),
  z.object({
    problem: z.object({ code: z.enum(problemCodes), detail: z.string(), members: z.record(z.string(), z.unknown()) }),
  }),
]);

type NamedCall = Call & { idempotency_key: string };

export interface IdempotencyDependencies {
  connection: Connection;
  secrets: Secrets;
  background: Background;
  clock: Clock;
  /** Longer than any request takes: a request that crashed can be retried after it. */
  longest_ms: number;
}

/**
 * Runs a request with an Idempotency-Key once per API key, on all replicas together. The first answer is kept for 24
 * hours, encrypted, and returned again. An answer that may change (429, 5xx, any that says when to retry) is not kept,
 * but the request is: a retry continues what the first one began, and the key accepts no other request for 24 hours.
 */
export const createIdempotency = ({
  connection,
  secrets,
  background,
  clock,
  longest_ms,
}: IdempotencyDependencies): Middleware => {
  const requests = openCollection(connection, firstRequestsCollection);
  const placeOf = ({ _id }: FirstRequest) => `idempotency_keys/${_id.toHexString()}/answer` as const;

  const take = async (call: NamedCall, tries = MOST_TRIES): Promise<FirstRequest> => {
    const { caller, name: operation, idempotency_key } = call;
    const { organization_id, key_id } = caller;
    // Rows of schema 1 do not have the key that sent them.
    const same = { organization_id, key_id: { $in: [key_id, null] }, operation, idempotency_key };
    const known = await requests.findOne(same, { local: true });
    const now = clock.now();
    if (known !== null && known.expires_at.getTime() > now) return takeUp(known, call);
    if (known !== null) await requests.deleteOne({ _id: known._id, expires_at: known.expires_at });
    const first: FirstRequest = {
      _id: new Types.ObjectId(),
      organization_id,
      key_id,
      operation,
      idempotency_key,
      fingerprint: secrets.fingerprint(asSent(call)),
      held_until: new Date(now + longest_ms),
      expires_at: new Date(now + KEPT_MS),
    };
    try {
      await requests.insert(first);
      return first;
    } catch (error) {
      // Retries only if another request took this key first: any other duplicate would fail again.
      if (tries === 1 || repeatedField(error) !== UNIQUE) throw error;
      return take(call, tries - 1);
    }
  };

  /** Returns a stored request that has its answer, or takes over one that nobody holds any more. */
  const takeUp = async (known: FirstRequest, call: NamedCall): Promise<FirstRequest> => {
    const isSame = secrets.matches(asSent(call), known.fingerprint) || secrets.matches(asRead(call), known.fingerprint);
    if (!isSame) {
      throw new Problem(
        'idempotency_key_reused',
        'This Idempotency-Key was already used for a different request. Use a new key for each request.',
      );
    }
    if (known.answer !== undefined) return known;
    const now = clock.now();
    const held_until = new Date(now + longest_ms);
    const abandoned = { _id: known._id, held_until: { $eq: known.held_until, $lte: new Date(now) } };
    const { modifiedCount } = await requests.updateOne(abandoned, { $set: { held_until } });
    if (modifiedCount > 0) return { ...known, held_until };
    throw new Problem(
      'idempotency_key_in_use',
      'The first request with this Idempotency-Key is still in progress. Try again once it has finished.',
      { retry_after_seconds: 1 },
    );
  };

  const keep = async (first: FirstRequest, answer: z.input<typeof StoredResponse>): Promise<void> => {
    const sealed = await secrets.seal(JSON.stringify(answer), placeOf(first));
    await requests.updateOne({ _id: first._id, held_until: first.held_until }, { $set: { answer: sealed } });
  };

  /** Allows the same request to be sent again. */
  const letGo = async ({ _id, held_until }: FirstRequest): Promise<void> => {
    await requests.updateOne({ _id, held_until }, { $set: { held_until: new Date(clock.now()) } });
  };

  /** Retries while the database is unreachable: otherwise the key would stay in use until `held_until`. */
  const letGoLater = async (first: FirstRequest): Promise<void> => {
    for (let attempt = 0; clock.now() < first.held_until.getTime(); attempt++) {
      await clock.sleep(backoffMs(attempt));
      const isDone = await letGo(first).then(
        () => true,
        () => false,
      );
      if (isDone) return;
    }
  };

  const giveAgain = async (first: FirstRequest, sealed: string, call: Call, run: () => Promise<unknown>) => {
    // Schema 1 shared answers within an organization, even secrets and refusals that depend on the role.
    const isForAnyKey = first.key_id === undefined;
    if (isForAnyKey && call.operation.answersSecret) throw answerNotKept();
    const answer = StoredResponse.parse(JSON.parse(await secrets.open(sealed, placeOf(first))));
    if ('data' in answer) return answer.data;
    const { code, detail, members } = answer.problem;
    if (isForAnyKey && code === 'permission_denied') return run();
    throw new Problem(code as ProblemCode, detail, members as ProblemMembers);
  };

  return async <T>(call: Call, run: (caller: Caller) => Promise<T>): Promise<T> => {
    const { caller, operation } = call;
    const { idempotency_key } = caller;
    if (idempotency_key === undefined || operation.route.method !== 'POST') return run(caller);
    const first = await take({ ...call, idempotency_key });
    // The same operation produced the stored answer.
    if (first.answer !== undefined) return (await giveAgain(first, first.answer, call, () => run(caller))) as T;
    try {
      const data = await run({ ...caller, stored_request: first._id.toHexString() });
      await keep(first, operation.answersSecret ? asKept(answerNotKept()) : { data });
      return data;
    } catch (error) {
      if (isFinal(error)) await keep(first, asKept(error));
      else await letGo(first).catch(() => background.run('Releasing an Idempotency-Key', letGoLater(first)));
      throw error;
    }
  };
};

/** Canonical JSON as it was sent: neither its formatting nor a default that a later version adds changes a request. */
const asSent = ({ sent }: Call): string => canonicalize(sent) ?? '';

/** What schema 1 compared. */
const asRead = ({ input }: Call): string => JSON.stringify(input);

const asKept = ({ code, detail, members }: Problem) => ({ problem: { code, detail, members: { ...members } } });

const isFinal = (error: unknown): error is Problem =>
  error instanceof Problem && error.status < 500 && error.members.retry_after_seconds === undefined;
