import { Problem } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import type { Connection } from '../database/connect.ts';
import type { LeaseSettings } from '../provisioning/index.ts';
import { busy } from './change.ts';
import type { Release } from './release.ts';
import { createPhoneNumberStore } from './store.ts';

const LOOK_EVERY_MS = 200;

export interface OperatorReleaseDependencies extends LeaseSettings {
  connection: Connection;
  clock: Clock;
  /** How long to wait for the service to release it. */
  wait_ms: number;
}

/** Makes the running service release a number of any organization, assigned or not. Waits up to `wait_ms` for that. */
export const createOperatorRelease = (deps: OperatorReleaseDependencies) => {
  const { connection, clock, wait_ms } = deps;
  const store = createPhoneNumberStore(connection, deps);

  return async (phone_number: string, force: boolean): Promise<Release> => {
    const held = await store.getByNumber(phone_number);
    if (held === null) throw new Problem('phone_number_not_found', `No organization holds ${phone_number}.`);
    const { phone_number_id } = held;
    const change = {
      kind: 'release',
      wanted: null,
      actor: { system: 'command_line' },
      request_id: null,
      ...(force && { force }),
      at: new Date(clock.now()),
    } as const;
    if (held.provisioning_state === 'gone') {
      if (force) await store.forceRelease(phone_number_id, change);
    } else if (!(await store.releaseLater(phone_number, change))) throw busy(phone_number_id);
    for (const until = clock.now() + wait_ms; ; await clock.sleep(LOOK_EVERY_MS)) {
      const record = await store.getById(phone_number_id);
      if (record?.holds === undefined) return { record: record ?? held, isDone: true };
      if (clock.now() >= until) return { record, isDone: false };
    }
  };
};
