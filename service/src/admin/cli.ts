import { parseArgs } from 'node:util';
import { IntegrationId } from '@trunkline/contracts';
import { createBackground } from '../background.ts';
import { systemClock } from '../clock.ts';
import { collections } from '../compose/collections.ts';
import { type Config, madeFor, readConfig } from '../config/index.ts';
import { connect, transactionOn } from '../database/connect.ts';
import { openInstallation, renameProject } from '../database/installation.ts';
import { prepareDatabase } from '../database/prepare-database.ts';
import { createSecrets, type KeyRing } from '../database/secrets.ts';
import { requireUpgraded } from '../database/upgrade.ts';
import { type UpgradeTools, upgrades } from '../database/upgrades.ts';
import { createEventStore } from '../events/store.ts';
import { createMove } from '../integrations/move.ts';
import { createIntegrationStore } from '../integrations/store.ts';
import { createOrganizations } from '../organizations/index.ts';
import { drawApiKey } from '../organizations/raw-key.ts';
import { describeRelease } from '../phone-numbers/describe.ts';
import { createOperatorRelease } from '../phone-numbers/operator-release.ts';
import { createPhoneNumberStore } from '../phone-numbers/store.ts';
import { createGate } from '../provisioning/index.ts';
import { createLogging } from '../telemetry/log.ts';
import { createLiveKit } from '../vendors/livekit.ts';
import { check } from './check.ts';
import { holdsTrunksOf } from './holds-trunks.ts';
import { reEncrypt } from './re-encrypt.ts';

const USAGE = `Usage: trunkline organizations create --name <name>
       trunkline numbers release <number> --any-organization [--force]
       trunkline secrets re-encrypt
       trunkline integrations move <id>
       trunkline pause
       trunkline resume
       trunkline livekit rename [--force]
       trunkline check [--seconds <n>]

organizations create creates an organization and its first API key, with the role admin, in the database at MONGODB_URI.
The key is printed once and not stored.

numbers release releases a number of any organization, assigned or not: for example if somebody imported a SIP number that
is not theirs. The running service does the work; this command waits for it. With --force, the number is released even if
the account refuses to restore its former routing.

secrets re-encrypt encrypts all stored secrets with the first of ENCRYPTION_KEYS while the service runs, and says when the
other keys can be removed.

integrations move changes the trunk of an account at Twilio, and the trunks of its numbers at LiveKit, to today's
LIVEKIT_SIP_HOST and TWILIO_SECURE_TRUNKING. The running service does the work; this command waits for it. Calls are refused
until it is done.

pause stops all changes at Twilio and LiveKit, on every replica within a second. Numbers and integrations can be read but not
changed, and background work waits. Only the list of an account's available numbers still asks Twilio and LiveKit. resume
ends the pause. It also allows removals again if the service has stopped them itself.

livekit rename assigns the database to the LiveKit of the LIVEKIT_ settings, if that is the same LiveKit under a new name.
It looks there for trunks of this database, and refuses if it finds none. With --force, it does not look.

check tells whether everything is in place for calls: the database, LiveKit's key, the SIP host, the clock, and what others
have at LiveKit that takes all calls. It changes nothing, and ends within five seconds, or as many as you give. It exits with
0 if nothing failed, 1 if something did, 2 if it cannot run. If the output is not a terminal, it is JSON.`;

/** How long a command waits for the service to do the work. */
const OPERATOR_WAIT_MS = 60_000;

/** Opens the service's database and prepares it for this version. */
const openDatabase = async (opened: AsyncDisposableStack) => {
  const config = readConfig(process.env);
  const { mongodb_uri, livekit_project, log_level, encryption_keys } = config;
  if (mongodb_uri === undefined) throw new Error('MONGODB_URI is required: the database of the service.');
  const { log } = createLogging(log_level, process.stderr);
  const connection = opened.adopt(await connect(mongodb_uri), (it) => it.close());
  await requireUpgraded(connection, upgrades);
  const installation = await openInstallation(connection, livekit_project);
  const { signal } = new AbortController();
  await prepareDatabase({
    mongodb_uri,
    collections,
    clock: systemClock,
    log,
    signal,
    tools: sealingBy(encryption_keys),
  });
  return { config, log, connection, installation };
};

const createOrganization = async (name: string) => {
  await using opened = new AsyncDisposableStack();
  const { config, log, connection, installation } = await openDatabase(opened);
  const organizations = createOrganizations({
    connection,
    clock: systemClock,
    inTransaction: transactionOn(connection),
    events: createEventStore({ connection, clock: systemClock }),
    installation,
    background: createBackground(log),
    quotas: config.quotas,
  });
  const raw_key = drawApiKey();
  const actor = { system: 'command_line' } as const;
  const { organization_id } = await organizations.createOrganization({ name, raw_key, actor });
  console.log(`Organization  ${organization_id}\nAPI key       ${raw_key} (admin; shown this once)`);
};

const releaseNumber = async (phone_number: string, force: boolean) => {
  await using opened = new AsyncDisposableStack();
  const { connection, config } = await openDatabase(opened);
  const { lease_ms, provider_timeout_ms: settle_ms } = config;
  const leases = { clock: systemClock, lease_ms, settle_ms };
  const release = createOperatorRelease({ ...leases, connection, wait_ms: OPERATOR_WAIT_MS });
  const outcome = await release(phone_number, force);
  const { provisioning_state, warnings = [] } = describeRelease(outcome);
  for (const warning of warnings) console.log(warning);
  if (provisioning_state === 'released') return console.log(`${phone_number} is released.`);
  const { problem } = outcome.record.provisioning;
  console.error(
    `${phone_number} is not released yet${problem ? `: ${problem.detail}` : '.'} A running service continues with it. To see the outcome, run this again.`,
  );
  process.exitCode = 1;
};

