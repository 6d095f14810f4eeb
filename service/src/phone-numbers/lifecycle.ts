import type { Problem } from '@trunkline/contracts';
import type { ClientSession } from 'mongoose';
import type { Clock } from '../clock.ts';
import type { Transaction } from '../database/connect.ts';
import type { EventStore, NewEvent } from '../events/store.ts';
import { putOff, REMEMBERED_MS, type Told } from '../provisioning/index.ts';
import { type Change, notRestored, type PhoneNumberRecord, type Wanted } from './record.ts';
import { secretFields } from './secret-settings.ts';
import type { PhoneNumberClaim } from './store.ts';

export type Lifecycle = ReturnType<typeof createLifecycle>;

export interface LifecycleDependencies {
  inTransaction: Transaction;
  events: EventStore;
  clock: Clock;
}

/**
 * The ways in which a change can end. Where callers asked for the outcome or would want to know it, it is stored with
 * its event in one transaction, before the answer. Each throws `LeaseLost` if the change has ended otherwise meanwhile.
 */
export const createLifecycle = ({ inTransaction, events, clock }: LifecycleDependencies) => {
  const later = (ms: number) => new Date(clock.now() + ms);

  const writeEvent = (
    { organization_id, phone_number_id: subject_id }: PhoneNumberRecord,
    type: NewEvent['type'],
    changes: NewEvent['changes'],
    { actor, request_id }: Pick<NewEvent, 'actor' | 'request_id'>,
    session: ClientSession,
  ) => events.write({ organization_id, subject_id, type, changes, actor, request_id }, session);

  return {
    /** The change is done, and callers see it from now on. */
    reached: async (claim: PhoneNumberClaim, change: Change): Promise<void> => {
      const { record } = claim;
      // An empty update only has a degraded number checked. An import's settings are in its record from the start.
      const hasOtherSettings = changesSettings(change);
      const revision = record.revision + Number(hasOtherSettings);
      const settled = { ...change.wanted, revision, provisioning_state: 'active', updated_at: later(0) } as const;
      const { stored_request } = change;
      await inTransaction(async (session) => {
        await claim.release(
          {
            $set: {
              ...settled,
              'provisioning.change': null,
              'provisioning.problem': null,
              'provisioning.obstacle': null,
              ...(stored_request && { 'provisioning.last_change': { stored_request, revision } }),
            },
          },
          {
            session,
            due_at: record.provisioning.uncertain_until ?? undefined,
            only: { ...isUnderWay(change), ...secretsAsRead(change) },
          },
        );
        const [type, changes] = eventOfReached(record, change);
        if (hasOtherSettings || change.kind === 'import') await writeEvent(record, type, changes, change, session);
      });
      Object.assign(record, settled);
      Object.assign(record.provisioning, { change: null, obstacle: null });
    },

    /** The change will not happen. An import goes on to be undone; any other number stays as it was. */
    dropped: async (claim: PhoneNumberClaim, { code, detail, members: { provider } }: Problem): Promise<void> => {
      const { record } = claim;
      const { change, uncertain_until } = record.provisioning;
      const outcome = change && { code, detail, ...(provider && { provider }), at: change.at };
      if (change?.kind === 'import') {
        const back = { provisioning_state: 'releasing', 'provisioning.change': null } as const;
        await inTransaction(async (session) => {
          const $set = { ...back, 'provisioning.outcome': outcome, updated_at: later(0) };
          await claim.write({ $set }, { session, only: isUnderWay(change) });
          await writeEvent(record, 'phone_number.import_failed', { code }, change, session);
        });
        record.provisioning_state = 'releasing';
      } else if (change) {
        const isRelease = change.wanted === null;
        const stays = {
          'provisioning.change': null,
          'provisioning.outcome': outcome,
          'provisioning.uncertain_until': uncertain_until,
        };
        const state = record.provisioning.obstacle ? 'degraded' : 'active';
        const $set = { ...stays, ...(isRelease && { provisioning_state: state }) };
        await claim.write({ $set }, { only: isUnderWay(change) });
        if (isRelease) record.provisioning_state = state;
      }
      Object.assign(record.provisioning, { change: null, outcome });
    },

    /** Everything is removed and anyone may import the number. The row stays, without its secrets. */
    gone: async (claim: PhoneNumberClaim): Promise<void> => {
      const { record } = claim;
      const { change, parts, uncertain_until, attempt, imported_by } = record.provisioning;
      const wasGone = record.provisioning_state === 'gone';
      const madeNothing = uncertain_until === null && Object.values(parts).every((it) => it.resource_id === null);
      // Its caller got the answer, so nobody will ask for the outcome.
      const isForgotten = madeNothing && change === null && attempt === 1 && imported_by.stored_request === null;
      const $set = {
        provisioning_state: 'gone',
        inbound_pin: null,
        ...(record.provider === 'sip' && { sip_password: null }),
        'provisioning.uncertain_until': null,
        'provisioning.problem': null,
        'provisioning.obstacle': null,
        expires_at: later(REMEMBERED_MS),
        updated_at: later(0),
      };
      await inTransaction(async (session) => {
        if (isForgotten) await claim.remove(session);
        else await claim.release({ $set, $unset: { holds: 1 } }, { session });
        // Its event was written when it was first released, or when it was refused before anything was made.
        if (wasGone || (change === null && madeNothing)) return;
        const problem = notRestored(record, 'carrier_routing');
        const told = {
          ...(change && { phone_number: record.phone_number }),
          ...(problem && { problem: problem.detail }),
        };
        const type = change ? 'phone_number.released' : 'phone_number.import_undone';
        await writeEvent(record, type, told, change ?? reconciler, session);
      });
    },

    /** Nothing is left to do. */
    settled: async (claim: PhoneNumberClaim): Promise<void> => {
      const { provisioning, provisioning_state } = claim.record;
      const mended = { provisioning_state: 'active', 'provisioning.obstacle': null } as const;
      await claim.release({
        $set: {
          'provisioning.uncertain_until': null,
          'provisioning.problem': null,
          ...(provisioning_state === 'degraded' && mended),
        },
      });
      provisioning.obstacle = null;
    },

    /** Something that we may not change is in the way. */
    obstructed: async (claim: PhoneNumberClaim, { code, detail }: Told, due_at: Date): Promise<void> => {
      const { uncertain_until, obstacle } = claim.record.provisioning;
      const since = obstacle?.code === code ? obstacle.since : later(0);
      await claim.release(
        {
          $set: {
            provisioning_state: 'degraded',
            'provisioning.obstacle': { code, detail, since },
            'provisioning.uncertain_until': uncertain_until ?? later(0),
          },
        },
        { due_at },
      );
    },

    /** Postponed: the reconciler looks again at `due_at`. `problem`: why, if something failed. */
    postponed: (claim: PhoneNumberClaim, due_at: Date, problem: Told | null = null): Promise<void> =>
      putOff(claim, due_at, problem),
  };
};

