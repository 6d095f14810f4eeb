import { systemClock } from '../clock.ts';
import type { Connection } from '../database/connect.ts';
import { buildIndexes } from '../database/indexes.ts';
import { openSandbox, type Sandbox } from '../sandbox/server.ts';
import { createDatabaseShelf, sandboxCollection } from '../sandbox/shelf.ts';

export { banner } from './banner.ts';
/** What stands in for whatever is not set. Production never loads it, and its packages are not installed there. */
export { keptApiKey, keptEncryptionKeys } from './local-keys.ts';
export { openMongod } from './mongod.ts';

/** The sandbox on the port after the service's, or on any other where that is in use. It keeps its state in the database. */
export const openSandboxNextTo = async (port: number, connection: Connection): Promise<Sandbox> => {
  await buildIndexes(connection, [sandboxCollection]);
  const options = { shelf: createDatabaseShelf(connection), clock: systemClock };
  return port === 0
    ? openSandbox({ ...options, port })
    : openSandbox({ ...options, port: port + 1 }).catch(() => openSandbox({ ...options, port: 0 }));
};