const renameLiveKit = async (force: boolean) => {
  await using opened = new AsyncDisposableStack();
  const config = readConfig(process.env);
  const { livekit, livekit_project, provider_timeout_ms: timeout_ms } = config;
  if (livekit === undefined)
    throw new Error('LIVEKIT_URL is required, with the other LIVEKIT_ settings: the new name.');
  const connection = opened.adopt(await connect(await databaseUri(config, opened)), (it) => it.close());
  await requireUpgraded(connection, upgrades);
  const switchboard = createLiveKit({ ...livekit, timeout_ms, measureCall: (_call, run) => run() });
  const holdsOurs = async (installation_id: string) =>
    force || (await holdsTrunksOf({ connection, switchboard, installation_id }));
  const { from, to } = await renameProject(connection, livekit_project, holdsOurs);
  console.log(`This database belongs to the LiveKit project ${to} now. It was called ${from}.`);
};

/** Without MONGODB_URI, the embedded database, while no service is running. */
const databaseUri = async (config: Config, opened: AsyncDisposableStack): Promise<string> => {
  if (config.mongodb_uri !== undefined) return config.mongodb_uri;
  const { openMongod } = await import('../development/index.ts');
  const { signal } = new AbortController();
  const mongod = await openMongod({ ...config, signal, say: (line) => console.error(line) });
  return opened.adopt(mongod, (it) => it.close()).uri;
};

const reEncryptSecrets = async () => {
  await using opened = new AsyncDisposableStack();
  const { config, connection } = await openDatabase(opened);
  const keys = config.encryption_keys;
  if (keys === undefined) throw new Error('ENCRYPTION_KEYS is required: the newest key first, then the others.');
  const isDone = await reEncrypt({
    connection,
    collections,
    secrets: createSecrets(keys),
    key_ids: [...keys.keys()],
    clock: systemClock,
    say: (line) => console.log(line),
  });
  if (!isDone) process.exitCode = 1;
};

const moveIntegration = async (integration_id: IntegrationId) => {
  await using opened = new AsyncDisposableStack();
  const { connection, config } = await openDatabase(opened);
  if (config.livekit === undefined) throw new Error('LIVEKIT_SIP_HOST is required, and the other LIVEKIT_ settings.');
  const leases = { clock: systemClock, lease_ms: config.lease_ms, settle_ms: config.provider_timeout_ms };
  const move = createMove({
    store: createIntegrationStore(connection, leases),
    numbers: createPhoneNumberStore(connection, leases),
    clock: systemClock,
    made_for: madeFor(config, config.livekit.sip_host),
    wait_ms: OPERATOR_WAIT_MS,
  });
  console.log('Until this is done, calls to and from the numbers of this account may be refused.');
  const waiting = await move(integration_id);
  if (waiting === 0) return console.log(`${integration_id} is moved.`);
  console.error(
    `Trunks or numbers that are not moved yet: ${waiting}. A running service continues with them. To see whether it is done, run this again.`,
  );
  process.exitCode = 1;
};

const setPaused = async (isPaused: boolean) => {
  await using opened = new AsyncDisposableStack();
  const { connection, log, config } = await openDatabase(opened);
  const leases = { clock: systemClock, lease_ms: config.lease_ms, settle_ms: config.provider_timeout_ms };
  const { countHeld } = createPhoneNumberStore(connection, leases);
  const gate = createGate({ connection, clock: systemClock, log, countHeld });
  if (isPaused) await gate.pause();
  else await gate.resume();
  console.log(
    isPaused
      ? 'Paused: all changes at Twilio and LiveKit stop within a second. To continue, run: trunkline resume'
      : 'Resumed: the service continues its work.',
  );
};

/** Seals only with the service's keys: it could not open what another key sealed. */
const sealingBy = (keys: KeyRing | undefined): UpgradeTools =>
  keys === undefined
    ? {
        seal: async () => {
          throw new Error('ENCRYPTION_KEYS is required to upgrade this database: set it, or start the service first.');
        },
      }
    : createSecrets(keys);

const runCheck = async (seconds: string | undefined) => {
  const longest_ms = seconds === undefined ? undefined : Number(seconds) * 1000;
  if (longest_ms !== undefined && !(longest_ms >= 1000 && longest_ms <= 600_000))
    throw new Error('--seconds must be a number, from 1 to 600');
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const code = await check(process.env, {
    stdout: process.stdout,
    stderr: process.stderr,
    signal: interrupted.signal,
    longest_ms,
  });
  // Exits without waiting for what has not answered.
  process.exit(code);
};

/** The operator's command line. */
try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      'any-organization': { type: 'boolean' },
      force: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const name = values.name?.trim();
  const command = positionals.join(' ');
  if (values.help) console.log(USAGE);
  else if (command === 'organizations create' && name) await createOrganization(name);
  else if (command.startsWith('numbers release +') && positionals.length === 3 && values['any-organization'])
    await releaseNumber(positionals[2] ?? '', values.force);
  else if (command === 'livekit rename' && name === undefined) await renameLiveKit(values.force);
  else if (command === 'check' && name === undefined) await runCheck(values.seconds);
  else if (command === 'secrets re-encrypt' && name === undefined) await reEncryptSecrets();
  else if (command.startsWith('integrations move ') && positionals.length === 3)
    await moveIntegration(IntegrationId.parse(positionals[2]));
  else if (command === 'pause' || command === 'resume') await setPaused(command === 'pause');
  else throw new Error(USAGE);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
