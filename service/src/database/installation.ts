import { randomBytes } from 'node:crypto';
import type { ClientSession } from 'mongoose';
import { z } from 'zod';
import { type CollectionDefinition, openCollection } from './collection.ts';
import { type Connection, repeatedField } from './connect.ts';
import { refuseNewer, schemaOf } from './upgrade.ts';
import { upgrades } from './upgrades.ts';

const Installation = z.object({
  _id: z.literal('installation'),
  /** 12 hex digits: part of every mark, and of Twilio's domain names. */
  installation_id: z.string(),
  /** The LiveKit project whose trunks the records name. */
  project: z.string().exactOptional(),
  /** The same in schema 1 and 2, whose code refuses what stands here since. */
  livekit_project: z.string(),
  /** Once an organization was made for the first key, none is made that way again. */
  bootstrapped: z.boolean(),
  /** Since when the operator has paused all work on the providers. */
  paused_at: z.date().exactOptional(),
  /** Since when repairing takes nothing more away, for it was too much. */
  braked_at: z.date().exactOptional(),
  /** How its rows are written; the first version did not say so. */
  schema: z.number().default(1),
});

export const installationsCollection = {
  name: 'installations',
  id: '_id',
  shape: Installation,
  indexes: [],
} as const satisfies CollectionDefinition;

const UPGRADED = 'a later version of Trunkline, which has upgraded it';

export type InstallationStore = Awaited<ReturnType<typeof openInstallation>>;

/**
 * Who this installation is: made once for each database, whichever replica comes first. Throws where the database
 * belongs to another LiveKit project, so that sandbox numbers never reach a real one, and where it is newer than this code.
 */
export const openInstallation = async (
  connection: Connection,
  livekit_project: string,
  schema = schemaOf(upgrades),
) => {
  const installations = openCollection(connection, installationsCollection);
  const installation_id = randomBytes(6).toString('hex');
  const made = {
    _id: 'installation',
    installation_id,
    project: livekit_project,
    livekit_project: UPGRADED,
    bootstrapped: false,
    schema,
  } as const;
  await installations.insert(made).catch((error: unknown) => {
    if (repeatedField(error) !== '_id') throw error;
  });
  const found = (await installations.findOne({ _id: 'installation' })) ?? made;
  refuseNewer(found.schema, schema);
  const project = found.project ?? found.livekit_project;
  if (project !== livekit_project) {
    throw new Error(
      `This database belongs to the LiveKit project ${project}, not ${livekit_project}. ` +
        'Set the LIVEKIT_ settings of that project, or another MONGODB_URI (or DATA_DIR).',
    );
  }
  return {
    installation_id: found.installation_id,
    /** True for the one transaction that is to make the first organization. */
    claimBootstrap: async (session: ClientSession): Promise<boolean> => {
      const unclaimed = { _id: 'installation', bootstrapped: false } as const;
      const { modifiedCount } = await installations.updateOne(unclaimed, { $set: { bootstrapped: true } }, { session });
      return modifiedCount > 0;
    },
  };
};