/** Each end requires its own change to be under way, because a deadline and the work that it stops share one lease. */
const isUnderWay = ({ at, request_id }: Change) => ({
  'provisioning.change.at': at,
  'provisioning.change.request_id': request_id,
});

/** If a secret was re-encrypted since it was read, the text that was read needs a key that may be removed. */
const secretsAsRead = ({ wanted }: Change) =>
  Object.fromEntries(
    secretFields.flatMap((name) => (wanted?.[name] ? [[`provisioning.change.wanted.${name}`, wanted[name]]] : [])),
  );

const reconciler = { actor: { system: 'reconciler' }, request_id: null } as const;

/** Whether callers will see other settings once the change is done. */
export const changesSettings = ({ wanted }: Pick<Change, 'wanted'>): boolean => Object.keys(wanted ?? {}).length > 0;

const eventOfReached = (
  { phone_number, provider, assigned_agent_id }: PhoneNumberRecord,
  { kind, wanted }: Change,
): [NewEvent['type'], NewEvent['changes']] => {
  if (kind === 'import') return ['phone_number.imported', { phone_number, provider, assigned_agent_id }];
  if (kind === 'update') return ['phone_number.updated', eventChangesOf(wanted ?? {})];
  const agent = { assigned_agent_id: wanted?.assigned_agent_id ?? null };
  return [kind === 'assign' ? 'phone_number.assigned' : 'phone_number.unassigned', agent];
};

/** Secrets and metadata are named without their values. */
const eventChangesOf = ({
  inbound_pin,
  inbound_pin_version,
  sip_password,
  sip_password_version,
  agent_metadata,
  allowed_addresses,
  ...plain
}: Wanted): NewEvent['changes'] => ({
  ...plain,
  ...(inbound_pin !== undefined && { has_inbound_pin: inbound_pin !== null }),
  ...(sip_password !== undefined && { has_sip_password: sip_password !== null }),
  ...(agent_metadata !== undefined && { has_agent_metadata: agent_metadata !== null }),
  ...(allowed_addresses && { allowed_addresses: allowed_addresses.join(', ') }),
});
