import type { Clock } from '../clock.ts';
import type { Log } from '../telemetry/log.ts';
import { untilAborted } from './abort.ts';
import type { CollectionDefinition } from './collection.ts';
import { type Connection, connect } from './connect.ts';
import { buildIndexes, dropFormerIndexes } from './indexes.ts';
import { moveRows, upgradeDatabase } from './upgrade.ts';
import { moved, type UpgradeTools, upgrades } from './upgrades.ts';

export interface PrepareDependencies {
  mongodb_uri: string;
  /** All collections of the service. */
  collections: readonly CollectionDefinition[];
  clock: Clock;
  log: Log;
  /** Stops at once. The server may still finish an index build that it has begun. */
  signal: AbortSignal;
  /** Seals what earlier versions stored unencrypted. */
  tools: UpgradeTools;
}

/**
 * Makes a database fit this code. Every replica does so before it serves, and several may at once. Uses its own
 * connection without a limit for silence: building an index on a large collection takes minutes without an answer.
 */
export const prepareDatabase = async ({ mongodb_uri, ...deps }: PrepareDependencies): Promise<void> => {
  await using opened = new AsyncDisposableStack();
  const connecting = untilAborted(deps.signal, connect(mongodb_uri, { silence_ms: 0 }));
  const connection = opened.adopt(await connecting, (it) => it.close(true));
  await untilAborted(deps.signal, prepare({ ...deps, connection }));
};

const prepare = async (deps: Omit<PrepareDependencies, 'mongodb_uri'> & { connection: Connection }): Promise<void> => {
  await buildIndexes(deps.connection, deps.collections);
  await upgradeDatabase({ ...deps, upgrades });
  await dropFormerIndexes(deps.connection, deps.collections, deps.log);
  for (const move of moved) await moveRows(deps.connection, move);
};
