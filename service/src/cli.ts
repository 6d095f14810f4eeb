import { parseArgs } from 'node:util';
import { createBackground } from './background.ts';
import { systemClock } from './clock.ts';
import { readConfig } from './config.ts';
import { connect, transactionOn } from './connect.ts';
import { createEventStore } from './events/store.ts';
import { openInstallation } from './installation.ts';
import { createLogging } from './log.ts';
import { createOrganizations } from './organizations/index.ts';
import { drawApiKey } from './organizations/raw-key.ts';
import { prepareDatabase } from './prepare-database.ts';
import { createSecrets, type KeyRing } from './secrets.ts';
import type { UpgradeTools } from './upgrades.ts';

const USAGE = `Usage: trunkline organizations create --name <name>

Makes an organization and its first API key, an admin's, in the database at MONGODB_URI.
The key is printed once, and kept nowhere.`;

const createOrganization = async (name: string) => {
  const { mongodb_uri, livekit_project, log_level, quotas, encryption_keys } = readConfig(process.env);
  if (mongodb_uri === undefined) {
    throw new Error('MONGODB_URI is required: the database of the service that the organization is for.');
  }
  const { log } = createLogging(log_level, process.stderr);
  await using opened = new AsyncDisposableStack();
  const connection = opened.adopt(await connect(mongodb_uri), (it) => it.close());
  const organizations = createOrganizations({
    connection,
    clock: systemClock,
    inTransaction: transactionOn(connection),
    events: createEventStore({ connection, clock: systemClock }),
    installation: await openInstallation(connection, livekit_project),
    background: createBackground(log),
    quotas,
  });
  await prepareDatabase({
    mongodb_uri,
    clock: systemClock,
    log,
    signal: new AbortController().signal,
    tools: sealingBy(encryption_keys),
  });
  const raw_key = drawApiKey();
  const actor = { system: 'command_line' } as const;
  const { organization_id } = await organizations.createOrganization({ name, raw_key, actor });
  console.log(`Organization  ${organization_id}\nAPI key       ${raw_key} (admin; shown this once)`);
};

/** Without the service's keys nothing is sealed: what a key of our own sealed, the service could not open. */
const sealingBy = (keys: KeyRing | undefined): UpgradeTools =>
  keys === undefined
    ? {
        seal: async () => {
          throw new Error('ENCRYPTION_KEYS is required to upgrade this database: set it, or start the service first.');
        },
      }
    : createSecrets(keys);

/** The command line: what only who runs the service may do. */
try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { name: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  const name = values.name?.trim();
  if (values.help) console.log(USAGE);
  else if (positionals.join(' ') === 'organizations create' && name) await createOrganization(name);
  else throw new Error(USAGE);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
