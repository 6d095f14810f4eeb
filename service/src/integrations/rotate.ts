import type { Caller } from '@trunkline/contracts';
import { Problem } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import type { Transaction } from '../database/connect.ts';
import { drawPassword, drawToken } from '../database/ids.ts';
import type { Secrets } from '../database/secrets.ts';
import type { EventStore } from '../events/store.ts';
import { passwordPlaceOf } from './accounts.ts';
import { counted, MOST_LISTED, naming } from './reach.ts';
import type { IntegrationRecord, Rotation } from './record.ts';
import type { IntegrationClaim } from './store.ts';

type Fields = Record<string, unknown>;
type Named = Pick<IntegrationRecord, 'organization_id' | 'integration_id'>;

/** The numbers of an integration, by the user name that their outbound trunks dial with. */
export interface NumbersDialing {
  /** Has the reconciler look at numbers that were sent another user name, unless they are due anyway. */
  changeOver(integration: Named, username: string): Promise<void>;
  /** Whether any number was sent another user name, or may be by work under way. */
  mayDialOtherwise(integration: Named, username: string): Promise<boolean>;
  countDialingOtherwise(integration: Named, username: string): Promise<number>;
  /** The first of the numbers that were sent another, and how many there are. */
  dialingOtherwise(
    integration: Named,
    username: string,
    limit: number,
  ): Promise<{ phone_numbers: { phone_number_id: string; phone_number: string }[]; phone_number_count: number }>;
}

export interface RotateDependencies {
  numbers: NumbersDialing;
  events: EventStore;
  inTransaction: Transaction;
  secrets: Pick<Secrets, 'seal'>;
  clock: Clock;
  installation_id: string;
}

/** How long a call that has begun may still need the credentials that it began with. */
const REST_MS = 5000;
const LONGEST_REST_MS = 300_000;

export type Rotate = ReturnType<typeof createRotate>;

/**
 * Rotates a trunk's credentials without refused calls: Twilio accepts both pairs until no number dials with the former
 * one. The record holds the progress, and the reconciler takes each step under the integration's lease.
 */
export const createRotate = (deps: RotateDependencies) => {
  const { numbers, events, inTransaction, secrets, clock, installation_id } = deps;
  const later = (ms: number) => new Date(clock.now() + ms);

  /** If the trunk was never made, no number has to change over, so the former pair is unused at once. */
  const putInForce = (record: IntegrationRecord, { username, password, ...asked }: Rotation): Fields => {
    const { carrier, provisioning } = record;
    const { credential, other_credential } = provisioning.parts;
    const former = { username: carrier.username, password: carrier.password ?? '' };
    record.carrier = { ...carrier, username, password, rotated_at: later(0) };
    record.rotation = { ...asked, ...former, state: other_credential ? 'going' : 'unused' };
    const inForce = { 'carrier.username': username, 'carrier.password': password };
    const written = { ...inForce, 'carrier.rotated_at': record.carrier.rotated_at, rotation: record.rotation };
    if (credential === undefined || other_credential === undefined) return written;
    Object.assign(provisioning.parts, { credential: other_credential, other_credential: credential });
    const changed = { 'provisioning.parts.credential': other_credential };
    return { ...written, ...changed, 'provisioning.parts.other_credential': credential };
  };

  const end = (claim: IntegrationClaim, { actor, request_id }: Rotation, $set: Fields, only: Fields): Promise<void> =>
    inTransaction(async (session) => {
      const { organization_id, integration_id: subject_id } = claim.record;
      const $unset = { 'provisioning.parts.other_credential': 1 } as const;
      await claim.release({ $set: { ...$set, rotation: null, updated_at: later(0) }, $unset }, { session, only });
      const told = { organization_id, subject_id, actor, request_id, changes: {} };
      await events.write({ ...told, type: 'integration.trunk_password_rotated' }, session);
    });

  return {
    draw: async ({ integration_id }: Named, { key_id, request_id }: Caller): Promise<Rotation> => ({
      state: 'coming',
      username: `trunkline-${installation_id}-${drawToken().slice(0, 8)}`,
      password: await secrets.seal(drawPassword(), passwordPlaceOf(integration_id)),
      ...{ actor: { key_id }, request_id, at: later(0) },
    }),

    /** Takes the next step of a rotation, once Twilio has what the record says, and releases the record. */
    goOn: async (claim: IntegrationClaim, rotation: Rotation, made: Fields = {}): Promise<void> => {
      const { record } = claim;
      const $set = { ...made, 'provisioning.attempt': 0 };
      // Not if they were re-encrypted meanwhile: the texts that were read need a key that may be removed.
      const only = { 'carrier.password': record.carrier.password, 'rotation.password': rotation.password };
      const changed = rotation.state === 'coming' ? putInForce(record, rotation) : {};
      if (record.rotation?.state === 'unused') return end(claim, rotation, { ...$set, ...changed }, only);
      if (rotation.state === 'coming') await claim.write({ $set: changed }, { only });
      const { username } = record.carrier;
      await numbers.changeOver(record, username);
      if (await numbers.mayDialOtherwise(record, username)) {
        // The longer the rotation lasts, the less often to check.
        const tenth = (clock.now() - rotation.at.getTime()) / 10;
        const rest_ms = Math.min(LONGEST_REST_MS, Math.max(REST_MS, tenth));
        await claim.release({ $set }, { due_at: later(rest_ms) });
      } else await claim.release({ $set: { ...$set, 'rotation.state': 'unused' } }, { due_at: later(REST_MS) });
    },

    /** Throws if a rotation is under way, because the numbers would not change over to the new credentials. */
    requireNone: async (record: IntegrationRecord): Promise<void> => {
      const { integration_id, rotation } = record;
      if (rotation === null) return;
      const found = await numbers.dialingOtherwise(record, nextUsername(record), MOST_LISTED);
      const { phone_numbers, phone_number_count } = found;
      const named = phone_number_count > 0 ? `: ${naming(phone_numbers, phone_number_count)}` : '';
      throw new Problem(
        'rotation_under_way',
        `The trunk password of ${integration_id} has been rotating since ${rotation.at.toISOString()}, with ${counted(phone_number_count)} still to change over${named}. Retry when trunk_password_rotation is null.`,
        { phone_numbers, phone_number_count, retry_after_seconds: 60 },
      );
    },

    /** The rotation as callers see it. */
    describe: async (record: IntegrationRecord) => {
      const { rotation, provisioning } = record;
      if (rotation === null) return null;
      const phone_number_count = await numbers.countDialingOtherwise(record, nextUsername(record));
      const problem = provisioning.problem && { code: provisioning.problem.code, detail: provisioning.problem.detail };
      return { since: rotation.at.toISOString(), phone_number_count, ...(problem && { problem }) };
    },
  };
};

const nextUsername = ({ carrier, rotation }: IntegrationRecord): string =>
  rotation?.state === 'coming' ? rotation.username : carrier.username;
