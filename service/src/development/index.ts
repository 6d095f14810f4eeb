import { systemClock } from '../clock.ts';
import type { Connection } from '../database/connect.ts';
import { buildIndexes } from '../database/indexes.ts';
import { openSandbox, type Sandbox } from '../sandbox/server.ts';
import { createDatabaseShelf, sandboxCollection } from '../sandbox/shelf.ts';

export { banner } from './banner.ts';
/** Local replacements for settings that are not set. Production never loads them, nor installs their packages. */
export { keptApiKey, keptEncryptionKeys } from './local-keys.ts';
export { openMongod } from './mongod.ts';

/** Opens the sandbox on the port after the service's, or any other if that is in use. Its state is in the database. */
export const openSandboxNextTo = async (port: number, connection: Connection): Promise<Sandbox> => {
  await buildIndexes(connection, [sandboxCollection]);
  const options = { shelf: createDatabaseShelf(connection), clock: systemClock };
  return port === 0
    ? openSandbox({ ...options, port })
    : openSandbox({ ...options, port: port + 1 }).catch(() => openSandbox({ ...options, port: 0 }));
};
