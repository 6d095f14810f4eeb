import { createChecks, type Finding, LONGEST_MS, runChecks } from '../checks/index.ts';
import { tableOf } from '../checks/table.ts';
import { systemClock } from '../clock.ts';
import { ConfigError, madeFor, readConfig } from '../config/index.ts';
import { type Connection, connect } from '../database/connect.ts';
import { createSecrets, UnopenedSecret } from '../database/secrets.ts';
import { allAccounts } from '../integrations/all-accounts.ts';
import { createIntegrationStore } from '../integrations/store.ts';
import { createLiveKit } from '../vendors/livekit.ts';
import { createTwilio } from '../vendors/twilio.ts';
import { TWILIO_API_URL } from '../vendors/twilio-http.ts';

const exitCodes = { fine: 0, failed: 1, cannot_run: 2, interrupted: 130 } as const;

export interface CheckOptions extends Pick<NodeJS.Process, 'stdout' | 'stderr'> {
  signal: AbortSignal;
  longest_ms?: number | undefined;
}

/**
 * Checks what can be checked before a call arrives, with the service's settings, whether it runs or not. Prints a table
 * to a terminal, else JSON. Resolves with the exit code; warnings alone are no failure.
 */
export const check = async (
  environment: Record<string, string | undefined>,
  { stdout, stderr, signal, longest_ms = LONGEST_MS }: CheckOptions,
): Promise<number> => {
  let checks: ReturnType<typeof checksOf>;
  try {
    checks = checksOf(environment, longest_ms);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof NothingToCheck)) throw error;
    stderr.write(`${error.message}\n`);
    return exitCodes.cannot_run;
  }
  let findings: Finding[];
  try {
    findings = await runChecks(checks, { signal, longest_ms });
  } catch (error) {
    if (!signal.aborted) throw error;
    stderr.write('Interrupted. Nothing was changed.\n');
    return exitCodes.interrupted;
  }
  const isFine = findings.every(({ state }) => state !== 'failed');
  stdout.write(
    stdout.isTTY
      ? `${tableOf(findings, stdout.columns || 80)}\n`
      : `${JSON.stringify({ ok: isFine, findings }, null, 2)}\n`,
  );
  return isFine ? exitCodes.fine : exitCodes.failed;
};

class NothingToCheck extends Error {
  override name = 'NothingToCheck';
}

const checksOf = (environment: Record<string, string | undefined>, longest_ms: number) => {
  const config = readConfig(environment);
  const { livekit, livekit_project, mongodb_uri, encryption_keys, twilio_api_url } = config;
  if (livekit === undefined) {
    throw new NothingToCheck(
      'There is nothing to check in the sandbox. Set the four LIVEKIT_ settings, as for the service.',
    );
  }
  const unmeasured = {
    timeout_ms: longest_ms,
    measureCall: <T>(_: string, run: () => Promise<T>) => run(),
  };
  const made_for = madeFor(config, livekit.sip_host);
  const accounts = (connection: Connection) =>
    allAccounts({
      store: createIntegrationStore(connection, { clock: systemClock, lease_ms: 0, settle_ms: 0 }),
      secrets: encryption_keys ? createSecrets(encryption_keys) : withoutKeys,
      connect: createTwilio({ url: twilio_api_url, ...unmeasured }),
      made_for,
    });
  return createChecks({
    database: mongodb_uri === undefined ? undefined : { connection: connecting(mongodb_uri, longest_ms), accounts },
    livekit: { url: livekit.url, findForAll: createLiveKit({ ...livekit, ...unmeasured }).findForAll },
    livekit_project,
    twilio_url: twilio_api_url ?? TWILIO_API_URL,
    made_for,
    clock: systemClock,
  });
};

const connecting = (mongodb_uri: string, longest_ms: number): Promise<Connection> => {
  // Gives up before a check's time is over, so that the check can say why.
  const connection = connect(mongodb_uri, { find_within_ms: Math.round(longest_ms * 0.7) });
  // The checks that need the connection report its failure.
  connection.catch(() => {});
  return connection;
};

const withoutKeys = {
  open: async (): Promise<string> => {
    throw new UnopenedSecret('ENCRYPTION_KEYS is not set');
  },
};
