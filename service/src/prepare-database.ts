import type { Clock } from './clock.ts';
import { collections } from './collections.ts';
import type { Connection } from './connect.ts';
import { buildIndexes, dropFormerIndexes } from './indexes.ts';
import type { Log } from './log.ts';
import { upgradeDatabase } from './upgrade.ts';
import { upgrades } from './upgrades.ts';

export interface PrepareDependencies {
  connection: Connection;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/** Makes a database fit this code. Every replica does so before it serves, several at once. */
export const prepareDatabase = async (deps: PrepareDependencies): Promise<void> => {
  await buildIndexes(deps.connection, collections);
  await upgradeDatabase({ ...deps, upgrades });
  await dropFormerIndexes(deps.connection, collections, deps.log);
};
