import type { Connection } from '../database/connect.ts';
import { readInstallation } from '../database/installation.ts';
import { schemaOf } from '../database/upgrade.ts';
import { upgrades } from '../database/upgrades.ts';
import { type Check, failed, ok, type Seen, warning } from './run-checks.ts';

export interface DatabaseDependencies {
  /** Rejects with a sentence if the database cannot be opened or is not a replica set. */
  connection: Promise<Connection>;
  livekit_project: string;
}

/** Whether the database is a replica set, belongs to this LiveKit project, and has the schema of this version. */
export const databaseCheck = ({ connection, livekit_project }: DatabaseDependencies): Check => ({
  name: 'database',
  look: async () => {
    const found = await readInstallation(await connection, livekit_project);
    if (found === undefined) return ok('MONGODB_URI is a replica set, and empty: the first start prepares it.');
    return seenProject(found, livekit_project) ?? seenSchema(found.schema, schemaOf(upgrades));
  },
});

const seenProject = (
  { project, is_of_project }: { project: string; is_of_project: boolean },
  livekit_project: string,
): Seen | undefined =>
  is_of_project
    ? undefined
    : failed(
        `The database belongs to the LiveKit project ${project}, and not to ${livekit_project}.`,
        'Set the LIVEKIT_ settings of that project, or another MONGODB_URI. If it is the same LiveKit under a new name, run: trunkline livekit rename',
      );

const seenSchema = (schema: number, known: number): Seen => {
  if (schema > known) {
    return failed(
      `The database has schema ${schema}, of a later version; this one knows schemas up to ${known}.`,
      'Start the later version, or restore a backup from before the upgrade.',
    );
  }
  if (schema < known) {
    return warning(
      `The database has schema ${schema}, of an earlier version; this one needs schema ${known}.`,
      'Stop every replica of the earlier version, and start this one: it upgrades the database.',
    );
  }
  return ok(`MONGODB_URI is a replica set, and has schema ${schema}, as this version needs.`);
};
