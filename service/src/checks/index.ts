import type { Clock } from '../clock.ts';
import type { Connection } from '../database/connect.ts';
import { readInstallation } from '../database/installation.ts';
import { schemaOf } from '../database/upgrade.ts';
import { upgrades } from '../database/upgrades.ts';
import { clocksCheck } from './clocks.ts';
import { databaseCheck } from './database.ts';
import { type Accounts, integrationsChecks } from './integrations.ts';
import { type FindForAll, liveKitChecks } from './livekit-project.ts';
import type { Check } from './run-checks.ts';
import { sipHostCheck } from './sip-host.ts';

export { type Finding, LONGEST_MS, runChecks } from './run-checks.ts';

export interface ChecksDependencies {
  /** Absent if MONGODB_URI is not set: in development, the start opens its own. */
  database: { connection: Promise<Connection>; accounts(connection: Connection): Accounts } | undefined;
  livekit: { url: string; findForAll: FindForAll };
  livekit_project: string;
  twilio_url: string;
  /** Where carriers send calls today. */
  made_for: { sip_host: string; secure: boolean };
  clock: Clock;
}

/** Everything that can be checked from here before a call arrives. Changes nothing. */
export const createChecks = ({
  database,
  livekit,
  livekit_project,
  twilio_url,
  made_for,
  clock,
}: ChecksDependencies): Check[] => {
  // If the database cannot be read, only the database check reports it.
  const readDatabase = async () => {
    const connection = await database?.connection.catch(() => undefined);
    if (database === undefined || connection === undefined) return undefined;
    const installation = await readInstallation(connection, livekit_project).catch(() => undefined);
    return installation && { installation, accounts: database.accounts(connection) };
  };
  const accountsOfToday = async () => {
    const read = await readDatabase();
    return read?.installation.schema === schemaOf(upgrades) ? read.accounts : undefined;
  };
  const providers = [
    { name: 'LiveKit', url: livekit.url.replace(/^ws/i, 'http') },
    { name: 'Twilio', url: twilio_url },
  ];
  return [
    ...(database ? [databaseCheck({ connection: database.connection, livekit_project })] : []),
    ...liveKitChecks({ ...livekit, ownInstallation: async () => (await readDatabase())?.installation.installation_id }),
    sipHostCheck(made_for),
    clocksCheck({ clock, providers }),
    ...(database ? integrationsChecks(accountsOfToday) : []),
  ];
};
