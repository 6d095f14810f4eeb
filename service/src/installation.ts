import { randomBytes } from 'node:crypto';
import { type ClientSession, type Connection, Schema } from 'mongoose';
import { repeatedField } from './connect.ts';

interface Installation {
  _id: 'installation';
  /** 12 hex digits: part of every mark, and of Twilio's domain names. */
  installation_id: string;
  /** The LiveKit project whose trunks the records name. */
  livekit_project: string;
  /** Once an organization was made for the first key, none is made that way again. */
  bootstrapped: boolean;
}

const schema = new Schema<Installation>(
  {
    _id: { type: String, required: true },
    installation_id: { type: String, required: true },
    livekit_project: { type: String, required: true },
    bootstrapped: { type: Boolean, required: true },
  },
  { strict: 'throw', strictQuery: 'throw', versionKey: false },
);

export type InstallationStore = Awaited<ReturnType<typeof openInstallation>>;

/**
 * Who this installation is: made once for each database, whichever replica comes first. Throws where the database
 * belongs to another LiveKit project, so that sandbox numbers never reach a real one.
 */
export const openInstallation = async (connection: Connection, livekit_project: string) => {
  const installations = connection.model<Installation>('Installation', schema, 'installations');
  const made: Installation = {
    _id: 'installation',
    installation_id: randomBytes(6).toString('hex'),
    livekit_project,
    bootstrapped: false,
  };
  await installations.create([made]).catch((error: unknown) => {
    if (repeatedField(error) !== '_id') throw error;
  });
  const found = await installations.findById('installation').orFail().lean<Installation>();
  if (found.livekit_project !== livekit_project) {
    throw new Error(
      `This database belongs to the LiveKit project ${found.livekit_project}, not ${livekit_project}. ` +
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
