import { randomBytes } from 'node:crypto';
import type { ClientSession } from 'mongoose';
import { z } from 'zod';
import { type CollectionDefinition, openCollection } from './collection.ts';
import { type Connection, repeatedField } from './connect.ts';
import { refuseNewer, schemaOf } from './upgrade.ts';
import { upgrades } from './upgrades.ts';

const Installation = z.object({
  _id: z.literal('installation'),
  /** 12 hex digits. Part of every mark, and of the domain names at Twilio. */
  installation_id: z.string(),
  /** The LiveKit project that has the trunks of these records. */
  project: z.string().exactOptional(),
  /** The project in schemas 1 and 2. Now holds a text that their code refuses. */
  livekit_project: z.string(),
  /** Whether the first organization was created, which happens only once. */
  bootstrapped: z.boolean(),
  /** When the operator paused all work on the providers. */
  paused_at: z.date().exactOptional(),
  /** When repairing stopped removing things because there were too many. */
  braked_at: z.date().exactOptional(),
  /** The schema of the database. The first version did not store it. */
  schema: z.number().default(1),
});

export const installationsCollection = {
  name: 'installations',
  id: '_id',
  shape: Installation,
  indexes: [],
} as const satisfies CollectionDefinition;

/** Reads which installation the database belongs to. Undefined if no service has prepared it yet. */
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
 * Reads the installation, or creates it: once for each database, by whichever replica comes first. Throws if the
 * database is newer than this code, or belongs to another LiveKit project: sandbox numbers never reach a real one.
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
    /** True for the one transaction that may create the first organization. */
    claimBootstrap: async (session: ClientSession): Promise<boolean> => {
      const unclaimed = { _id: 'installation', bootstrapped: false } as const;
      const { modifiedCount } = await installations.updateOne(unclaimed, { $set: { bootstrapped: true } }, { session });
      return modifiedCount > 0;
    },
  };
};

const SANDBOX = 'sandbox';

/** Whether two names mean the same project: `localhost` is 127.0.0.1, and a host name may end with a dot. */
const isSameProject = (one: string, other: string): boolean => spellingOf(one) === spellingOf(other);

const spellingOf = (project: string): string => {
  const [, host = '', port = '', path = ''] = /^(\[[^\]]*\]|[^:/]*)(:[0-9]+)?(.*)$/.exec(project) ?? [];
  const name = host.toLowerCase().replace(/\.$/, '');
  return (LOCAL.test(name) ? 'localhost' : name) + port + path;
};

const LOCAL = /^(localhost|127\.[0-9.]+|0\.0\.0\.0|\[::1?\])$/;

/**
 * Assigns the database to the new name of its LiveKit project. `holdsOurs` tells whether that project has trunks of
 * this installation. Throws if it has none, and for the sandbox, which is never the same as a real project.
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
