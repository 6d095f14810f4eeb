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

/** What the database says of itself. Changes nothing. Undefined: no service has prepared it yet. */
export const readInstallation = async (connection: Connection, livekit_project: string) => {
  const found = await openCollection(connection, installationsCollection).findOne({ _id: 'installation' });
  if (found === null) return undefined;
  const { installation_id, schema } = found;
  const project = found.project ?? found.livekit_project;
  return { installation_id, schema, project, is_of_project: isSameProject(project, livekit_project) };
};

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
  if (!isSameProject(project, livekit_project)) {
    const rename = [project, livekit_project].includes(SANDBOX)
      ? ''
      : ' If it is the same LiveKit under a new name, run: trunkline livekit rename';
    throw new Error(
      `This database belongs to the LiveKit project ${project}, not ${livekit_project}. ` +
        `Set the LIVEKIT_ settings of that project, or another MONGODB_URI (or DATA_DIR).${rename}`,
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

const SANDBOX = 'sandbox';

/** Whether two names are one place, however they are spelt: `localhost` is 127.0.0.1, and a dot may close a host name. */
const isSameProject = (one: string, other: string): boolean => spellingOf(one) === spellingOf(other);

const spellingOf = (project: string): string => {
  const [, host = '', port = '', path = ''] = /^(\[[^\]]*\]|[^:/]*)(:[0-9]+)?(.*)$/.exec(project) ?? [];
  const name = host.toLowerCase().replace(/\.$/, '');
  return (LOCAL.test(name) ? 'localhost' : name) + port + path;
};

const LOCAL = /^(localhost|127\.[0-9.]+|0\.0\.0\.0|\[::1?\])$/;

/**
 * Has the database belong to the LiveKit project under its new name. `holdsOurs` tells whether what this installation
 * made is there. Throws where it is not, and for the sandbox, which is never the same as a real one.
 */
export const renameProject = async (
  connection: Connection,
  livekit_project: string,
  holdsOurs: (installation_id: string) => Promise<boolean>,
): Promise<{ from: string; to: string }> => {
  const installations = openCollection(connection, installationsCollection);
  const found = await installations.findOne({ _id: 'installation' });
  if (found === null) throw new Error('This database belongs to no LiveKit project yet: start the service.');
  const from = found.project ?? found.livekit_project;
  if ([from, livekit_project].includes(SANDBOX)) {
    throw new Error(`This database belongs to ${from}, and the sandbox is not a LiveKit project.`);
  }
  if (!(await holdsOurs(found.installation_id))) {
    throw new Error(
      `${livekit_project} has none of the trunks that this database made at ${from}, so it is another LiveKit project. ` +
        'Check the LIVEKIT_ settings. If the trunks were deleted there, rename with --force.',
    );
  }
  await installations.updateOne({ _id: 'installation' }, { $set: { project: livekit_project } });
  return { from, to: livekit_project };
};
