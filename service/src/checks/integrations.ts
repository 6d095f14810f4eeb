import { Problem } from '@trunkline/contracts';
import { untilAborted } from '../database/abort.ts';
import { UnopenedSecret } from '../database/secrets.ts';
import { listed } from './listed.ts';
import { type Check, failed, ok, type Seen, warning, why } from './run-checks.ts';

/** The Twilio accounts in the database. */
export interface Accounts {
  /** Accounts whose trunk was made for other settings than today's: how many, and the ids of some. */
  madeForOther(limit: number): Promise<{ count: number; integration_ids: string[] }>;
  count(): Promise<number>;
  /** The newest accounts. `prove` rejects if Twilio refuses the credentials; it reads once, and changes nothing. */
  newest(limit: number): Promise<{ integration_id: string; prove(): Promise<void> }[]>;
}

/** How many accounts are tested, all at once, with one read each. */
const MOST_ASKED = 20;
const MOST_NAMED = 10;

/**
 * Whether the accounts' trunks are made for today's settings, and whether their credentials still work. Finds nothing
 * if there is no database to read.
 */
export const integrationsChecks = (read: () => Promise<Accounts | undefined>): Check[] => [
  {
    name: 'carrier_trunks',
    look: async () => {
      const accounts = await read();
      if (accounts === undefined) return [];
      const { count, integration_ids } = await accounts.madeForOther(MOST_NAMED);
      if (count === 0) return ok('All trunks at Twilio are made for the current settings.');
      const of = integration_ids.map((resource_id) => ({ resource_id }));
      return warning(
        `${listed('integration', of, count)} ${count === 1 ? 'has its trunk' : 'have their trunks'} made for another LIVEKIT_SIP_HOST or TWILIO_SECURE_TRUNKING, and numbers stay as they were made.`,
        'Put the setting back, or run trunkline integrations move <id> for each.',
      );
    },
  },
  {
    name: 'credentials',
    look: async ({ signal }) => {
      const accounts = await read();
      if (accounts === undefined) return [];
      const [all, asked] = await Promise.all([accounts.count(), accounts.newest(MOST_ASKED)]);
      const seen = await Promise.all(asked.map((account) => proved(account, signal)));
      const refused = seen.filter((it) => it !== undefined);
      if (refused.length > 0) return refused;
      if (all === 0) return ok('There is no integration yet.');
      const rest = all > asked.length ? ` The newest ${asked.length} were asked, of ${all}.` : '';
      return ok(`Twilio accepts the credentials of each integration.${rest}`);
    },
  },
];

const proved = async (
  { integration_id, prove }: Awaited<ReturnType<Accounts['newest']>>[number],
  signal: AbortSignal,
): Promise<Seen | undefined> => {
  try {
    await untilAborted(signal, prove());
    return undefined;
  } catch (error) {
    return error instanceof UnopenedSecret
      ? failed(`The credentials of ${integration_id} cannot be read: ${why(error)}.`, KEYS)
      : warning(`${integration_id}: ${sayOf(error)}`, AT_TWILIO);
  }
};

/** For refused credentials, the detail that callers read, which names the account. */
const sayOf = (error: unknown): string =>
  error instanceof Problem && error.code === 'provider_credentials_refused'
    ? error.detail
    : `Twilio could not be asked: ${why(error)}.`;

const AT_TWILIO =
  'Its numbers stay as they are, but none can be imported or released until Twilio accepts its credentials.';
const KEYS = 'Start with the ENCRYPTION_KEYS that this database was written with.';
