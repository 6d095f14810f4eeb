import type { Switchboard } from '../../src/phone-numbers/providers.ts';
import { guarded, ProviderProblem } from '../../src/provisioning/index.ts';
import type { Command } from './database.ts';

/** Breaks one promise at a seam, to show that the simulation finds it. */
export interface Saboteur {
  /** A seed that is known to find it, tried first. Others find it too. */
  seed: number;
  /** Sabotages a vendor's client. */
  vendor?<Port extends object>(port: Port): Port;
  /** Sabotages a command on its way to the database. */
  command?(command: Command): Command;
}

type Fields = Record<string, unknown>;

const without = (fields: Fields = {}, ...names: string[]): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));

const replacing =
  (calls: Partial<Switchboard>) =>
  <Port extends object>(port: Port): Port =>
    new Proxy(port, { get: (target, name) => Reflect.get(name in calls && name in target ? calls : target, name) });

export const saboteurs: Readonly<Record<string, Saboteur>> = {
  'a look that forgets': { seed: 1, vendor: replacing({ findOutboundTrunks: async () => [] }) },

  'a part without remove': { seed: 2, vendor: replacing({ removeDispatchRule: async () => {} }) },

  'a write that ignores its token': {
    seed: 16,
    command: ({ filter, ...command }) => ({
      ...command,
      filter:
        typeof filter['provisioning.lease_token'] === 'string' ? without(filter, 'provisioning.lease_token') : filter,
    }),
  },

  'an answer trusted too early': {
    seed: 1,
    vendor: (port) =>
      guarded(port, {
        // Reports a call that may have taken effect as one that has not.
        after: async (error) => {
          if (!(error instanceof ProviderProblem) || !error.doubtful) return;
          throw new ProviderProblem(error.code, error.detail, { passing: error.passing });
        },
      }),
  },

  'a queue that loses one': {
    seed: 1,
    // A postponed record is no longer due.
    command: ({ update, ...command }) => {
      const { $set, $unset, ...others } = update ?? {};
      const isPutOff = $set?.['provisioning.lease_token'] === null && $set['provisioning.due_at'] !== undefined;
      if (!isPutOff) return { ...command, update };
      const lost = { $set: without($set, 'provisioning.due_at'), $unset: { ...$unset, 'provisioning.due_at': 1 } };
      return { ...command, update: { ...others, ...lost } };
    },
  },

  "a deadline that ends another's change": {
    seed: 57,
    command: ({ filter, ...command }) => ({
      ...command,
      filter: without(filter, 'provisioning.change.at', 'provisioning.change.request_id'),
    }),
  },
};
